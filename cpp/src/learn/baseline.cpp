// Baselines: what is subtracted from a reward, and the list of the built-in ones.

#include "uwm/baseline.hpp"

#include <algorithm>
#include <cmath>

#include "work/message.hpp"

namespace uwm {

BaselineInfo ConstantBaseline::about() {
  return {.name = "constant",
          .description = "a constant",
          .defaults = ConstantBaseline(0).settings(),
          .make = [](const Settings& s) -> std::unique_ptr<Baseline> {
            return std::make_unique<ConstantBaseline>(s.at("value"));
          }};
}

const BaselineInfo* ConstantBaseline::info() const { return baseline_info("constant"); }

ConstantBaseline::ConstantBaseline(double value) : value_(value) {
  require(std::isfinite(value), "a baseline must be finite, got ", value);
}

BaselineInfo RunningMean::about() {
  return {.name = "running_mean",
          .description = "a running mean",
          .defaults = RunningMean().settings(),
          .make = [](const Settings& s) -> std::unique_ptr<Baseline> {
            return std::make_unique<RunningMean>(s.at("rate"), s.at("value"));
          }};
}

const BaselineInfo* RunningMean::info() const { return baseline_info("running_mean"); }

RunningMean::RunningMean(double rate, double value) : rate_(rate), value_(value) {
  require(rate > 0 && rate <= 1, "rate must be above 0 and at most 1, got ", rate);
  require(std::isfinite(value), "value must be finite, got ", value);
}

const std::vector<BaselineInfo>& baseline_infos() {
  static const std::vector<BaselineInfo> infos = [] {
    std::vector<BaselineInfo> all;
    for_each_class<BuiltInBaselines>([&]<class B>(std::type_identity<B>) { all.push_back(B::about()); });
    return all;
  }();
  return infos;
}

const BaselineInfo* baseline_info(const std::string& name) {
  const auto& infos = baseline_infos();
  const auto found = std::ranges::find(infos, name, &BaselineInfo::name);
  return found == infos.end() ? nullptr : &*found;
}

}  // namespace uwm
