#include <algorithm>
#include <filesystem>
#include <random>

#include "allocations.hpp"
#include "check.hpp"
#include "fixture.hpp"
#include "uwm/actor_critic.hpp"
#include "uwm/error.hpp"
#include "uwm/rules.hpp"

using namespace fixture;
using uwm::ActorCritic;
using uwm::BoxActions;
using uwm::DiscreteActions;
using uwm::Network;
using uwm::ValueError;
using Settings = uwm::ActorCriticSettings;

namespace {

const auto unbiased = std::make_shared<const uwm::UnbiasedWeightMax>();

Matrix<float> row(std::initializer_list<float> numbers) {
  Matrix<float> m(1, static_cast<Index>(numbers.size()));
  std::copy(numbers.begin(), numbers.end(), m.data());
  return m;
}

/// A critic V = w x + b that begins with w = b = 0, and nothing normalised.
ActorCritic linear_agent(Settings::Truncation truncation, Index environments = 1) {
  Settings settings;
  settings.critic = {.hidden = {}, .trace = 0.5};
  settings.discount = 0.5;
  settings.normalize_observations = settings.scale_rewards = false;
  settings.truncation = truncation;
  ActorCritic agent(1, DiscreteActions{2}, unbiased, settings, environments);
  agent.critic().parameters().layers()[0].weight.setZero();
  return agent;
}

double weight(const ActorCritic& agent) { return agent.critic().parameters().layers()[0].weight(0, 0); }
double bias(const ActorCritic& agent) { return agent.critic().parameters().layers()[0].bias[0]; }

/// An environment whose observations, rewards and ends are random numbers, the same for every agent.
struct World {
  explicit World(Index environments, Index inputs, unsigned seed) : random(seed), observation(environments, inputs) {
    reward.resize(static_cast<std::size_t>(environments));
    terminated.resize(reward.size());
    truncated.resize(reward.size());
    first.assign(reward.size(), 1);
    draw(observation);
    next = observation;
  }

  void draw(Matrix<float>& m) {
    std::normal_distribution<float> normal;
    for (float& x : m.reshaped()) x = normal(random);
  }

  void step(ActorCritic& agent) {
    agent.act(observation);
    draw(next);
    for (std::size_t k = 0; k < reward.size(); ++k) {
      reward[k] = std::normal_distribution<double>()(random);
      terminated[k] = random() % 8 == 0;
      truncated[k] = random() % 8 == 0;
    }
    agent.observe(reward, next, terminated, truncated);
    observation = next;
    for (std::size_t k = 0; k < reward.size(); ++k)
      if (terminated[k] || truncated[k]) {
        Matrix<float> fresh(1, next.cols());
        draw(fresh);
        observation.row(static_cast<Index>(k)) = fresh;
      }
  }

  std::mt19937_64 random;
  Matrix<float> observation, next;
  std::vector<double> reward;
  std::vector<char> terminated, truncated, first;
};

/// The actor's updates written out: a gradient per environment with reward 1, its trace, and Adam.
struct ByHand {
  ByHand(const ActorCritic& agent, const uwm::Rule& by)
      : net(*agent.actor()),
        rule(by),
        adam(rates(), 0.9, 0.99),
        decay(agent.settings().discount * agent.settings().trace) {
    for (Index k = 0; k < agent.environments(); ++k) traces.emplace_back();
    for (auto& z : traces) clear(z);
  }

  static std::vector<uwm::Schedule> rates() { return {6e-3, 6e-3 * std::sqrt(0.1), 6e-4}; }

  void clear(uwm::Gradient<float>& z) {
    z.resize_like(net);
    for (auto& layer : z.layers) {
      layer.weight.setZero();
      layer.bias.setZero();
    }
  }

  void act(const Matrix<float>& x) {
    const auto sample = net.forward(x);
    for (Index k = 0; k < x.rows(); ++k) {
      std::vector<Matrix<float>> activations;
      for (const auto& layer : sample.layers) activations.push_back(layer.activation.row(k));
      const auto g = rule.gradient(net, net.clamp(x.row(k), activations), Vector<double>::Ones(1));
      auto& z = traces[static_cast<std::size_t>(k)];
      for (std::size_t l = 0; l < z.layers.size(); ++l) {
        z.layers[l].weight = static_cast<float>(decay) * z.layers[l].weight + g.layers[l].weight;
        z.layers[l].bias = static_cast<float>(decay) * z.layers[l].bias + g.layers[l].bias;
      }
    }
  }

