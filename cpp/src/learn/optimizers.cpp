// The built-in optimizers by name, as the classes of `BuiltInOptimizers` describe themselves.

#include "uwm/optimizers.hpp"

#include <algorithm>

#include "work/message.hpp"

namespace uwm {

const std::vector<OptimizerInfo>& optimizer_infos() {
  static const std::vector<OptimizerInfo> infos = [] {
    std::vector<OptimizerInfo> all;
    for_each_class<BuiltInOptimizers>([&]<class O>(std::type_identity<O>) { all.push_back(O::about()); });
    return all;
  }();
  return infos;
}

const OptimizerInfo* optimizer_info(const std::string& name) {
  const auto& infos = optimizer_infos();
  const auto found = std::find_if(infos.begin(), infos.end(), [&](const auto& info) { return info.name == name; });
  return found == infos.end() ? nullptr : &*found;
}

std::unique_ptr<Optimizer> make_optimizer(const std::string& name, std::vector<Schedule> learning_rate,
                                          const Optimizer::Settings& settings) {
  std::string names;
  for (const auto& info : optimizer_infos()) names += (names.empty() ? "'" : " or '") + info.name + "'";
  const auto* found = optimizer_info(name);
  require(found != nullptr, "optimizer must be ", names, ", got '", name, "'");
  Optimizer::Settings all = found->defaults;
  for (const auto& [key, value] : settings) {
    require(all.contains(key), "settings must be those of ", name, ", got '", key, "'");
    all[key] = value;
  }
  return found->make(std::move(learning_rate), all);
}

}  // namespace uwm
