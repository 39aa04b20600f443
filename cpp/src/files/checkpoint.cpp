#include "uwm/checkpoint.hpp"

#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "files/number_text.hpp"
#include "files/safetensors.hpp"
#include "work/message.hpp"

namespace uwm {

namespace {

using safetensors::Entry;
using safetensors::in_quotes;
using safetensors::Metadata;

/// Files of version 1 have neither a checksum nor baseline, log and extra.
constexpr const char* format_version = "2";
constexpr const char* first_version = "1";

template <class T>
constexpr const char* dtype_name = sizeof(T) == 4 ? "float32" : "float64";

template <class List, class F>
std::string join(const List& list, const char* separator, F write) {
  std::string out;
  for (const auto& item : list) {
    if (!out.empty()) out += separator;
    out += write(item);
  }
  return out;
}

std::vector<std::string_view> split(std::string_view s, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = s.find(separator);
    parts.push_back(s.substr(0, end));
    if (end == s.npos) return parts;
    s.remove_prefix(end + 1);
  }
}

std::string format_schedule(const Schedule& s) {
  if (s.shape == Schedule::Shape::constant) return format_number(s.start);
  return text(s.shape == Schedule::Shape::linear ? "linear " : "exponential ", format_number(s.start), " ",
              format_number(s.end), " ", format_number(s.steps));
}

std::optional<Schedule> parse_schedule(std::string_view s) {
  const auto words = split(s, ' ');
  if (words.size() == 1) {
    const auto value = parse_number<double>(words[0]);
    return value ? std::optional(Schedule(*value)) : std::nullopt;
  }
  if (words.size() != 4 || (words[0] != "linear" && words[0] != "exponential")) return std::nullopt;
  const auto start = parse_number<double>(words[1]), end = parse_number<double>(words[2]);
  const auto steps = parse_number<std::int64_t>(words[3]);
  if (!start || !end || !steps) return std::nullopt;
  return words[0] == "linear" ? Schedule::linear(*start, *end, *steps) : Schedule::exponential(*start, *end, *steps);
}

// The names and shapes of the tensors.

std::string layer_name(std::size_t l) { return text("layers.", l, "."); }

std::string moment_name(std::size_t m, std::size_t l) { return text("optimizer.moments.", m, ".layers.", l, "."); }

constexpr const char* rewards_name = "log.rewards";
constexpr std::string_view extra_prefix = "extra.";

using Shape = Array::Shape;

Shape weight_shape(const std::vector<Index>& sizes, std::size_t l) {
  return {static_cast<std::uint64_t>(sizes[l + 1]), static_cast<std::uint64_t>(sizes[l])};
}

Shape bias_shape(const std::vector<Index>& sizes, std::size_t l) { return {static_cast<std::uint64_t>(sizes[l + 1])}; }

template <class T>
void add_layer(std::vector<safetensors::View>& views, const std::string& name, const std::vector<Index>& sizes,
               std::size_t l, const Matrix<T>& weight, const Vector<T>& bias) {
  require(weight.rows() == sizes[l + 1] && weight.cols() == sizes[l] && bias.size() == sizes[l + 1], name,
          "weight and bias must have shapes (", sizes[l + 1], ", ", sizes[l], ") and (", sizes[l + 1], "), got (",
          weight.rows(), ", ", weight.cols(), ") and (", bias.size(), ")");
  constexpr auto dtype = dtype_of<T>;
  views.push_back({name + "weight", dtype, weight_shape(sizes, l), weight.data()});
  views.push_back({name + "bias", dtype, bias_shape(sizes, l), bias.data()});
}

template <class T>
void add_output(Metadata& metadata, const Output<T>& output) {
  const auto* gaussian = dynamic_cast<const GaussianOutput<T>*>(&output);
  require(
      gaussian != nullptr || dynamic_cast<const BernoulliOutput<T>*>(&output) != nullptr ||
          dynamic_cast<const SoftmaxOutput<T>*>(&output) != nullptr,
      "a network with an output kind of your own, ", in_quotes(output.name()),
      ", cannot be saved: only 'bernoulli', 'softmax' and 'gaussian' can be loaded again; keep its numbers in extra");
  metadata["output"] = output.name();
  metadata["sigma"] = format_number(gaussian != nullptr ? gaussian->sigma() : 1.0);
}

/// What no run of the library's optimizers leads to. Saving and loading ask for the same.
template <class T>
void check_state(const Optimizer& optimizer) {
  const auto* moments = std::get_if<Optimizer::Moments<T>>(&optimizer.state());
  const std::int64_t steps = optimizer.steps();
  require(static_cast<std::uint64_t>(steps) < max_step, "the optimizer's updates must be below 2^48, got ", steps);
  require((moments != nullptr) == (steps > 0), "an optimizer has moments after its first update and not before, but ",
          steps, " updates come ", moments != nullptr ? "with" : "without", " them");
  if (moments == nullptr) return;
  const bool has_squares = dynamic_cast<const Adam*>(&optimizer) != nullptr;
  for (std::size_t m = 0; m < moments->size(); ++m) {
    for (std::size_t l = 0; l < (*moments)[m].size(); ++l) {
      const LayerGradient<T>& moment = (*moments)[m][l];
      require(moment.weight.allFinite() && moment.bias.allFinite(),
              "the optimizer's moments must be finite, but those of layer ", l, " hold NaN or infinity");
      require(!has_squares || m != 1 || ((moment.weight.array() >= 0).all() && (moment.bias.array() >= 0).all()),
              "the second moments of adam must not be negative, but one of layer ", l, " is");
    }
  }
}

template <class T>
void add_optimizer(Metadata& metadata, std::vector<safetensors::View>& views, const Network<T>& net,
                   const Optimizer& optimizer) {
  require(dynamic_cast<const SGD*>(&optimizer) != nullptr || dynamic_cast<const Adam*>(&optimizer) != nullptr,
          "an optimizer of your own, ", in_quotes(optimizer.name()),
          ", cannot be saved: only 'sgd' and 'adam' can be loaded again; keep its numbers in extra");
  optimizer.check(net);
  check_state<T>(optimizer);
  metadata["optimizer"] = optimizer.name();
  metadata["optimizer.learning_rate"] = join(optimizer.learning_rate(), ", ", format_schedule);
  metadata["optimizer.steps"] = format_number(optimizer.steps());
  for (const auto& [name, value] : optimizer.settings()) metadata["optimizer." + name] = format_number(value);
  const auto* moments = std::get_if<Optimizer::Moments<T>>(&optimizer.state());
  if (moments == nullptr) return;
  metadata["optimizer.moments"] = format_number(moments->size());
  for (std::size_t m = 0; m < moments->size(); ++m)
    for (std::size_t l = 0; l < (*moments)[m].size(); ++l)
      add_layer(views, moment_name(m, l), net.sizes(), l, (*moments)[m][l].weight, (*moments)[m][l].bias);
}

void add_baseline(Metadata& metadata, const Baseline& baseline) {
  const auto* mean = dynamic_cast<const RunningMean*>(&baseline);
  const auto* constant = dynamic_cast<const ConstantBaseline*>(&baseline);
  require(mean != nullptr || constant != nullptr,
          "a baseline of your own cannot be saved: only a running mean and a constant can be loaded again; keep its "
          "numbers in extra");
  metadata["baseline"] = mean != nullptr ? "running_mean" : "constant";
  metadata["baseline.value"] = format_number(mean != nullptr ? mean->value() : constant->value());
  if (mean != nullptr) metadata["baseline.rate"] = format_number(mean->rate());
}

/// Saving and loading ask for the same.
void check_log(const Log& log) {
  for (const double reward : log.rewards)
    require(std::isfinite(reward), "rewards of a log must be finite, got ", reward);
  require(std::isfinite(log.mean_reward), "the mean reward of a log must be finite, got ", log.mean_reward);
  require(!std::isinf(log.final_reward), "the final reward of a log must not be infinite");
  require(std::isfinite(log.seconds) && log.seconds >= 0, "the seconds of a log must not be negative, got ",
          log.seconds);
  require(log.steps >= 0 && log.record_every >= 0 && log.batch_size >= 0,
          "steps, record_every and batch_size of a log must not be negative, got ", log.steps, ", ", log.record_every,
          " and ", log.batch_size);
}

void add_log(Metadata& metadata, std::vector<safetensors::View>& views, const Log& log) {
  check_log(log);
  metadata["log.record_every"] = format_number(log.record_every);
  metadata["log.steps"] = format_number(log.steps);
  metadata["log.batch_size"] = format_number(log.batch_size);
  metadata["log.mean_reward"] = format_number(log.mean_reward);
  // NaN, for a run that did not get to its last tenth, is no number in the metadata.
  if (!std::isnan(log.final_reward)) metadata["log.final_reward"] = format_number(log.final_reward);
  metadata["log.seconds"] = format_number(log.seconds);
  metadata["log.stopped"] = log.stopped ? "true" : "false";
  views.push_back({rewards_name, Dtype::float64, {log.rewards.size()}, log.rewards.data()});
}

void add_extra(Metadata& metadata, std::vector<safetensors::View>& views, const Extra& extra) {
  for (const auto& [name, value] : extra) {
    require(!name.empty(), "the names in extra must not be empty");
    if (const auto* words = std::get_if<std::string>(&value)) {
      metadata[text(extra_prefix, name)] = *words;
    } else {
      const auto& array = std::get<Array>(value);
      views.push_back({text(extra_prefix, name), array.dtype(), array.shape(), array.bytes().data()});
    }
  }
}

// Loading: from the file's text to the arguments of the ordinary constructors, which check them.

class Loader {
 public:
  explicit Loader(const std::filesystem::path& path) : file_(path) {}

