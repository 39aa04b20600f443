// The registry of the built-in optimizers: one entry each.

#include "uwm/optimizers.hpp"

#include <algorithm>

#include "work/message.hpp"

namespace uwm {

namespace {

using Rates = std::vector<Schedule>;
using Settings = Optimizer::Settings;

}  // namespace

const std::vector<OptimizerInfo>& optimizer_infos() {
  static const std::vector<OptimizerInfo> infos = {
      {"sgd", "gradient ascent, with momentum if wanted", SGD({0.0}).settings(),
       [](Rates rates, const Settings& s) -> std::unique_ptr<Optimizer> {
         return std::make_unique<SGD>(std::move(rates), s.at("momentum"));
       }},
      {"adam", "Adam (Kingma and Ba, 2015)", Adam().settings(),
       [](Rates rates, const Settings& s) -> std::unique_ptr<Optimizer> {
         return std::make_unique<Adam>(std::move(rates), s.at("beta1"), s.at("beta2"), s.at("epsilon"));
       }},
  };
  return infos;
}

const OptimizerInfo* optimizer_info(const std::string& name) {
  const auto& infos = optimizer_infos();
  const auto found = std::find_if(infos.begin(), infos.end(), [&](const auto& info) { return info.name == name; });
  return found == infos.end() ? nullptr : &*found;
}

std::unique_ptr<Optimizer> make_optimizer(const std::string& name, Rates learning_rate, const Settings& settings) {
  std::string names;
  for (const auto& info : optimizer_infos()) names += (names.empty() ? "'" : " or '") + info.name + "'";
  const auto* found = optimizer_info(name);
  require(found != nullptr, "optimizer must be ", names, ", got '", name, "'");
  Settings all = found->defaults;
  for (const auto& [key, value] : settings) {
    require(all.contains(key), "settings must be those of ", name, ", got '", key, "'");
    all[key] = value;
  }
  return found->make(std::move(learning_rate), all);
}

}  // namespace uwm
