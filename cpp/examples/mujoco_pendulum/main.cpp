// A pole on a cart, simulated by MuJoCo and kept upright by a team of stochastic units that learns while the simulation
// runs. Fifty times a second the team pushes the cart to the left or to the right; an episode ends when the pole has
// fallen or the cart has left the rail, and its return is the number of pushes until then, 1000 at most.
//
//     pendulum [seed] [episodes]

#include <mujoco/mujoco.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <stdexcept>
#include <uwm/uwm.hpp>

namespace {

class Pendulum {
 public:
  static constexpr int n_state = 4, n_actions = 2, longest = 1000;

  explicit Pendulum(unsigned seed) : random_(seed) {
    char error[1000] = "";
    model_.reset(mj_loadXML(PENDULUM_XML, nullptr, error, sizeof error));
    if (!model_) throw std::runtime_error(error);
    data_.reset(mj_makeData(model_.get()));
  }

  /// Almost upright, almost at rest.
  void reset() {
    mj_resetData(model_.get(), data_.get());
    std::uniform_real_distribution<double> small(-0.05, 0.05);
    for (int i = 0; i < 2; ++i) {
      data_->qpos[i] = small(random_);
      data_->qvel[i] = small(random_);
    }
  }

  void push(uwm::Index action) {
    data_->ctrl[0] = action == 0 ? -1 : 1;
    for (int i = 0; i < 2; ++i) mj_step(model_.get(), data_.get());
  }

  bool fallen() const { return std::abs(data_->qpos[0]) > 2.4 || std::abs(data_->qpos[1]) > 0.21; }

  /// Place and speed of the cart, angle and angular speed of the pole, each of order 1.
  uwm::Matrix<float> state() const {
    uwm::Matrix<float> s(1, n_state);
    s << static_cast<float>(data_->qpos[0] / 2.4), static_cast<float>(data_->qvel[0] / 2),
        static_cast<float>(data_->qpos[1] / 0.21), static_cast<float>(data_->qvel[1] / 2);
    return s;
  }

 private:
  struct Delete {
    void operator()(mjModel* model) const { mj_deleteModel(model); }
    void operator()(mjData* data) const { mj_deleteData(data); }
  };
  std::unique_ptr<mjModel, Delete> model_;
  std::unique_ptr<mjData, Delete> data_;
  std::mt19937 random_;
};

}  // namespace

int main(int argc, char** argv) {
  const unsigned seed = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 0;
  const int episodes = argc > 2 ? std::atoi(argv[2]) : 1000, tenth = std::max(1, episodes / 10);

  Pendulum world(seed);
  uwm::ActorCritic agent(Pendulum::n_state, uwm::DiscreteActions{Pendulum::n_actions},
                         std::make_shared<uwm::UnbiasedWeightMax>(), {.seed = seed});

  double sum = 0, first = 0;
  for (int episode = 1; episode <= episodes; ++episode) {
    world.reset();
    int pushes = 0;
    for (bool fallen = false; !fallen && pushes < Pendulum::longest;) {
      world.push(agent.act(world.state()).choice[0]);
      fallen = world.fallen();
      agent.observe(1, world.state(), fallen, ++pushes == Pendulum::longest);
    }
    sum += pushes;
    if (episode % tenth == 0) {
      std::printf("episodes %5d to %5d: mean return %6.1f\n", episode - tenth + 1, episode, sum / tenth);
      if (episode == tenth) first = sum;
      if (episode == episodes / tenth * tenth)
        std::printf("final return %.1f, %.1f times the first\n", sum / tenth, sum / first);
      sum = 0;
    }
  }
}