  Checkpoint load() {
    try {
      const std::string& format = metadata("format");
      if (format != "uwm") fail("was not written by uwm: its format is ", in_quotes(format));
      const std::string& version = metadata("version");
      if (version != format_version && version != first_version)
        fail("has format version ", in_quotes(version), "; this library reads ", first_version, " and ",
             format_version);
      if (version == format_version && !file_.has_checksum()) fail("has no checksum");
      const std::string& dtype = metadata("dtype");
      if (dtype == dtype_name<float>) return load_as<float>();
      if (dtype == dtype_name<double>) return load_as<double>();
      fail("must have dtype float32 or float64, got ", in_quotes(dtype));
    } catch (const ValueError& error) {
      fail(error.what());
    }
  }

 private:
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    file_.fail(text(parts...));
  }

  const std::string& metadata(const std::string& key) const {
    const auto found = file_.metadata().find(key);
    if (found == file_.metadata().end()) fail("has no ", in_quotes(key), " in its metadata");
    return found->second;
  }

  [[noreturn]] void fail_metadata(const std::string& key, const std::string& expected) const {
    fail("must have ", expected, " as ", in_quotes(key), ", got ", in_quotes(metadata(key)));
  }

  template <class N>
  N number(const std::string& key) const {
    const auto value = parse_number<N>(metadata(key));
    if (!value) fail_metadata(key, "a number");
    return *value;
  }