  void learn(const Vector<double>& delta, const std::vector<char>& terminated, const std::vector<char>& truncated) {
    uwm::Gradient<float> g;
    clear(g);
    for (std::size_t k = 0; k < traces.size(); ++k)
      for (std::size_t l = 0; l < g.layers.size(); ++l) {
        const auto c = static_cast<float>(delta[static_cast<Index>(k)] / static_cast<double>(traces.size()));
        g.layers[l].weight += c * traces[k].layers[l].weight;
        g.layers[l].bias += c * traces[k].layers[l].bias;
      }
    adam.step(net, g);
    for (std::size_t k = 0; k < traces.size(); ++k)
      if (terminated[k] || truncated[k]) clear(traces[k]);
  }

  Network<float> net;
  const uwm::Rule& rule;
  uwm::Adam adam;
  double decay;
  std::vector<uwm::Gradient<float>> traces;
};

double distance(const Network<float>& a, const Network<float>& b) {
  double most = 0;
  for (std::size_t l = 0; l < a.layers().size(); ++l) {
    most = std::max<double>(most, (a.layers()[l].weight - b.layers()[l].weight).cwiseAbs().maxCoeff());
    most = std::max<double>(most, (a.layers()[l].bias - b.layers()[l].bias).cwiseAbs().maxCoeff());
  }
  return most;
}

struct Squared final : uwm::RuleOf<Squared> {
  std::string name() const override { return "squared"; }
  template <class T>
  void compute(const Network<T>& net, const uwm::Sample<T>& sample, const Vector<double>& reward,
               uwm::UnitRewards<T>& out) const {
    uwm::Reinforce().compute(net, sample, reward, out);
    out.layers[0] = out.layers[0].cwiseAbs();
  }
};

Settings small(double trace) {
  Settings settings;
  settings.hidden = {5, 4};
  settings.trace = trace;
  settings.critic.hidden = {6, 5};
  settings.normalize_observations = false;
  return settings;
}

}  // namespace

TEST(td_errors_and_bounded_steps_are_those_computed_by_hand) {
  auto agent = linear_agent(Settings::Truncation::bootstrap);
  const Matrix<float> one = row({1}), two = row({2});
  agent.act(one);  // z = (1, 1), V = 0
  agent.observe(1, two, false, false);
  CHECK_NEAR(agent.td_error()[0], 1, 1e-6);  // alpha = 1 / 2
  CHECK_NEAR(weight(agent), 0.5, 1e-6);
  CHECK_NEAR(bias(agent), 0.5, 1e-6);
  agent.act(two);  // z = (1, 1) / 4 + (2, 1), V = 1.5
  agent.observe(2, one, true, false);
  CHECK_NEAR(agent.td_error()[0], 0.5, 1e-6);  // alpha = 1 / 3.5
  CHECK_NEAR(weight(agent), 0.5 + 0.5 * 2.25 / 3.5, 1e-6);
  CHECK_NEAR(bias(agent), 0.5 + 0.5 * 1.25 / 3.5, 1e-6);
  CHECK(agent.ended().size() == 1 && agent.ended()[0].total == 3 && agent.ended()[0].length == 2);
  const double w = weight(agent), b = bias(agent);
  agent.act(one);  // z = (1, 1) again: a new episode
  agent.observe(0, two, false, true);
  const double delta = 0.5 * (2 * w + b) - (w + b);  // a truncated episode goes on, as far as the critic knows
  CHECK_NEAR(agent.td_error()[0], delta, 1e-6);
  CHECK_NEAR(weight(agent), w + 0.5 * delta, 1e-6);
  CHECK(agent.timesteps() == 3 && agent.episodes() == 2);
}

TEST(truncation_can_be_termination_or_be_skipped) {
  for (const auto truncation : {Settings::Truncation::terminate, Settings::Truncation::skip}) {
    auto agent = linear_agent(truncation);
    agent.critic().parameters().layers()[0].weight.setOnes();
    agent.act(row({1}));
    agent.observe(0.25, row({2}), false, true);
    CHECK_NEAR(agent.td_error()[0], truncation == Settings::Truncation::skip ? 0 : -0.75, 1e-6);
    CHECK(agent.episodes() == 1 && agent.timesteps() == 1);
    agent.act(row({1}));
    agent.observe(0.3, row({2}), true, true);
    CHECK(agent.td_error()[0] != 0);  // terminated at the time limit: terminated
  }
}

