// What a step costs in a loop of one's own, relative to the same step inside uwm::train, at batch 1.
//
// Both do the multiplexer's inputs, forward pass, reward, gradient and update; the loop through public calls, which
// check what they are given. The two alternate in slices of some milliseconds, and the ratio is the median over the
// slices, so that a machine that is busy at times slows both down alike.
//
//     bench_loop [slices]

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "uwm/uwm.hpp"

namespace {

using uwm::Index;

double median(std::vector<double> numbers) {
  std::nth_element(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2), numbers.end());
  return numbers[numbers.size() / 2];
}

/// Of the processor, which does not count while other programs have it.
double seconds(const std::function<void()>& run) {
  const std::clock_t start = std::clock();
  run();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

/// What each of the three works on.
struct Subject {
  uwm::Network<float> net;
  uwm::Adam adam{{1e-3}};
  uwm::Multiplexer task;

  Subject(const std::vector<Index>& sizes, int address_bits) : net(sizes), task(address_bits) {}
};

void compare(const std::vector<Index>& sizes, int address_bits, const std::string& rule_name, int slices) {
  const auto rule = uwm::make_rule(rule_name);
  int steps = 100;

  Subject a(sizes, address_bits);
  const auto inside = [&] { uwm::train(a.net, *rule, a.adam, a.task, {.steps = steps, .threads = 1}); };

  Subject b(sizes, address_bits);
  uwm::Learner<float> learner(b.net, *rule, b.adam);
  uwm::Matrix<float> x(1, sizes.front());
  uwm::Vector<double> reward(1);
  const auto by_learner = [&] {
    for (int step = 0; step < steps; ++step) {
      const auto position = b.net.position();
      b.task.inputs(position, x);
      b.task.reward(position, learner.forward(x), reward);
      learner.learn(reward);
    }
  };

  Subject c(sizes, address_bits);
  uwm::Sample<float> sample;
  uwm::Gradient<float> gradient;
  const auto by_open_calls = [&] {
    for (int step = 0; step < steps; ++step) {
      const auto position = c.net.position();
      c.task.inputs(position, x);
      c.net.forward(x, sample);
      c.task.reward(position, sample, reward);
      rule->gradient(c.net, sample, reward, gradient);
      c.adam.step(c.net, gradient);
    }
  };

  const std::array<std::function<void()>, 3> ways = {inside, by_learner, by_open_calls};
  while (seconds(inside) < 0.02) steps *= 2;
  for (const auto& way : ways) way();

  std::vector<double> of_train, of_learner, of_open_calls;
  for (int slice = 0; slice < slices; ++slice) {
    std::array<double, 3> time{};
    for (int turn = 0; turn < 3; ++turn) {
      const auto way = static_cast<std::size_t>((turn + slice) % 3);
      time[way] = seconds(ways[way]);
    }
    of_train.push_back(time[0] / steps);
    of_learner.push_back(time[1] / time[0]);
    of_open_calls.push_back(time[2] / time[0]);
  }
  std::string shape;
  for (const Index n : sizes) shape += (shape.empty() ? "" : "-") + std::to_string(n);
  std::printf("%-16s %-20s train %8.2f us/step   learner/train %.3f   open calls/train %.3f\n", shape.c_str(),
              rule_name.c_str(), 1e6 * median(of_train), median(of_learner), median(of_open_calls));
}

}  // namespace

int main(int argc, char** argv) {
  const int slices = argc > 1 ? std::atoi(argv[1]) : 40;
  std::printf("%s kernels, float32, batch 1, Adam, %d slices each\n", uwm::simd_level().c_str(), slices);
  for (const char* rule : {"reinforce", "weight_max", "unbiased_weight_max_posterior"}) {
    compare({11, 64, 32, 1}, 3, rule, slices);
    compare({20, 64, 32, 1}, 4, rule, slices);
    compare({20, 256, 256, 1}, 4, rule, slices);
    compare({20, 1024, 1024, 1}, 4, rule, slices);
  }
}
