// The built-in rules by name, as the classes of `BuiltInRules` describe themselves. Python, the command line, plots,
// studies and tests read this.

#include <algorithm>
#include <iterator>

#include "uwm/rules.hpp"
#include "work/message.hpp"

namespace uwm {

const std::vector<RuleInfo>& rule_infos() {
  static const std::vector<RuleInfo> infos = [] {
    std::vector<RuleInfo> all;
    for_each_class<BuiltInRules>(
        [&]<class R>(std::type_identity<R>) { std::ranges::move(R::about().rules, std::back_inserter(all)); });
    return all;
  }();
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
  throw ValueError(text("rule must be one of ", names, ", got '", name, "'"));
}

std::unique_ptr<Rule> make_rule(const std::string& name) { return rule_info(name).make(); }

}  // namespace uwm