TEST(the_actor_learns_as_the_parts_of_the_library_do) {
  for (const auto& name : uwm::rule_names())
    for (const double trace : {0.0, 0.9})
      for (const Index environments : {1, 3})
        for (const bool discrete : {true, false}) {
          const std::shared_ptr<const uwm::Rule> rule = uwm::make_rule(name);
          const uwm::ActionSpace space =
              discrete ? uwm::ActionSpace(DiscreteActions{3})
                       : BoxActions{Vector<float>::Constant(3, -2), Vector<float>::Constant(3, 2)};
          ActorCritic agent(2, space, rule, small(trace), environments);
          ByHand hand(agent, *rule);
          World world(environments, 2, 7);
          for (int step = 0; step < 30; ++step) {
            hand.act(world.observation);
            world.step(agent);
            hand.learn(agent.td_error(), world.terminated, world.truncated);
            CHECK_NEAR(distance(hand.net, *agent.actor()), 0, 1e-3);
          }
        }
}

TEST(product_traces_without_decay_are_weight_maximization) {
  auto settings = small(0);
  settings.order = Settings::Order::act_first;
  ActorCritic plain(2, DiscreteActions{2}, std::make_shared<uwm::WeightMax>(), settings);
  settings.trace_form = Settings::TraceForm::product;
  ActorCritic product(2, DiscreteActions{2}, std::make_shared<uwm::WeightMax>(), settings);
  World first(1, 2, 3), second(1, 2, 3);
  first.step(plain);
  second.step(product);
  CHECK_NEAR(distance(*plain.actor(), *product.actor()), 0, 1e-6);  // Adam takes out the factors of 2
  CHECK_THROWS(ValueError, "product traces need the rule weight_max, got unbiased_weight_max",
               ActorCritic(2, DiscreteActions{2}, unbiased, settings));
  CHECK_THROWS(ValueError, "act_first needs one environment, got 2",
               ActorCritic(2, DiscreteActions{2}, std::make_shared<uwm::WeightMax>(), settings, 2));
}

TEST(the_last_of_n_classes_can_be_the_reference) {
  auto settings = small(0.9);
  settings.reference_class = true;
  ActorCritic agent(2, DiscreteActions{3}, unbiased, settings);
  World world(1, 2, 3);
  for (int step = 0; step < 20; ++step) world.step(agent);
  const auto& output = agent.actor()->layers().back();
  CHECK(output.weight.row(2).isZero() && output.bias[2] == 0 && !output.weight.row(1).isZero());
}

TEST(the_automatic_rates_fall_with_the_layer_and_with_many_inputs) {
  for (const auto& [n_inputs, first] : {std::pair<Index, double>{2, 6e-3}, {8, 6e-3}, {64, 3e-3}}) {
    const ActorCritic agent(n_inputs, DiscreteActions{2}, unbiased);
    const auto& adam = agent.optimizer();
    CHECK_NEAR(adam.rate(*agent.actor(), 0), first, 1e-12);
    CHECK_NEAR(adam.rate(*agent.actor(), 2), 0.1 * first, 1e-12);
  }
}

TEST(a_dead_step_is_neither_learned_from_nor_counted) {
  auto agent = linear_agent(Settings::Truncation::bootstrap, 2);
  agent.set_dead_step(true);
  Matrix<float> x(2, 1), next(2, 1), again(2, 1);
  x << 1, 1;
  next << 2, 2;
  again << 5, 3;
  agent.act(x);
  agent.observe(std::vector<double>{1, 1}, next, std::vector<char>{1, 0}, std::vector<char>{0, 0});
  CHECK(agent.timesteps() == 2 && agent.ended().size() == 1 && agent.ended()[0].environment == 0);
  const double before = weight(agent);
  agent.act(next);
  agent.observe(std::vector<double>{100, 0}, again, std::vector<char>{0, 0}, std::vector<char>{0, 0});
  CHECK(agent.td_error()[0] == 0 && agent.td_error()[1] != 0 && agent.timesteps() == 3 && weight(agent) != before);
  CHECK_THROWS(ValueError, "must be the one that observe was given", agent.act(next));
  agent.act(again);  // the first observation of the next episode
  agent.observe(std::vector<double>{7, 0}, next, std::vector<char>{1, 0}, std::vector<char>{0, 0});
  CHECK(agent.ended()[0].total == 7 && agent.ended()[0].length == 1);
}

