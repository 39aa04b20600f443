#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "uwm/array.hpp"
#include "uwm/critic.hpp"
#include "uwm/export.hpp"
#include "uwm/matrix.hpp"
#include "uwm/network.hpp"
#include "uwm/optimizers.hpp"
#include "uwm/rule.hpp"
#include "uwm/running_statistics.hpp"
#include "uwm/sample.hpp"
#include "uwm/traces.hpp"

namespace uwm {

/// One of n actions.
struct DiscreteActions {
  Index n = 0;
};

/// An action of several numbers. The actor draws them in units of half the range around its middle, and they are
/// clipped to the range. A number without both bounds is taken as it is.
struct BoxActions {
  Vector<float> low, high;
};

using ActionSpace = std::variant<DiscreteActions, BoxActions>;

/// Actions for a batch. One of the two is empty.
struct Actions {
  std::vector<Index> choice;  ///< of DiscreteActions
  Matrix<float> value;        ///< (batch, n) of BoxActions
};

/// How an agent is built and how it learns. The defaults are one setting for every environment (docs/rl.md).
struct ActorCriticSettings {
  /// What a truncated episode, which a time limit has ended, teaches: the value of its last observation stands for the
  /// rewards that would have come; or nothing would have come; or the last step teaches nothing.
  enum class Truncation { bootstrap, terminate, skip };
  /// learn_first: the next action is drawn, and the next value computed, after learning from the step before.
  /// act_first: before it, as in the published code of Weight Maximization. Of one environment only.
  enum class Order { learn_first, act_first };
  /// accumulating: z <- gamma lambda z + gradient. product: each layer has a trace of its eligibilities, and the unit
  /// rewards of Weight Maximization are made of these, as in its published code.
  enum class TraceForm { accumulating, product };

  std::vector<Index> hidden = {64, 32};
  Units units = Units::bipolar;
  std::vector<double> temperature = {1.0};  ///< one number, or one per layer
  std::vector<double> initial_gain = {};    ///< as in NetworkOptions
  double sigma = 1.0;                       ///< of BoxActions, in units of half the range
  bool reference_class = false;             ///< whether the logit of the last of n actions stays 0
  double trace = 0.9;                       ///< lambda of the actor
  TraceForm trace_form = TraceForm::accumulating;
  /// Of the actor's Adam, one number or one per layer, per environment step. Empty: from 6e-3 in the first layer by
  /// equal factors down to 6e-4 in the last, all of them times the cube root of 8 / n with n > 8 observed numbers.
  std::vector<Schedule> learning_rate = {};
  double beta1 = 0.9, beta2 = 0.99;  ///< of the actor's Adam
  CriticSettings critic = {};
  double discount = 0.99;
  bool normalize_observations = true;  ///< to mean 0 and variance 1, by running statistics
  bool scale_rewards = true;           ///< by the running deviation of the discounted sum of past rewards
  Truncation truncation = Truncation::bootstrap;
  Order order = Order::learn_first;
  std::uint64_t seed = 0;
};

/// An agent that learns while its world runs. The actor is a team of stochastic units, and its reward is the critic's
/// TD error delta = r + gamma V(next) - V(now), handed down by any rule.
///
/// It learns from any number of environments at once, each of which has traces of its own. Nothing is allocated after
/// the first steps.
///
///     uwm::ActorCritic agent(4, uwm::DiscreteActions{2}, std::make_shared<uwm::UnbiasedWeightMax>());
///     const auto& actions = agent.act(observation);                     // (environments, 4)
///     agent.observe(reward, next_observation, terminated, truncated);   // ... and act again
///
/// An episode that has ended is followed by another: the next act() is given its first observation.
class UWM_EXPORT ActorCritic {
 public:
  using Settings = ActorCriticSettings;

  /// An episode that has ended in one of the environments.
  struct Episode {
    Index environment;
    double total;  ///< sum of the rewards, not discounted
    std::int64_t length;
  };

  /// Throws ValueError for a setting out of range.
  ActorCritic(Index n_observations, ActionSpace actions, std::shared_ptr<const Rule> rule, Settings settings = {},
              Index environments = 1);

  /// The same with an actor that make_actor() has made.
  ActorCritic(std::shared_ptr<Network<float>> actor, ActionSpace actions, std::shared_ptr<const Rule> rule,
              Settings settings = {}, Index environments = 1);

  /// The actor of an agent with these settings. Throws ValueError.
  static std::shared_ptr<Network<float>> make_actor(Index n_observations, const ActionSpace& actions,
                                                    const Settings& settings);

  /// Draws actions. observation: (environments, n). Where an episode goes on, it must be what observe() was given.
  ///
  /// Throws ValueError if it has the wrong shape, is not finite, or is another one than observe() was given, and if the
  /// rule is not linear in the reward; DivergenceError if a logit is not finite.
  const Actions& act(ConstMatrixRef<float> observation);

