#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "uwm/export.hpp"
#include "uwm/matrix.hpp"
#include "uwm/random.hpp"
#include "uwm/sample.hpp"

namespace uwm {

template <class T>
struct OutputFlip;
template <class T>
struct OutputMove;
struct UWM_EXPORT OutputInfo;

/// The numbers that a kind takes, by name, such as {"sigma", 0.5}.
using OutputSettings = std::map<std::string, double>;

/// The kind of the output layer: what its units draw from their logits.
///
/// A new kind is a subclass that defines the functions without a body here; the rules take it through log_ratio,
/// which by default is a difference of two log_likelihoods. The built-in kinds replace log_ratio by forms that keep
/// their digits where log-likelihoods are huge, and flip_ratio by faster equivalents.
template <class T = float>
class UWM_EXPORT Output {
 public:
  virtual ~Output() = default;

  virtual std::string name() const = 0;

  /// What the constructor was given; files keep it.
  virtual OutputSettings settings() const { return {}; }

  /// The entry of a built-in kind, from which files and the other precision make it again. Null for a kind of one's
  /// own, which cannot be saved and has one precision.
  virtual const OutputInfo* info() const { return nullptr; }

  /// Throws ValueError if a layer of n units cannot be of this kind.
  virtual void check_size(Index n) const = 0;

  /// Throws ValueError if the activations, (batch, n_out), are no possible actions.
  virtual void check_actions(ConstMatrixRef<T> activation) const = 0;

  /// From the logits, draws `activation` with random_word(position, Stream::activations, layer, ...).
  virtual void draw(const Position& position, std::uint32_t layer, LayerSample<T>& output) const = 0;

  /// From logits and activation, fills in probability and eligibility.
  virtual void evaluate(LayerSample<T>& output) const = 0;

  /// log Pr(action | logits) of one sample, up to a constant.
  virtual double log_likelihood(std::span<const double> logit, std::span<const T> action) const = 0;

  /// log Pr(action | moved) - log Pr(action | logit). A difference of two log-likelihoods has lost its digits once they
  /// are large, so a kind whose likelihoods can be sharp forms it from the changes. It may be infinite, but not NaN:
  /// the rules refuse that with a ValueError.
  virtual double log_ratio(const OutputMove<T>& move) const {
    return log_likelihood(move.moved, move.action) - move.log_likelihood;
  }

  /// lambda_i, how likely the action would have been with unit i flipped, relative to how likely it was, and
  /// gain = 1 - lambda_i; both (batch, n_hidden). By default one log_ratio per unit and sample.
  virtual void flip_ratio(const OutputFlip<T>& flip, Matrix<T>& ratio, Matrix<T>& gain) const;

  /// The standard deviation of the initial logits, if initial weights are automatic. Small by default: an action that
  /// begins as improbable is not tried, and its reward not learned.
  virtual double initial_deviation() const { return 0.3; }

  /// By how much a step of Adam moves a logit, if learning rates are automatic (automatic_rates).
  virtual double automatic_rate() const { return 0.2; }

  /// True when the output consists of independent Bernoulli-logistic units, 0 or 1, which are then drawn and rewarded
  /// exactly as a hidden layer is.
  virtual bool independent_units() const { return false; }