  template <class N>
  std::vector<N> numbers(const std::string& key) const {
    std::vector<N> values;
    for (const std::string_view part : split(metadata(key), ',')) {
      const auto value = parse_number<N>(part);
      if (!value) fail_metadata(key, "numbers separated by commas");
      values.push_back(*value);
    }
    return values;
  }

  const Entry& entry(const std::string& name) const {
    const auto found = file_.tensors().find(name);
    if (found == file_.tensors().end()) fail("has no tensor ", in_quotes(name));
    return found->second;
  }

  /// Shapes are compared with the file's own before memory for them is asked for.
  template <class T>
  void check_tensor(const std::string& name, const Shape& shape) {
    const Entry& e = entry(name);
    const auto show = [](const Shape& s) {
      return "(" + join(s, ", ", [](auto n) { return std::to_string(n); }) + ")";
    };
    if (e.dtype != dtype_of<T>) fail("tensor ", in_quotes(name), " must be ", dtype_name<T>);
    if (e.shape != shape) fail("tensor ", in_quotes(name), " must have shape ", show(shape), ", got ", show(e.shape));
    expected_.insert(name);
  }

  template <class T>
  void check_layer(const std::string& name, const std::vector<Index>& sizes, std::size_t l) {
    check_tensor<T>(name + "weight", weight_shape(sizes, l));
    check_tensor<T>(name + "bias", bias_shape(sizes, l));
  }

