// The multiplexer in a loop of one's own: two address bits name one of four data bits, the output unit must give it.
//
//     multiplexer [seed] [steps]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <uwm/uwm.hpp>

int main(int argc, char** argv) {
  const unsigned seed = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 0;
  const int steps = argc > 2 ? std::atoi(argv[2]) : 20000, tenth = std::max(1, steps / 10);
  constexpr uwm::Index batch = 16;

  uwm::Network net({6, 32, 16, 1}, "bernoulli", {.seed = seed});
  uwm::UnbiasedWeightMax rule;
  uwm::Adam adam;

  std::mt19937 coins(seed);
  uwm::Matrix<> x(batch, 6);
  uwm::Vector<double> reward(batch);
  uwm::Sample sample;
  uwm::Gradient gradient;
  double sum = 0;
  for (int step = 1; step <= steps; ++step) {
    for (float& bit : x.reshaped()) bit = coins() % 2 == 0 ? -1.0f : 1.0f;
    net.forward(x, sample);
    for (uwm::Index s = 0; s < batch; ++s) {
      const uwm::Index address = 2 * (x(s, 0) > 0) + (x(s, 1) > 0);
      const bool wanted = x(s, 2 + address) > 0, given = sample.output()(s, 0) > 0;
      reward[s] = wanted == given ? 1 : -1;
    }
    rule.gradient(net, sample, reward, gradient);
    adam.step(net, gradient);

    sum += reward.mean();
    if (step % tenth == 0) {
      std::printf("step %6d: mean reward %6.3f\n", step, sum / tenth);
      if (step + tenth > steps) std::printf("final return %.3f\n", sum / tenth);
      sum = 0;
    }
  }
}
