// Saving: a network, and what else a run depends on, as the metadata and tensors of one file.

#include <cmath>

#include "files/checkpoint_format.hpp"
#include "files/number_text.hpp"
#include "files/safetensors.hpp"
#include "uwm/checkpoint.hpp"
#include "work/message.hpp"

namespace uwm {

namespace {

using safetensors::in_quotes;
using safetensors::Metadata;

std::string format_schedule(const Schedule& s) {
  if (s.shape == Schedule::Shape::constant) return format_number(s.start);
  if (s.shape == Schedule::Shape::inverse_root)
    return text("inverse_root ", format_number(s.start), " ", format_number(s.steps), " ", format_number(s.warm_up));
  return text(s.shape == Schedule::Shape::linear ? "linear " : "exponential ", format_number(s.start), " ",
              format_number(s.end), " ", format_number(s.steps));
}

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
  require(output.info() != nullptr, "a network with an output kind of your own, ", in_quotes(output.name()),
          ", cannot be saved: only ", quoted_output_names("and"), " can be loaded again; keep its numbers in extra");
  metadata["output"] = output.name();
  for (const auto& [name, value] : output.settings()) metadata[name] = format_number(value);
}

template <class T>
void add_optimizer(Metadata& metadata, std::vector<safetensors::View>& views, const Network<T>& net,
                   const Optimizer& optimizer) {
  require(optimizer.info() != nullptr, "an optimizer of your own, ", in_quotes(optimizer.name()),
          ", cannot be saved: only ", quoted_names(optimizer_infos(), " and "),
          " can be loaded again; keep its numbers in extra");
  optimizer.check(net);
  check_state<T>(optimizer);
  metadata["optimizer"] = optimizer.info()->name;
  const auto& rates = optimizer.learning_rate();
  metadata["optimizer.learning_rate"] = rates.empty() ? automatic : join(rates, ", ", format_schedule);
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
  require(baseline.info() != nullptr, "a baseline of your own cannot be saved: only ",
          join(baseline_infos(), " and ", [](const auto& info) { return info.description; }),
          " can be loaded again; keep its numbers in extra");
  metadata["baseline"] = baseline.info()->name;
  for (const auto& [name, value] : baseline.settings()) metadata["baseline." + name] = format_number(value);
}

void add_log(Metadata& metadata, std::vector<safetensors::View>& views, const Log& log) {
  check_log(log);
  metadata["log.record_every"] = format_number(log.record_every);
  metadata["log.steps"] = format_number(log.steps);
  metadata["log.batch_size"] = format_number(log.batch_size);
  metadata["log.mean_reward"] = format_number(log.mean_reward);
  // A run that did not reach its last tenth has NaN here, which the metadata cannot hold as a number.
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
  metadata["initial_gain"] =
      net.initial_gain().empty() ? automatic : join(net.initial_gain(), ",", format_number<double>);
  add_output(metadata, net.output());
  if (options.optimizer != nullptr) add_optimizer(metadata, views, net, *options.optimizer);
  if (options.baseline != nullptr) add_baseline(metadata, *options.baseline);
  if (options.log != nullptr) add_log(metadata, views, *options.log);
  add_extra(metadata, views, options.extra);
  safetensors::write(path, metadata, views);
}

template void save(const std::filesystem::path&, const Network<float>&, const SaveOptions&);
template void save(const std::filesystem::path&, const Network<double>&, const SaveOptions&);

}  // namespace uwm
