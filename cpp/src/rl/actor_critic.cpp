// The agent: act, let the world go on, learn.

#include "uwm/actor_critic.hpp"

#include <algorithm>
#include <cmath>

#include "learn/step.hpp"
#include "network/forward.hpp"
#include "rl/space.hpp"
#include "uwm/error.hpp"
#include "uwm/rules.hpp"
#include "work/message.hpp"

namespace uwm {

namespace {

/// Rates fall by equal factors from the first of the actor's layers to the last. They were found with up to 8 inputs.
/// The more inputs, the further one step moves a logit, so that more than 8 lower all rates (docs/rl.md has what was
/// tried).
std::vector<Schedule> default_rates(const Network<float>& actor) {
  constexpr double first = 6e-3, ratio = 0.1, most_inputs = 8;
  const double scale = std::min(1.0, std::cbrt(most_inputs / static_cast<double>(actor.n_inputs())));
  const std::size_t layers = actor.layers().size();
  std::vector<Schedule> rates;
  for (std::size_t l = 0; l < layers; ++l)
    rates.emplace_back(scale * first * std::pow(ratio, layers > 1 ? double(l) / double(layers - 1) : 0.0));
  return rates;
}

std::size_t at(Index k) { return static_cast<std::size_t>(k); }

/// The critic's initial weights are not the actor's.
std::uint64_t critic_seed(std::uint64_t seed) { return seed ^ (std::uint64_t{1} << 63); }

}  // namespace

std::shared_ptr<Network<float>> ActorCritic::make_actor(Index n_observations, const ActionSpace& actions,
                                                        const Settings& settings) {
  check_space(actions);
  std::vector<Index> sizes = {n_observations};
  sizes.insert(sizes.end(), settings.hidden.begin(), settings.hidden.end());
  sizes.push_back(size_of(actions));
  const bool discrete = std::holds_alternative<DiscreteActions>(actions);
  const auto output =
      discrete ? make_output<float>("softmax") : make_output<float>("gaussian", {{"sigma", settings.sigma}});
  auto net = std::make_shared<Network<float>>(sizes, output,
                                              NetworkOptions{.units = settings.units,
                                                             .temperature = settings.temperature,
                                                             .seed = settings.seed,
                                                             .initial_gain = settings.initial_gain});
  if (settings.reference_class) {
    require(discrete, "reference_class needs discrete actions");
    net->layers().back().weight.bottomRows(1).setZero();
    net->layers().back().bias.tail(1).setZero();
  }
  return net;
}

ActorCritic::ActorCritic(Index n_observations, ActionSpace actions, std::shared_ptr<const Rule> rule, Settings settings,
                         Index environments)
    : ActorCritic(make_actor(n_observations, actions, settings), actions, std::move(rule), settings, environments) {}

ActorCritic::ActorCritic(std::shared_ptr<Network<float>> actor, ActionSpace actions, std::shared_ptr<const Rule> rule,
                         Settings settings, Index environments)
    : settings_(std::move(settings)),
      space_(std::move(actions)),
      actor_(std::move(actor)),
      rule_(std::move(rule)),
      environments_(checked_environments(environments)),
      adam_(make_optimizer()),
      critic_(actor_->n_inputs(), environments_, settings_.critic, settings_.discount, critic_seed(settings_.seed)),
      traces_(*actor_, environments_),
      observation_statistics_(actor_->n_inputs()) {
  const auto share = [](double number, const char* name) {
    require(number >= 0 && number <= 1, name, " must be between 0 and 1, got ", number);
  };
  share(settings_.discount, "discount");
  share(settings_.trace, "the actor's trace");
  require(size_of(space_) == actor_->n_outputs(), "the actor has ", actor_->n_outputs(), " outputs for ",
          size_of(space_), " actions");
  check_rule();
  adam_.check(*actor_);
  actor_->check_finite();
  gradient_.resize_like(*actor_);
  resize(environments_);
}

void ActorCritic::check_rule() const {
  require(rule_ != nullptr, "the rule must not be null");
  require(settings_.order == Settings::Order::learn_first || environments_ == 1,
          "the order act_first needs one environment, got ", environments_);
  if (settings_.trace_form == Settings::TraceForm::accumulating) return;
  const auto* weight_max = dynamic_cast<const WeightMax*>(rule_.get());
  require(weight_max != nullptr && weight_max->norm() == 2, "product traces need the rule weight_max, got ",
          rule_->name());
}

Adam ActorCritic::make_optimizer() const {
  auto rates = settings_.learning_rate.empty() ? default_rates(*actor_) : settings_.learning_rate;
  return Adam(per_update(std::move(rates), environments_), settings_.beta1, settings_.beta2);
}

void ActorCritic::resize(Index n) {
  phase_.assign(at(n), Phase::begins);
  marked_.assign(at(n), 0);
  length_.assign(at(n), 0);
  ended_.reserve(at(n));
  observation_.setZero(n, actor_->n_inputs());
  input_ = observation_;
  for (auto* numbers : {&value_, &next_value_, &reward_, &discounted_, &td_error_, &coefficient_, &total_})
    numbers->setZero(n);
  ones_.setOnes(n);
  const Index widest = *std::max_element(actor_->sizes().begin(), actor_->sizes().end());
  for (auto* numbers : {&eligibility_, &credit_, &credit_below_}) numbers->resize(widest);
  resize_like(*actor_, n, sample_);
}

void ActorCritic::set_environments(Index n) {
  const Index before = environments_;
  environments_ = checked_environments(n);
  try {
    check_rule();
  } catch (...) {
    environments_ = before;
    throw;
  }
  auto adam = make_optimizer();
  adam.restore(adam_.steps() * before / n, adam_.state());
  adam_ = std::move(adam);
  critic_.set_environments(n);
  traces_ = Traces(*actor_, n);
  resize(n);
  acted_ = false;
}

void ActorCritic::begin() {
  for (Index k = 0; k < environments_; ++k) clear(k);
  acted_ = false;
}

void ActorCritic::clear(Index k) {
  phase_[at(k)] = Phase::begins;
  traces_.clear(k);
  critic_.clear(k);
  discounted_[k] = total_[k] = 0;
  length_[at(k)] = 0;
}

/// With one step's credit only, the gradient is made from the sample when the TD error is known.
bool ActorCritic::uses_traces() const {
  return settings_.trace > 0 || settings_.order == Settings::Order::act_first ||
         settings_.trace_form == Settings::TraceForm::product;
}

void ActorCritic::check_observation(const ConstMatrixRef<float>& observation) const {
  require(observation.rows() == environments_ && observation.cols() == actor_->n_inputs(),
          "observation must have shape (", environments_, ", ", actor_->n_inputs(), "), got (", observation.rows(),
          ", ", observation.cols(), ")");
  require(observation.allFinite(), "observation must be finite, but holds NaN or infinity");
}

void ActorCritic::take(Index k, const float* observation) {
  std::copy_n(observation, observation_.cols(), observation_.row(k).data());
  if (settings_.normalize_observations) observation_statistics_.add(observation);
}

void ActorCritic::standardize(Index k) {
  if (settings_.normalize_observations)
    observation_statistics_.standardize(observation_.row(k).data(), input_.row(k).data());
  else
    input_.row(k) = observation_.row(k);
}

const Actions& ActorCritic::act(ConstMatrixRef<float> observation) {
  require(!acted_, "observe must come before the next act");
  check_observation(observation);
  for (Index k = 0; k < environments_; ++k)
    require(phase_[at(k)] != Phase::runs || observation.row(k) == observation_.row(k),
            "observation must be the one that observe was given, since the episode goes on (begin gives it up)");
  const bool drawn = settings_.order == Settings::Order::act_first && phase_[0] == Phase::runs;
  for (Index k = 0; k < environments_; ++k)
    if (phase_[at(k)] == Phase::begins) take(k, observation.row(k).data());
  for (Index k = 0; k < environments_; ++k)
    if (phase_[at(k)] == Phase::begins) standardize(k);
  if (!drawn) {
    draw();
    critic_.forward(input_, value_);
    if (settings_.order == Settings::Order::act_first && adam_.steps() > 0) {
      td_error_.setZero();  // the published code makes one more step between two episodes
      learn(1);
    }
    remember();
  }
  for (auto& phase : phase_)
    if (phase == Phase::begins) phase = Phase::runs;
  actions_of(sample_, actions_);
  acted_ = true;
  return actions_;
}

void ActorCritic::draw() {
  actor_->check_shapes();
  sample_.input = input_;
  const std::string why = forward_or_restore(*actor_, sample_);
  if (!why.empty()) resize_like(*actor_, environments_, sample_);
  throw_divergence(why);
}

/// What was seen and done enters the traces, with a reward of 1: the rules are linear in the reward, and the TD error
/// that is to come is a factor.
void ActorCritic::remember() {
  for (std::size_t k = 0; k < phase_.size(); ++k) marked_[k] = phase_[k] != Phase::rests;
  critic_.remember(marked_);
  const bool products = settings_.trace_form == Settings::TraceForm::product;
  if (!products) {
    if (!linear_) check_linear();
    rule_->unit_rewards(*actor_, sample_, ones_, unit_rewards_);
  }
  if (!uses_traces()) return;
  const auto decay = static_cast<float>(settings_.discount * settings_.trace);
  for (std::size_t l = 0; l < sample_.layers.size(); ++l) {
    const float scale = 1 / actor_->layers()[l].temperature;
    const auto& e = sample_.layers[l].eligibility;
    auto eligibility = eligibility_.head(e.cols());  // times the unit rewards
    for (Index k = 0; k < environments_; ++k) {
      if (!marked_[at(k)]) continue;
      eligibility = scale * e.row(k).transpose();
      if (!products) eligibility.array() *= unit_rewards_.layers[l].row(k).transpose().array();
      traces_.add(k, l, decay, eligibility.data(), sample_.below(l).row(k).data());
    }
  }
}

void ActorCritic::check_linear() {
  UnitRewards<float> one, other;
  rule_->unit_rewards(*actor_, sample_, ones_, one);
  for (const double factor : {2.0, -1.0}) {
    rule_->unit_rewards(*actor_, sample_, factor * ones_, other);
    for (std::size_t l = 0; l < one.layers.size(); ++l) {
      const Matrix<float> wanted = static_cast<float>(factor) * one.layers[l];
      const float size = wanted.cwiseAbs().maxCoeff(), off = (other.layers[l] - wanted).cwiseAbs().maxCoeff();
      require(off <= 1e-3f * size,
              "the rule must be linear in the reward, since the TD error comes after the actions; ", rule_->name(),
              " is not: a reward of ", factor, " times another gives other unit rewards than ", factor, " times these");
    }
  }
  linear_ = true;
}

void ActorCritic::observe(double reward, ConstMatrixRef<float> next_observation, bool terminated, bool truncated) {
  const char flags[2] = {static_cast<char>(terminated), static_cast<char>(truncated)};
  observe(std::span(&reward, 1), next_observation, std::span(flags, 1), std::span(flags + 1, 1));
}

void ActorCritic::observe(std::span<const double> reward, ConstMatrixRef<float> next_observation,
                          std::span<const char> terminated, std::span<const char> truncated) {
  require(acted_, "act must come before observe");
  const auto fits = [&](std::size_t size, const char* name) {
    require(size == phase_.size(), name, " must have shape (", environments_, ",), got (", size, ",)");
  };
  fits(reward.size(), "reward");
  fits(terminated.size(), "terminated");
  fits(truncated.size(), "truncated");
  check_observation(next_observation);
  for (const double r : reward) require(std::isfinite(r), "reward must be finite, got ", r);
  acted_ = false;
  ended_.clear();
  Index live = 0;
  for (Index k = 0; k < environments_; ++k) {
    if (phase_[at(k)] == Phase::rests) continue;
    take(k, next_observation.row(k).data());
    ++live;
  }
  for (Index k = 0; k < environments_; ++k)
    if (phase_[at(k)] != Phase::rests) standardize(k);
  scale_rewards(reward);
  const bool any_goes_on = std::find(terminated.begin(), terminated.end(), 0) != terminated.end();
  const bool act_first = settings_.order == Settings::Order::act_first;
  const bool goes_on = live > 0 && !terminated[0] && !truncated[0];
  if (any_goes_on || act_first) critic_.forward(input_, next_value_);
  if (act_first && goes_on) draw();
  for (Index k = 0; k < environments_; ++k) td_error_[k] = td_error_of(k, terminated[at(k)], truncated[at(k)]);
  throw_divergence(td_error_.allFinite() ? "" : "a TD error is not finite");
  if (live > 0) learn(live);
  for (Index k = 0; k < environments_; ++k) count(k, reward[at(k)], terminated[at(k)] || truncated[at(k)]);
  if (act_first && goes_on) {
    value_ = next_value_;
    remember();
  }
}

void ActorCritic::scale_rewards(std::span<const double> reward) {
  for (Index k = 0; k < environments_; ++k) {
    reward_[k] = reward[at(k)];
    if (!settings_.scale_rewards || phase_[at(k)] == Phase::rests) continue;
    discounted_[k] = settings_.discount * discounted_[k] + reward_[k];
    return_statistics_.add(discounted_[k]);
  }
  if (settings_.scale_rewards) reward_ /= return_statistics_.deviation();
}

double ActorCritic::td_error_of(Index k, bool terminated, bool truncated) const {
  using Truncation = Settings::Truncation;
  if (phase_[at(k)] == Phase::rests) return 0;
  truncated = truncated && !terminated;
  if (truncated && settings_.truncation == Truncation::skip) return 0;
  const bool over = terminated || (truncated && settings_.truncation == Truncation::terminate);
  return reward_[k] + (over ? 0.0 : settings_.discount * next_value_[k]) - value_[k];
}

void ActorCritic::count(Index k, double reward, bool ended) {
  if (phase_[at(k)] == Phase::rests) {
    phase_[at(k)] = Phase::begins;
    return;
  }
  ++timesteps_;
  total_[k] += reward;
  ++length_[at(k)];
  if (!ended) return;
  ++episodes_;
  ended_.push_back({.environment = k, .total = total_[k], .length = length_[at(k)]});
  clear(k);
  if (dead_step_) phase_[at(k)] = Phase::rests;
}

void ActorCritic::predict(ConstMatrixRef<float> observation, bool deterministic, Actions& out) {
  require(observation.rows() >= 1 && observation.cols() == actor_->n_inputs(), "observation must have shape (batch, ",
          actor_->n_inputs(), "), got (", observation.rows(), ", ", observation.cols(), ")");
  require(observation.allFinite(), "observation must be finite, but holds NaN or infinity");
  actor_->check_shapes();
  resize_like(*actor_, observation.rows(), prediction_);
  prediction_.input = observation;
  if (settings_.normalize_observations)
    for (Index s = 0; s < observation.rows(); ++s)
      observation_statistics_.standardize(observation.row(s).data(), prediction_.input.row(s).data());
  if (deterministic) {
    decide(prediction_);
  } else {
    // Steps of the upper half are those of predictions.
    const std::uint64_t step = actor_->position().step, half = max_step / 2;
    actor_->set_step(half + predictions_++ % half);
    const std::string why = forward_or_restore(*actor_, prediction_);
    actor_->set_step(step);
    throw_divergence(why);
  }
  actions_of(prediction_, out);
}

/// Each unit by its more probable action.
void ActorCritic::decide(Sample<float>& sample) const {
  const float silent = actor_->units() == Units::bipolar ? -1.0f : 0.0f;
  for (std::size_t l = 0; l < sample.layers.size(); ++l) {
    logits(*actor_, l, sample);
    auto& layer = sample.layers[l];
    layer.activation = layer.logit;
    if (l + 1 < sample.layers.size())
      layer.activation = layer.logit.unaryExpr([silent](float z) { return z > 0 ? 1.0f : silent; });
  }
  throw_divergence(sample.output().allFinite() ? "" : "a logit is not finite");
}

void ActorCritic::actions_of(const Sample<float>& sample, Actions& out) const {
  const auto& action = sample.output();
  if (const auto* box = std::get_if<BoxActions>(&space_)) {
    out.value.resize(action.rows(), action.cols());
    for (Index s = 0; s < action.rows(); ++s)
      for (Index j = 0; j < action.cols(); ++j) out.value(s, j) = in_range(*box, j, action(s, j));
    return;
  }
  out.choice.resize(at(action.rows()));
  for (Index s = 0; s < action.rows(); ++s) action.row(s).maxCoeff(&out.choice[at(s)]);
}

}  // namespace uwm