  template <class Array>
  void read(const std::string& name, Array& array) const {
    file_.read(entry(name), array.data());
    if (!array.allFinite()) fail("tensor ", in_quotes(name), " has a number that is NaN or infinite");
  }

  template <class T>
  Checkpoint load_as() {
    const auto sizes = numbers<Index>("sizes");
    if (sizes.size() < 2) fail_metadata("sizes", "at least two sizes");
    for (const Index n : sizes)
      if (n < 1) fail_metadata("sizes", "sizes of at least 1");
    const std::size_t n_layers = sizes.size() - 1;
    const std::size_t n_moments =
        file_.metadata().contains("optimizer.moments") ? number<std::size_t>("optimizer.moments") : 0;
    if (n_moments > 2) fail_metadata("optimizer.moments", "at most 2");
    for (std::size_t l = 0; l < n_layers; ++l) {
      check_layer<T>(layer_name(l), sizes, l);
      for (std::size_t m = 0; m < n_moments; ++m) check_layer<T>(moment_name(m, l), sizes, l);
    }
    for (const auto& [name, e] : file_.tensors())
      if (!expected_.contains(name) && !name.starts_with(extra_prefix) && name != rewards_name)
        fail("has a tensor ", in_quotes(name), " that belongs to no part of it");

    NetworkOptions options;
    options.units = units_from_string(metadata("units"));
    options.temperature = numbers<double>("temperature");
    if (options.temperature.size() != n_layers) fail_metadata("temperature", text(n_layers, " numbers"));
    options.seed = number<std::uint64_t>("seed");
    Network<T> net(sizes, make_output<T>(metadata("output"), number<double>("sigma")), options);
    for (std::size_t l = 0; l < n_layers; ++l) {
      read(layer_name(l) + "weight", net.layers()[l].weight);
      read(layer_name(l) + "bias", net.layers()[l].bias);
    }
    net.set_step(number<std::uint64_t>("step"));
    auto optimizer = file_.metadata().contains("optimizer") ? load_optimizer(net) : nullptr;
    if (!optimizer && n_moments > 0) fail("has the moments of an optimizer, and no optimizer");
    return {std::move(net), std::move(optimizer), load_baseline(), load_log(), load_extra()};
  }

  std::unique_ptr<Baseline> load_baseline() const {
    if (!file_.metadata().contains("baseline")) return nullptr;
    const std::string& name = metadata("baseline");
    const auto value = number<double>("baseline.value");
    if (name == "constant") return std::make_unique<ConstantBaseline>(value);
    if (name == "running_mean") return std::make_unique<RunningMean>(number<double>("baseline.rate"), value);
    fail_metadata("baseline", "'constant' or 'running_mean'");
  }

  std::optional<Log> load_log() const {
    if (!file_.metadata().contains("log.steps")) {
      if (file_.tensors().contains(rewards_name)) fail("has the rewards of a log, and no log");
      return std::nullopt;
    }
    const Entry& rewards = entry(rewards_name);
    if (rewards.dtype != Dtype::float64 || rewards.shape.size() != 1)
      fail("tensor ", in_quotes(rewards_name), " must be float64 of one dimension");
    Log log;
    log.rewards.resize(rewards.shape[0]);
    file_.read(rewards, log.rewards.data());
    log.record_every = number<std::int64_t>("log.record_every");
    log.steps = number<std::int64_t>("log.steps");
    log.batch_size = number<Index>("log.batch_size");
    log.mean_reward = number<double>("log.mean_reward");
    log.final_reward = file_.metadata().contains("log.final_reward") ? number<double>("log.final_reward")
                                                                     : std::numeric_limits<double>::quiet_NaN();
    log.seconds = number<double>("log.seconds");
    const std::string& stopped = metadata("log.stopped");
    if (stopped != "true" && stopped != "false") fail_metadata("log.stopped", "true or false");
    log.stopped = stopped == "true";
    check_log(log);
    return log;
  }

  Extra load_extra() const {
    Extra extra;
    for (const auto& [key, value] : file_.metadata())
      if (key.starts_with(extra_prefix)) extra.emplace(key.substr(extra_prefix.size()), value);
    for (const auto& [key, e] : file_.tensors()) {
      if (!key.starts_with(extra_prefix)) continue;
      std::vector<std::byte> bytes(e.end - e.begin);
      file_.read(e, bytes.data());
      const bool is_new =
          extra.emplace(key.substr(extra_prefix.size()), Array(e.dtype, e.shape, std::move(bytes))).second;
      if (!is_new) fail("has ", in_quotes(key), " twice");
    }
    return extra;
  }

