// Loading: from the file's text to the arguments of the ordinary constructors, which check them.

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "files/checkpoint_format.hpp"
#include "files/number_text.hpp"
#include "files/safetensors.hpp"
#include "uwm/checkpoint.hpp"
#include "work/message.hpp"

namespace uwm {

namespace {

using safetensors::Entry;
using safetensors::in_quotes;

std::vector<std::string_view> split(std::string_view s, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = s.find(separator);
    parts.push_back(s.substr(0, end));
    if (end == s.npos) return parts;
    s.remove_prefix(end + 1);
  }
}

std::optional<Schedule> parse_schedule(std::string_view s) {
  const auto words = split(s, ' ');
  if (words.size() == 1) {
    const auto value = parse_number<double>(words[0]);
    return value ? std::optional(Schedule(*value)) : std::nullopt;
  }
  if (words.size() != 4) return std::nullopt;
  if (words[0] == "inverse_root") {
    const auto rate = parse_number<double>(words[1]);
    const auto steps = parse_number<std::int64_t>(words[2]), warm_up = parse_number<std::int64_t>(words[3]);
    return rate && steps && warm_up ? std::optional(Schedule::inverse_root(*rate, *steps, *warm_up)) : std::nullopt;
  }
  if (words[0] != "linear" && words[0] != "exponential") return std::nullopt;
  const auto start = parse_number<double>(words[1]), end = parse_number<double>(words[2]);
  const auto steps = parse_number<std::int64_t>(words[3]);
  if (!start || !end || !steps) return std::nullopt;
  return words[0] == "linear" ? Schedule::linear(*start, *end, *steps) : Schedule::exponential(*start, *end, *steps);
}

/// The largest number of moments that a built-in optimizer keeps.
std::size_t most_moments() {
  std::size_t most = 0;
  for (const auto& info : optimizer_infos()) most = std::max(most, info.make({0.0}, info.defaults)->n_moments());
  return most;
}

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

  /// The shapes in the file are checked before memory is asked for: a damaged file may name any size.
  template <class T>
  void check_tensor(const std::string& name, const Array::Shape& shape) {
    const Entry& e = entry(name);
    const auto show = [](const Array::Shape& s) {
      return text("(", join(s, ", ", [](auto n) { return std::to_string(n); }), ")");
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
    if (n_moments > most_moments()) fail_metadata("optimizer.moments", text("at most ", most_moments()));
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
    options.initial_gain = initial_gain();
    Network<T> net(sizes, load_output<T>(), options);
    for (std::size_t l = 0; l < n_layers; ++l) {
      read(layer_name(l) + "weight", net.layers()[l].weight);
      read(layer_name(l) + "bias", net.layers()[l].bias);
    }
    net.set_step(number<std::uint64_t>("step"));
    auto optimizer = file_.metadata().contains("optimizer") ? load_optimizer(net) : nullptr;
    if (!optimizer && n_moments > 0) fail("has the moments of an optimizer, and no optimizer");
    return {std::move(net), std::move(optimizer), load_baseline(), load_log(), load_extra()};
  }

  /// The file's numbers with these names, which begin with the prefix there.
  std::map<std::string, double> settings(const std::string& prefix, const std::map<std::string, double>& names) const {
    std::map<std::string, double> found;
    for (const auto& [name, _] : names) found[name] = number<double>(prefix + name);
    return found;
  }

  /// Files of earlier versions have a sigma for every kind of output. Only a Gaussian's is read.
  template <class T>
  std::shared_ptr<const Output<T>> load_output() const {
    const OutputInfo& kind = output_info(metadata("output"));
    return kind.make<T>(settings("", kind.settings));
  }

  /// Files of earlier versions have no initial gain. Their networks began with Glorot's weights, whose gain is 1.
  std::vector<double> initial_gain() const {
    if (!file_.metadata().contains("initial_gain")) return {1.0};
    if (metadata("initial_gain") == automatic) return {};
    return numbers<double>("initial_gain");
  }

  std::vector<Schedule> learning_rate() const {
    std::vector<Schedule> rates;
    if (metadata("optimizer.learning_rate") == automatic) return rates;
    for (std::string_view part : split(metadata("optimizer.learning_rate"), ',')) {
      if (part.starts_with(' ')) part.remove_prefix(1);
      const auto schedule = parse_schedule(part);
      if (!schedule) fail_metadata("optimizer.learning_rate", "learning rates or schedules separated by commas");
      rates.push_back(*schedule);
    }
    return rates;
  }

  std::unique_ptr<Baseline> load_baseline() const {
    if (!file_.metadata().contains("baseline")) return nullptr;
    const auto* info = baseline_info(metadata("baseline"));
    if (info == nullptr) fail_metadata("baseline", quoted_names(baseline_infos(), " or "));
    return info->make(settings("baseline.", info->defaults));
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
    const auto* info = optimizer_info(metadata("optimizer"));
    if (info == nullptr) fail_metadata("optimizer", quoted_names(optimizer_infos(), " or "));
    auto optimizer = info->make(learning_rate(), settings("optimizer.", info->defaults));
    restore(*optimizer, net);
    return optimizer;
  }

  /// The updates that the optimizer had made, and its moments.
  template <class T>
  void restore(Optimizer& optimizer, const Network<T>& net) const {
    const auto steps = number<std::int64_t>("optimizer.steps");
    if (steps < 0) fail_metadata("optimizer.steps", "a number of updates");
    const bool started = file_.metadata().contains("optimizer.moments");
    const std::size_t n_moments = optimizer.n_moments();
    if (started && number<std::size_t>("optimizer.moments") != n_moments)
      fail_metadata("optimizer.moments", std::to_string(n_moments));
    Optimizer::State state;
    if (started) state = read_moments(n_moments, net);
    optimizer.restore(steps, std::move(state));
    optimizer.check(net);
    check_state<T>(optimizer);
  }

  template <class T>
  Optimizer::Moments<T> read_moments(std::size_t n_moments, const Network<T>& net) const {
    Optimizer::Moments<T> moments(n_moments);
    for (std::size_t m = 0; m < moments.size(); ++m) {
      for (const Layer<T>& layer : net.layers()) {
        const std::string name = moment_name(m, moments[m].size());
        LayerGradient<T> moment{Matrix<T>(layer.weight.rows(), layer.weight.cols()), Vector<T>(layer.bias.size())};
        read(name + "weight", moment.weight);
        read(name + "bias", moment.bias);
        moments[m].push_back(std::move(moment));
      }
    }
    return moments;
  }

  safetensors::Reader file_;
  std::set<std::string, std::less<>> expected_;
};

}  // namespace

Checkpoint load(const std::filesystem::path& path) { return Loader(path).load(); }

}  // namespace uwm
