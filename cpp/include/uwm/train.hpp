#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "uwm/baseline.hpp"
#include "uwm/export.hpp"
#include "uwm/network.hpp"
#include "uwm/optimizer.hpp"
#include "uwm/rule.hpp"
#include "uwm/task.hpp"

namespace uwm {

struct Log;
struct TrainOptions;

/// Trains a network: inputs, forward pass, reward, unit rewards, gradient, update, `steps` times. Nothing is allocated
/// after the first step.
///
/// Throws ValueError, with nothing changed, if the pieces do not fit together. Throws DivergenceError if a gradient, a
/// parameter or a logit leaves the finite numbers; parameters that have left them are lost. An exception of a task,
/// rule or baseline passes through, and network and optimizer are as the last whole step left them.
template <class T>
UWM_EXPORT Log train(Network<T>& net, const Rule& rule, Optimizer& optimizer, Task& task, const TrainOptions& options);

struct Progress;

/// How long to train, on how much at a time, and what to say meanwhile.
struct TrainOptions {
  std::int64_t steps = 0;
  Index batch_size = 1;
  Baseline* baseline = nullptr;   ///< null: nothing is subtracted from the reward
  std::int64_t record_every = 0;  ///< steps per record window; 0 stands for a hundredth of all
  int threads = 0;                ///< how many share a batch; 0 stands for one per processor. No result depends on it
  /// Called about ten times a second and at the end. When it returns false, training stops after the step.
  std::function<bool(const Progress&)> progress = {};
};

/// What training reports while it runs.
struct Progress {
  std::int64_t step, steps;
  double reward;  ///< mean over the latest record window
};

/// The rewards of a training run.
struct Log {
  std::vector<double> rewards;  ///< mean reward per record window; the last one may be shorter
  std::int64_t record_every = 0;
  std::int64_t steps = 0;  ///< steps done
  Index batch_size = 0;
  double mean_reward = 0;   ///< over all samples
  double final_reward = 0;  ///< over the last tenth of the steps asked for
  double seconds = 0;
  bool stopped = false;  ///< by the progress function or StopTraining
};

}  // namespace uwm
