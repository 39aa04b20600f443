// The built-in rules: the only list of them. Python, the command line, plots, studies and tests read it.

#include <algorithm>

#include "uwm/rules.hpp"
#include "work/message.hpp"

namespace uwm {

namespace {

template <class R, class... Args>
RuleInfo info(bool unbiased, std::vector<std::string> aliases, std::string description, Args... args) {
  return {R(args...).name(), std::move(aliases), unbiased, std::move(description),
          [=] { return std::make_unique<R>(args...); }};
}

}  // namespace

const std::vector<RuleInfo>& rule_infos() {
  static const std::vector<RuleInfo> infos = {
      info<Reinforce>(true, {}, "every unit is paid the reward"),
      info<StraightThrough>(false, {}, "straight-through backpropagation"),
      info<WeightMax>(false, {}, "a unit is paid the growth of its outgoing weights"),
      info<UnbiasedWeightMax>(true, {}, "Unbiased Weight Maximization, posterior-weighted: the default",
                              FlipForm::posterior),
      info<UnbiasedWeightMax>(true, {}, "the same, mixed with the joint reward: less noise with large weights",
                              FlipForm::blended),
      info<UnbiasedWeightMax>(true, {}, "from the side that was drawn, weighted by its probability",
                              FlipForm::two_sided),
      info<UnbiasedWeightMax>(true, {}, "only where the unit fired: the literal counterpart of weight_max",
                              FlipForm::one_sided),
      info<FlipDifference>(false, {"psa"}, "two-sided without its products; PSA's recursion in hidden layers"),
      info<PosteriorReinforce>(true, {"hnca"}, "REINFORCE with the unit's own action averaged out; HNCA"),
  };
  return infos;
}

std::vector<std::string> rule_names() {
  std::vector<std::string> names;
  for (const RuleInfo& rule : rule_infos()) names.push_back(rule.name);
  return names;
}

const RuleInfo& rule_info(const std::string& name) {
  std::string names;
  for (const RuleInfo& rule : rule_infos()) {
    if (rule.name == name || std::ranges::find(rule.aliases, name) != rule.aliases.end()) return rule;
    names += (names.empty() ? "" : ", ") + rule.name;
  }
  throw ValueError(text("rule must be one of ", names, "; got '", name, "'"));
}

std::unique_ptr<Rule> make_rule(const std::string& name) { return rule_info(name).make(); }

}  // namespace uwm