TEST(what_does_not_fit_an_agent_is_refused_and_changes_nothing) {
  auto agent = linear_agent(Settings::Truncation::bootstrap);
  const Matrix<float> one = row({1});
  CHECK_THROWS(ValueError, "act must come before observe", agent.observe(0, one, false, false));
  CHECK_THROWS(ValueError, "observation must have shape (1, 1), got (1, 2)", agent.act(row({1, 2})));
  CHECK_THROWS(ValueError, "observation must be finite", agent.act(row({std::nanf("")})));
  agent.act(one);
  CHECK_THROWS(ValueError, "observe must come before the next act", agent.act(one));
  CHECK_THROWS(ValueError, "reward must be finite, got inf", agent.observe(INFINITY, one, false, false));
  CHECK_THROWS(ValueError, "an agent must be saved after observe", agent.save("never"));
  CHECK(agent.timesteps() == 0 && weight(agent) == 0);
  agent.observe(1, one, false, false);
  agent.begin();
  agent.act(row({3}));
  Settings settings;
  settings.discount = 2;
  CHECK_THROWS(ValueError, "discount must be between 0 and 1, got 2",
               ActorCritic(1, DiscreteActions{2}, unbiased, settings));
  CHECK_THROWS(ValueError, "there must be at least one action", ActorCritic(1, DiscreteActions{0}, unbiased));
  CHECK_THROWS(ValueError, "environments must be at least 1, got 0",
               ActorCritic(1, DiscreteActions{2}, unbiased, {}, 0));
  ActorCritic own(1, DiscreteActions{2}, std::make_shared<Squared>());
  CHECK_THROWS(ValueError, "the rule must be linear in the reward", own.act(one));
}

TEST(an_agent_goes_on_from_its_file_bit_for_bit) {
  const auto path = std::filesystem::temp_directory_path() / "uwm_test_agent.safetensors";
  for (const bool adam : {false, true}) {
    auto settings = small(0.9);
    settings.normalize_observations = true;
    if (adam) settings.critic.learning_rate = {uwm::Schedule::linear(1e-2, 1e-3, 50)};
    settings.learning_rate = {uwm::Schedule::linear(1e-2, 1e-3, 90)};
    ActorCritic agent(2, DiscreteActions{3}, unbiased, settings, 3), other(2, DiscreteActions{3}, unbiased, settings);
    World world(3, 2, 11);
    for (int step = 0; step < 40; ++step) world.step(agent);
    agent.save(path, {{"note", "mine"}});
    auto twin = world;
    CHECK(std::get<std::string>(other.restore(path).at("note")) == "mine");
    CHECK(other.timesteps() == agent.timesteps() && other.environments() == 3);
    for (int step = 0; step < 40; ++step) {
      world.step(agent);
      twin.step(other);
      CHECK(agent.td_error() == other.td_error());
    }
    CHECK(same_parameters(*agent.actor(), *other.actor()));
    ActorCritic wider(4, DiscreteActions{3}, unbiased, settings);
    CHECK_THROWS(uwm::FileError, "its network is not this agent's actor", wider.restore(path));
  }
  std::filesystem::remove(path);
}

TEST(actions_of_a_box_are_scaled_and_clipped) {
  Settings settings;
  settings.sigma = 3;
  ActorCritic agent(1, BoxActions{Vector<float>::Constant(1, 10), Vector<float>::Constant(1, 20)}, unbiased, settings);
  uwm::Actions actions;
  agent.predict(Matrix<float>::Ones(200, 1), false, actions);
  CHECK(actions.value.minCoeff() == 10 && actions.value.maxCoeff() == 20);
  agent.predict(Matrix<float>::Ones(1, 1), true, actions);
  const float mean = actions.value(0, 0);
  agent.predict(Matrix<float>::Ones(1, 1), true, actions);
  CHECK(mean >= 10 && mean <= 20 && actions.value(0, 0) == mean && agent.timesteps() == 0);
}

TEST(an_agent_allocates_nothing_after_its_first_steps) {
  if (!allocations::counted) return;
  for (const Index environments : {1, 4})
    for (const double trace : {0.0, 0.9}) {
      ActorCritic agent(3, DiscreteActions{2}, unbiased, small(trace), environments);
      World world(environments, 3, 5);
      const Matrix<float> first = world.observation, second = world.next * 2;
      const std::vector<double> reward(static_cast<std::size_t>(environments), 0.5);
      const std::vector<char> no(reward.size(), 0);
      const std::vector<char> yes(reward.size(), 1);
      std::size_t after_the_first = 0;
      for (int step = 0; step < 50; ++step) {
        if (step == 4) after_the_first = allocations::count();
        agent.act(step % 2 == 0 ? first : second);
        agent.observe(reward, step % 2 == 0 ? second : first, no, step % 10 == 9 ? yes : no);
      }
      CHECK(allocations::count() == after_the_first);
    }
}