  /// True when the action is one of n_out classes: a single 1 in a row of zeros.
  virtual bool one_hot() const { return false; }
};

/// Independent Bernoulli-logistic units, 0 or 1.
template <class T = float>
class UWM_EXPORT BernoulliOutput final : public Output<T> {
 public:
  std::string name() const override { return "bernoulli"; }
  const OutputInfo* info() const override;
  void check_size(Index n) const override;
  void check_actions(ConstMatrixRef<T> activation) const override;
  void draw(const Position& position, std::uint32_t layer, LayerSample<T>& output) const override;
  void evaluate(LayerSample<T>& output) const override;
  double log_likelihood(std::span<const double> logit, std::span<const T> action) const override;
  double log_ratio(const OutputMove<T>& move) const override;
  double initial_deviation() const override { return 3.0; }
  bool independent_units() const override { return true; }
};

/// One categorical action, encoded one-hot, with probabilities exp(z_k) / sum of exp(z).
template <class T = float>
class UWM_EXPORT SoftmaxOutput final : public Output<T> {
 public:
  std::string name() const override { return "softmax"; }
  const OutputInfo* info() const override;
  void check_size(Index n) const override;
  void check_actions(ConstMatrixRef<T> activation) const override;
  void draw(const Position& position, std::uint32_t layer, LayerSample<T>& output) const override;
  void evaluate(LayerSample<T>& output) const override;
  double log_likelihood(std::span<const double> logit, std::span<const T> action) const override;
  double log_ratio(const OutputMove<T>& move) const override;
  void flip_ratio(const OutputFlip<T>& flip, Matrix<T>& ratio, Matrix<T>& gain) const override;
  bool one_hot() const override { return true; }
};

/// Independent Gaussian actions with means z and one standard deviation.
///
/// The noise of a sample is activation - logit of the numbers stored in it, rounding included, and the eligibility is
/// that over sigma^2. Where sigma is below the spacing of floating-point numbers at the mean, the action drawn is the
/// mean itself, and nothing is learned from it.
template <class T = float>
class UWM_EXPORT GaussianOutput final : public Output<T> {
 public:
  /// Throws ValueError unless sigma, its square and the square's reciprocal are normal numbers of the precision:
  /// 1.1e-19 to 9.2e18 in float32, 1.5e-154 to 6.7e153 in float64.
  explicit GaussianOutput(double sigma = 1.0);
  double sigma() const { return sigma_; }

  std::string name() const override { return "gaussian"; }
  OutputSettings settings() const override { return {{"sigma", sigma_}}; }
  const OutputInfo* info() const override;
  void check_size(Index n) const override;
  void check_actions(ConstMatrixRef<T> activation) const override;
  void draw(const Position& position, std::uint32_t layer, LayerSample<T>& output) const override;
  void evaluate(LayerSample<T>& output) const override;
  double log_likelihood(std::span<const double> logit, std::span<const T> action) const override;
  double log_ratio(const OutputMove<T>& move) const override;
  double initial_deviation() const override { return 0.3 * sigma_; }
  double automatic_rate() const override { return 0.2 * sigma_; }
  void flip_ratio(const OutputFlip<T>& flip, Matrix<T>& ratio, Matrix<T>& gain) const override;

 private:
  double sigma_;
};

/// How a flip of one unit of the last hidden layer reaches the output.
template <class T>
struct OutputFlip {
  const Matrix<T>& weight;             ///< (n_out, n_hidden)
  double step;                         ///< a flip moves output logit k of c_i = +1 by -step * w_ki
  const LayerSample<T>& output;        ///< the output layer's record
  const Matrix<T>& below_eligibility;  ///< (batch, n_hidden); its sign bit is that of c_i
  Workspace<T>& work;
};

/// One sample's output logits, and where a flip would move them.
template <class T>
struct OutputMove {
  std::span<const double> logit;   ///< (n_out)
  std::span<const double> change;  ///< (n_out)
  std::span<const double> moved;   ///< (n_out)  logit + change, rounded
  std::span<const T> action;       ///< (n_out)
  double log_likelihood;           ///< Output::log_likelihood(logit, action)
};

/// What is known of a built-in kind.
struct UWM_EXPORT OutputInfo {
  std::string name;         ///< in C++, in Python, on the command line and in files
  std::string description;  ///< in a line
  OutputSettings settings;  ///< those that it takes, with their defaults
  bool independent_units;   ///< Output::independent_units()
  bool one_hot;             ///< Output::one_hot()
  std::function<std::shared_ptr<const Output<float>>(const OutputSettings&)> make_float;
  std::function<std::shared_ptr<const Output<double>>(const OutputSettings&)> make_double;

  /// A kind with these settings, which may be some of them. Throws ValueError for one that it does not take.
  template <class T>
  std::shared_ptr<const Output<T>> make(const OutputSettings& given = {}) const;
};

/// The built-in kinds: the only list of them.
UWM_EXPORT const std::vector<OutputInfo>& output_infos();

/// A built-in kind by name. Throws ValueError that lists the names.
UWM_EXPORT const OutputInfo& output_info(const std::string& name);

/// Their names in quotes, for messages.
UWM_EXPORT std::string quoted_output_names(const char* conjunction);

/// A built-in kind by name, such as make_output("gaussian", {{"sigma", 0.5}}). Throws ValueError.
template <class T = float>
UWM_EXPORT std::shared_ptr<const Output<T>> make_output(const std::string& name, const OutputSettings& settings = {});

}  // namespace uwm
