// A lander, simulated by Box2D and brought down by a team of stochastic units that learns while the simulation runs.
// Fifteen times a second the team fires one of three engines or none, as long as there is fuel. Touching the pad
// upright and slowly earns 100; on the way, coming nearer to the pad, slower and straighter is paid for.
//
//     lander [seed] [episodes]

#include <box2d/box2d.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <uwm/uwm.hpp>

namespace {

class Lander {
 public:
  static constexpr int n_state = 7, tank = 80;
  enum Action { none, left_engine, main_engine, right_engine, n_actions };

  explicit Lander(unsigned seed) : random_(seed), world_({0.0f, -1.6f}) {
    b2BodyDef ground;
    b2EdgeShape surface;
    surface.SetTwoSided({-1000, 0}, {1000, 0});
    world_.CreateBody(&ground)->CreateFixture(&surface, 0.0f);

    b2BodyDef body;
    body.type = b2_dynamicBody;
    craft_ = world_.CreateBody(&body);
    b2PolygonShape box;
    box.SetAsBox(half_width, half_height);
    craft_->CreateFixture(&box, 1.0f);
  }

  /// High above the pad, drifting and tilted.
  void reset() {
    std::uniform_real_distribution<float> unit(-1, 1);
    craft_->SetTransform({2 * unit(random_), 8}, 0.2f * unit(random_));
    craft_->SetLinearVelocity({unit(random_), -1 + 0.5f * unit(random_)});
    craft_->SetAngularVelocity(0.2f * unit(random_));
    craft_->SetAwake(true);
    speed_ = craft_->GetLinearVelocity();
    potential_ = potential();
    fuel_ = tank;
    landed_ = over_ = false;
  }

  /// The reward of one firing.
  double fire(uwm::Index action) {
    if (fuel_ == 0) action = none;
    if (action != none) --fuel_;
    if (action == main_engine) push({0, 5.0f}, {0, -half_height});
    if (action == left_engine) push({0.4f, 0}, {-half_width, half_height});
    if (action == right_engine) push({-0.4f, 0}, {half_width, half_height});
    for (int i = 0; i < 4 && !over_; ++i) {
      speed_ = craft_->GetLinearVelocity();  // before it touches the ground, if it does
      world_.Step(1.0f / 60, 6, 2);
      for (const b2ContactEdge* edge = craft_->GetContactList(); edge != nullptr; edge = edge->next)
        over_ |= edge->contact->IsTouching();
    }
    landed_ =
        over_ && speed_.Length() < 2 && std::abs(craft_->GetAngle()) < 0.4f && std::abs(craft_->GetPosition().x) < 2;
    if (std::abs(craft_->GetPosition().x) > 12 || craft_->GetPosition().y > 16) over_ = true;
    const double earlier = potential_;
    potential_ = potential();
    return potential_ - earlier + (landed_ ? 100 : 0);
  }

  bool over() const { return over_; }
  bool landed() const { return landed_; }

  /// Place, speed, angle and angular speed, each of order 1.
  uwm::Matrix<float> state() const {
    const b2Vec2 place = craft_->GetPosition(), speed = craft_->GetLinearVelocity();
    uwm::Matrix<float> s(1, n_state);
    s << place.x / 5, place.y / 10, speed.x / 2, speed.y / 3, 2 * craft_->GetAngle(), craft_->GetAngularVelocity(),
        static_cast<float>(fuel_) / tank;
    return s.cwiseMax(-2.0f).cwiseMin(2.0f);
  }

 private:
  static constexpr float half_width = 0.5f, half_height = 0.4f;

  /// force for a tick of the agent, at a point, both as the craft sees them
  void push(b2Vec2 force, b2Vec2 at) {
    const b2Vec2 impulse = (4.0f / 60) * craft_->GetWorldVector(force);
    craft_->ApplyLinearImpulse(impulse, craft_->GetWorldPoint(at), true);
  }

  double potential() const {
    return -10 * craft_->GetPosition().Length() - 10 * speed_.Length() - 30 * std::abs(craft_->GetAngle());
  }

  std::mt19937 random_;
  b2World world_;
  b2Body* craft_;  // the world's
  b2Vec2 speed_;
  double potential_ = 0;
  int fuel_ = tank;
  bool over_ = false, landed_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  const unsigned seed = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 0;
  const int episodes = argc > 2 ? std::atoi(argv[2]) : 2000, tenth = std::max(1, episodes / 10);

  Lander lander(seed);
  uwm::ActorCriticSettings settings;
  for (const double rate : {6e-3, 2e-3, 6e-4})  // the default ones, but falling to a tenth
    settings.learning_rate.push_back(uwm::Schedule::linear(rate, rate / 10, 200000));
  settings.seed = seed;
  uwm::ActorCritic agent(Lander::n_state, uwm::DiscreteActions{Lander::n_actions},
                         std::make_shared<uwm::UnbiasedWeightMax>(), settings);

  double sum = 0;
  int landings = 0;
  for (int episode = 1; episode <= episodes; ++episode) {
    lander.reset();
    while (!lander.over()) {
      const double reward = lander.fire(agent.act(lander.state()).choice[0]);
      agent.observe(reward, lander.state(), lander.over(), false);
      sum += reward;
    }
    landings += lander.landed();
    if (episode % tenth == 0) {
      std::printf("episodes %5d to %5d: mean return %7.1f, %3d landings of %d\n", episode - tenth + 1, episode,
                  sum / tenth, landings, tenth);
      if (episode + tenth > episodes) std::printf("final return %.1f\n", sum / tenth);
      sum = landings = 0;
    }
  }
}
