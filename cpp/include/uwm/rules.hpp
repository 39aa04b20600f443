#pragma once

#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "uwm/class_list.hpp"
#include "uwm/export.hpp"
#include "uwm/flip_form.hpp"
#include "uwm/rule.hpp"

namespace uwm {

struct RuleClass;

/// REINFORCE (Williams, 1992): T_i = R for every unit.
class UWM_EXPORT Reinforce final : public RuleOf<Reinforce> {
 public:
  static RuleClass about();
  std::string name() const override { return "reinforce"; }
  template <class T>
  void compute(const Network<T>&, const Sample<T>&, const Vector<double>& reward, UnitRewards<T>& out) const;
};

/// Straight-through backpropagation: T_i = c_i q_i sum_j w_ji delta_j, twice that for bipolar units. Biased.
class UWM_EXPORT StraightThrough final : public RuleOf<StraightThrough> {
 public:
  static RuleClass about();
  std::string name() const override { return "ste"; }
  template <class T>
  void compute(const Network<T>&, const Sample<T>&, const Vector<double>& reward, UnitRewards<T>& out) const;
};

/// Weight Maximization (Chung, arXiv 2010.09770): T_i = h_i sum_j |w_ji|^(norm-1) sgn(w_ji) delta_j, the change that
/// the layer above makes to the norm of unit i's outgoing weights. Biased.
class UWM_EXPORT WeightMax final : public RuleOf<WeightMax> {
 public:
  /// norm: p >= 1 of the p-norm. Throws ValueError.
  explicit WeightMax(double norm = 2.0);
  static RuleClass about();
  double norm() const { return norm_; }
  std::string name() const override { return "weight_max"; }
  template <class T>
  void compute(const Network<T>&, const Sample<T>&, const Vector<double>& reward, UnitRewards<T>& out) const;

 private:
  double norm_;
};

/// The four forms of Unbiased Weight Maximization (Chung, arXiv 2307.13270), with
/// A_i = sum_j (prod_{k<j} kappa_ki) (1 - kappa_ji) T_j, lambda_i = prod_j kappa_ji and B the same comparison seen from
/// the flipped side:
/// one-sided h_i A_i (h_i = 1 if the unit fired), two-sided q_i A_i, and posterior-weighted
/// q_i (q_i A_i - (1 - q_i) B_i) / (q_i + (1 - q_i) lambda_i). The blended form, the default, mixes A_i and B_i
/// with (1 - lambda_i) R and -(1 - lambda_i) R where a flip moves several units of the layer above: the least variance
/// once weights have grown.
class UWM_EXPORT UnbiasedWeightMax final : public RuleOf<UnbiasedWeightMax> {
 public:
  /// form: blended, posterior, two_sided or one_sided. Throws ValueError.
  explicit UnbiasedWeightMax(FlipForm form = FlipForm::blended);
  static RuleClass about();
  FlipForm form() const { return form_; }
  std::string name() const override;
  template <class T>
  void compute(const Network<T>&, const Sample<T>&, const Vector<double>& reward, UnitRewards<T>& out) const;

 private:
  FlipForm form_;
};

/// T_i = q_i sum_j (1 - kappa_ji) T_j: the two-sided rule without its products. A small bias.
class UWM_EXPORT FlipDifference final : public RuleOf<FlipDifference> {
 public:
  static RuleClass about();
  std::string name() const override { return "flip_difference"; }
  template <class T>
  void compute(const Network<T>&, const Sample<T>&, const Vector<double>& reward, UnitRewards<T>& out) const;
};

/// T_i = R q_i (1 - lambda_i) / (q_i + (1 - q_i) lambda_i): REINFORCE with h_i averaged out given the layer above.
class UWM_EXPORT PosteriorReinforce final : public RuleOf<PosteriorReinforce> {
 public:
  static RuleClass about();
  std::string name() const override { return "posterior_reinforce"; }
  template <class T>
  void compute(const Network<T>&, const Sample<T>&, const Vector<double>& reward, UnitRewards<T>& out) const;
};

/// "posterior", "blended", ...
UWM_EXPORT std::string to_string(FlipForm form);
/// A form of UnbiasedWeightMax by name. Throws ValueError that lists the names.
UWM_EXPORT FlipForm form_from_string(const std::string& name);

/// Feedback alignment (Lillicrap et al., 2016): straight-through with fixed random b_ji in the place of the weights
/// w_ji: T_i = c_i q_i sum_j b_ji delta_j, twice that for bipolar units. Biased.
class UWM_EXPORT FeedbackAlignment final : public RuleOf<FeedbackAlignment> {
 public:
  static RuleClass about();
  std::string name() const override { return "feedback_alignment"; }
  template <class T>
  void compute(const Network<T>&, const Sample<T>&, const Vector<double>& reward, UnitRewards<T>& out) const;
};

/// What is known of a built-in rule.
struct RuleInfo {
  std::string name = {};                             ///< on the command line and in results
  std::vector<std::string> aliases = {};             ///< what else it is called in the field
  bool unbiased = false;                             ///< whether its mean update is claimed to be the gradient
  std::string description = {};                      ///< in a line
  std::function<std::unique_ptr<Rule>()> make = {};  ///< a new one
};

/// What a class of built-in rules says of itself.
struct RuleClass {
  std::string name;             ///< of the class, in C++ and in Python
  std::string documentation;    ///< its equation, whether it is biased, where it comes from
  std::vector<RuleInfo> rules;  ///< one for each of its forms
};

/// The classes of the built-in rules, in the order of the table in the manual: the only list of them. The registry and
/// the Python module read it.
using BuiltInRules = std::tuple<Reinforce, StraightThrough, WeightMax, UnbiasedWeightMax, FlipDifference,
                                PosteriorReinforce, FeedbackAlignment>;

/// The built-in rules, in the order of the table in the manual.
UWM_EXPORT const std::vector<RuleInfo>& rule_infos();

/// Their names.
UWM_EXPORT std::vector<std::string> rule_names();

/// A built-in rule by name or alias. Throw ValueError that lists the names.
UWM_EXPORT const RuleInfo& rule_info(const std::string& name);
UWM_EXPORT std::unique_ptr<Rule> make_rule(const std::string& name);

}  // namespace uwm
