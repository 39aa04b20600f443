// Every kind of thing that passes the border of the library: networks and matrices, built-in and own parts, exceptions
// that were thrown inside and are caught here and the other way round, files. Returns the number of the failed check.

#include <cstdio>
#include <filesystem>
#include <memory>
#include <uwm/uwm.hpp>

namespace {

struct Broadcast final : uwm::RuleOf<Broadcast> {
  std::string name() const override { return "broadcast"; }
  template <class T>
  void compute(const uwm::Network<T>&, const uwm::Sample<T>& sample, const uwm::Vector<double>& reward,
               uwm::UnitRewards<T>& out) const {
    out.resize_like(sample);
    for (auto& layer : out.layers) layer.colwise() = reward.cast<T>();
  }
};

struct Failure {};

/// Asks the network to fire, and gives up after some steps.
struct Fire final : uwm::TaskOf<Fire> {
  int left = 1000;
  bool stop_kindly = true;
  uwm::Index n_inputs() const override { return 2; }
  uwm::Index n_outputs() const override { return 1; }
  template <class T>
  void inputs(const uwm::Position&, uwm::Matrix<T>& x) {
    if (--left >= 0)
      x.setOnes();
    else if (stop_kindly)
      throw uwm::StopTraining();
    else
      throw Failure();
  }
  template <class T>
  void reward(const uwm::Position&, const uwm::Sample<T>& sample, uwm::Vector<double>& reward) const {
    reward = sample.output().col(0).template cast<double>();
  }
};

int checks = 0;

bool holds(bool condition) {
  ++checks;
  return condition;
}

template <class Exception, class F>
bool throws(F f) {
  try {
    f();
  } catch (const Exception&) {
    return holds(true);
  } catch (...) {
  }
  return holds(false);
}

bool all_hold() {
  // Eigen's own blocks, aligned for this program's flags
  const uwm::Matrix<float> large = uwm::Matrix<float>::Ones(150, 150);
  if (!holds((large * large).isConstant(150.0f))) return false;

  uwm::Network<float> net({2, 5, 1}, std::make_shared<uwm::BernoulliOutput<float>>());
  uwm::Adam adam({0.05});
  Fire task;
  const auto log = uwm::train(net, Broadcast(), adam, task, {.steps = 5000});
  if (!holds(log.stopped && log.steps == 1000 && log.rewards.back() > 0.9)) return false;

  task.left = 3;
  task.stop_kindly = false;
  if (!throws<Failure>([&] { uwm::train(net, uwm::UnbiasedWeightMax(), adam, task, {.steps = 10}); })) return false;
  if (!throws<uwm::ValueError>([] { uwm::Network<double>({3, 0, 1}); })) return false;
  if (!throws<std::filesystem::filesystem_error>([] { uwm::load("no such file"); })) return false;
  if (!throws<uwm::FileError>([] { uwm::load("/dev/null"); })) return false;

  const auto path = std::filesystem::temp_directory_path() / "uwm-consumer.safetensors";
  uwm::save(path, net, {.optimizer = &adam});
  const auto found = uwm::load(path);
  std::filesystem::remove(path);
  if (!holds(std::get<uwm::Network<float>>(found.net).layers()[0].weight == net.layers()[0].weight)) return false;
  if (!holds(dynamic_cast<const uwm::Adam*>(found.optimizer.get()) != nullptr)) return false;
  return holds(dynamic_cast<const uwm::BernoulliOutput<float>*>(&std::get<uwm::Network<float>>(found.net).output()) !=
               nullptr);
}

}  // namespace

int main() {
  const bool well = all_hold();
  std::printf("uwm with %s kernels: %s\n", uwm::simd_level().c_str(), well ? "well" : "wrong");
  return well ? 0 : checks;
}