  /// Learns from what came of the actions; every argument has one row per environment. next_observation is the last one
  /// of an episode that has ended.
  ///
  /// Throws ValueError if a shape is wrong, a number is not finite or act() did not come before; DivergenceError if a
  /// parameter would not be finite.
  void observe(std::span<const double> reward, ConstMatrixRef<float> next_observation, std::span<const char> terminated,
               std::span<const char> truncated);
  /// The same for a single environment.
  void observe(double reward, ConstMatrixRef<float> next_observation, bool terminated, bool truncated);

  /// Gives up the episodes that are under way. The next observations begin new ones.
  void begin();

  /// The actions for a batch of observations, without learning; the random numbers of act() are not touched.
  /// deterministic: each unit by its more probable action, and the most probable class or the mean.
  void predict(ConstMatrixRef<float> observation, bool deterministic, Actions& out);

  /// Whether the step after the end of an episode does nothing but begin the next one, as in vector environments of
  /// Gymnasium whose autoreset mode is NEXT_STEP. That step is neither learned from nor counted.
  void set_dead_step(bool value) { dead_step_ = value; }
  bool dead_step() const { return dead_step_; }

  /// Other environments from now on, this many of them. Episodes under way are given up.
  void set_environments(Index n);
  Index environments() const { return environments_; }

  /// Steps that were learned from, and episodes that ended.
  std::int64_t timesteps() const { return timesteps_; }
  std::int64_t episodes() const { return episodes_; }
  /// What the latest act() returned.
  const Actions& latest_actions() const { return actions_; }
  /// The episodes that the latest observe() ended.
  const std::vector<Episode>& ended() const { return ended_; }
  /// What the latest observe() taught, one number per environment.
  const Vector<double>& td_error() const { return td_error_; }

  const Settings& settings() const { return settings_; }
  const ActionSpace& action_space() const { return space_; }
  const std::shared_ptr<Network<float>>& actor() const { return actor_; }
  const Adam& optimizer() const { return adam_; }
  const Critic& critic() const { return critic_; }
  Critic& critic() { return critic_; }
  const Traces& traces() const { return traces_; }
  const RunningStatistics& observation_statistics() const { return observation_statistics_; }
  const RunningStatistics& return_statistics() const { return return_statistics_; }

  /// Writes the agent and all that its learning depends on, but not its settings, as one file (uwm::save). extra: of
  /// one's own. Throws ValueError between act() and observe(), and with Order::act_first within an episode.
  void save(const std::filesystem::path& path, const Extra& extra = {}) const;

  /// Takes over what save() wrote, from an agent made with the same arguments. Learning goes on bit for bit, given the
  /// same observations and rewards. Returns all that is in the file beside the actor. Throws FileError, with nothing
  /// changed, if the file is of another agent.
  Extra restore(const std::filesystem::path& path);

 private:
  /// Where an environment stands: before the first observation of an episode, within one, or in a dead step.
  enum class Phase : char { begins, runs, rests };

  void check_rule() const;
  void resize(Index n);
  Adam make_optimizer() const;
  bool uses_traces() const;
  void clear(Index k);
  void check_observation(const ConstMatrixRef<float>& observation) const;
  void take(Index k, const float* observation);
  void standardize(Index k);
  void draw();
  void remember();
  void check_linear();
  void scale_rewards(std::span<const double> reward);
  double td_error_of(Index k, bool terminated, bool truncated) const;
  void learn(Index live);
  void credit_from_products(Index live);
  void count(Index k, double reward, bool ended);
  void actions_of(const Sample<float>& sample, Actions& out) const;
  void decide(Sample<float>& sample) const;
  Extra state() const;
  void restore_state(const Extra& state);

  Settings settings_;
  ActionSpace space_;
  std::shared_ptr<Network<float>> actor_;
  std::shared_ptr<const Rule> rule_;
  Index environments_;
  Adam adam_;
  Critic critic_;
  Traces traces_;
  RunningStatistics observation_statistics_, return_statistics_;

  bool dead_step_ = false;
  bool acted_ = false;   ///< whether act() waits for observe()
  bool linear_ = false;  ///< whether the rule has been seen to be linear in the reward
  std::int64_t timesteps_ = 0, episodes_ = 0;
  std::uint64_t predictions_ = 0;
  std::vector<Phase> phase_;
  std::vector<char> marked_;           ///< which environments enter the traces
  Matrix<float> observation_, input_;  ///< as given, and as the networks see them
  Vector<double> value_, next_value_;  ///< V(now), V(next)
  Vector<double> reward_, discounted_, td_error_, coefficient_, ones_;
  Vector<double> total_;              ///< of the rewards of the episode under way
  std::vector<std::int64_t> length_;  ///< of the episode under way
  std::vector<Episode> ended_;

  Sample<float> sample_, prediction_;
  UnitRewards<float> unit_rewards_;
  Gradient<float> gradient_;
  Vector<float> credit_, credit_below_, eligibility_;
  Actions actions_;
};

}  // namespace uwm