  template <class T>
  std::unique_ptr<Optimizer> load_optimizer(const Network<T>& net) const {
    std::vector<Schedule> rates;
    for (std::string_view part : split(metadata("optimizer.learning_rate"), ',')) {
      if (part.starts_with(' ')) part.remove_prefix(1);
      const auto schedule = parse_schedule(part);
      if (!schedule) fail_metadata("optimizer.learning_rate", "learning rates or schedules separated by commas");
      rates.push_back(*schedule);
    }
    std::unique_ptr<Optimizer> optimizer;
    const std::string& name = metadata("optimizer");
    if (name == "sgd")
      optimizer = std::make_unique<SGD>(std::move(rates), number<double>("optimizer.momentum"));
    else if (name == "adam")
      optimizer = std::make_unique<Adam>(std::move(rates), number<double>("optimizer.beta1"),
                                         number<double>("optimizer.beta2"), number<double>("optimizer.epsilon"));
    else
      fail_metadata("optimizer", "'sgd' or 'adam'");

    const auto steps = number<std::int64_t>("optimizer.steps");
    if (steps < 0) fail_metadata("optimizer.steps", "a number of updates");
    const bool started = file_.metadata().contains("optimizer.moments");
    const std::size_t n_moments = name == "adam" ? 2 : number<double>("optimizer.momentum") > 0 ? 1 : 0;
    if (started && number<std::size_t>("optimizer.moments") != n_moments)
      fail_metadata("optimizer.moments", std::to_string(n_moments));
    Optimizer::State state;
    if (started) {
      Optimizer::Moments<T> moments(n_moments);
      for (std::size_t m = 0; m < moments.size(); ++m) {
        for (std::size_t l = 0; l < net.layers().size(); ++l) {
          const Layer<T>& layer = net.layers()[l];
          LayerGradient<T> moment{Matrix<T>(layer.weight.rows(), layer.weight.cols()), Vector<T>(layer.bias.size())};
          read(moment_name(m, l) + "weight", moment.weight);
          read(moment_name(m, l) + "bias", moment.bias);
          moments[m].push_back(std::move(moment));
        }
      }
      state = std::move(moments);
    }
    optimizer->restore(steps, std::move(state));
    optimizer->check(net);
    check_state<T>(*optimizer);
    return optimizer;
  }

  safetensors::Reader file_;
  std::set<std::string, std::less<>> expected_;
};

}  // namespace

template <class T>
void save(const std::filesystem::path& path, const Network<T>& net, const SaveOptions& options) {
  Metadata metadata;
  std::vector<safetensors::View> views;
  for (std::size_t l = 0; l < net.layers().size(); ++l)
    add_layer(views, layer_name(l), net.sizes(), l, net.layers()[l].weight, net.layers()[l].bias);
  net.check_finite();
  metadata["format"] = "uwm";
  metadata["version"] = format_version;
  metadata["dtype"] = dtype_name<T>;
  metadata["sizes"] = join(net.sizes(), ",", format_number<Index>);
  metadata["units"] = to_string(net.units());
  metadata["temperature"] =
      join(net.layers(), ",", [](const Layer<T>& layer) { return format_number(layer.temperature); });
  metadata["seed"] = format_number(net.position().seed);
  metadata["step"] = format_number(net.position().step);
  add_output(metadata, net.output());
  if (options.optimizer != nullptr) add_optimizer(metadata, views, net, *options.optimizer);
  if (options.baseline != nullptr) add_baseline(metadata, *options.baseline);
  if (options.log != nullptr) add_log(metadata, views, *options.log);
  add_extra(metadata, views, options.extra);
  safetensors::write(path, metadata, views);
}

template void save(const std::filesystem::path&, const Network<float>&, const SaveOptions&);
template void save(const std::filesystem::path&, const Network<double>&, const SaveOptions&);

Checkpoint load(const std::filesystem::path& path) { return Loader(path).load(); }

}  // namespace uwm
