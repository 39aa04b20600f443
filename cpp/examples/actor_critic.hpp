#pragma once

#include <cstdint>
#include <uwm/uwm.hpp>
#include <vector>

/// An agent that learns while its world runs: act, let the world go on, learn, act ...
///
/// The actor is a team of stochastic units whose softmax output chooses; its reward is the critic's error
/// delta = r + discount * V(next) - V(state). The critic V is linear in the state, its squares and its products, and
/// learns by TD(lambda).
class ActorCritic {
 public:
  using State = uwm::Matrix<float>;  ///< (1, n), of order 1

  struct Settings {
    std::vector<uwm::Index> hidden = {64, 32};
    std::vector<uwm::Schedule> actor_rate = {uwm::Schedule::linear(1e-3, 1e-4, 200000)};
    double critic_rate = 3.0, discount = 0.99, trace = 0.9;
  };

  ActorCritic(uwm::Index n_state, uwm::Index n_actions, const Settings& settings, std::uint64_t seed)
      : settings_(settings),
        actor_(sizes(n_state, settings.hidden, n_actions), "softmax", {.seed = seed, .initial_gain = {1.0}}),
        adam_(settings.actor_rate),
        learner_(actor_, rule_, adam_),
        value_(uwm::Vector<double>::Zero(1 + n_state + n_state * (n_state + 1) / 2)),
        eligible_(value_),
        here_(value_),
        there_(value_),
        error_(1) {}
  ActorCritic(const ActorCritic&) = delete;  // the learner refers to actor, rule and optimizer

  /// Forgets what led here: the next state belongs to a new episode.
  void begin() { eligible_.setZero(); }

  uwm::Index act(const State& state) {
    describe(state, here_);
    uwm::Index action = 0;
    learner_.forward(state).output().row(0).maxCoeff(&action);
    return action;
  }

  /// reward: for the latest action, which led to `next`; over: nothing comes after it.
  void learn(double reward, const State& next, bool over) {
    describe(next, there_);
    error_[0] = reward + (over ? 0.0 : settings_.discount * value_.dot(there_)) - value_.dot(here_);
    eligible_ = settings_.discount * settings_.trace * eligible_ + here_;
    value_ += settings_.critic_rate * error_[0] / (1 + eligible_.squaredNorm()) * eligible_;
    learner_.learn(error_);
  }

 private:
  static std::vector<uwm::Index> sizes(uwm::Index n_in, std::vector<uwm::Index> hidden, uwm::Index n_out) {
    hidden.insert(hidden.begin(), n_in);
    hidden.push_back(n_out);
    return hidden;
  }

  static void describe(const State& state, uwm::Vector<double>& features) {
    uwm::Index k = 0;
    features[k++] = 1;
    for (uwm::Index i = 0; i < state.cols(); ++i) features[k++] = state(0, i);
    for (uwm::Index i = 0; i < state.cols(); ++i)
      for (uwm::Index j = i; j < state.cols(); ++j) features[k++] = state(0, i) * state(0, j);
  }

  Settings settings_;
  uwm::Network<float> actor_;
  uwm::UnbiasedWeightMax rule_{uwm::FlipForm::posterior};
  uwm::Adam adam_;
  uwm::Learner<float> learner_;
  uwm::Vector<double> value_, eligible_, here_, there_, error_;
};
