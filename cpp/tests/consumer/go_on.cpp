// go_on FROM TO: loads network and optimizer, trains 25 steps on the multiplexer, saves. FROM "-" stands for a new
// network. The Python tests do the same and compare the files.

#include <string>
#include <uwm/uwm.hpp>

int main(int, char** argv) {
  auto start = argv[1] != std::string("-")
                   ? uwm::load(argv[1])
                   : uwm::Checkpoint{uwm::Network<float>({6, 20, 7, 1}, "bernoulli", {.temperature = {1.5}, .seed = 8}),
                                     std::make_unique<uwm::Adam>(std::vector<uwm::Schedule>{0.01, 0.02, 0.03})};
  uwm::Multiplexer task(2);
  auto& net = std::get<uwm::Network<float>>(start.net);
  uwm::train(net, uwm::UnbiasedWeightMax(), *start.optimizer, task, {.steps = 25, .batch_size = 4});
  uwm::save(argv[2], net, {.optimizer = start.optimizer.get()});
}
