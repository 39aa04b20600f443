// Training: many steps of learning on a task, with a baseline, a log and progress.

#include "uwm/train.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>

#include "learn/step.hpp"
#include "work/grain.hpp"
#include "work/message.hpp"

namespace uwm {

namespace {

using Clock = std::chrono::steady_clock;

template <class T>
Index synapses(const Network<T>& net) {
  Index n = 0;
  for (const auto& layer : net.layers()) n += layer.weight.size();
  return n;
}

/// Says at which steps to read the clock: about every ten milliseconds. To read it at every step would cost as much as
/// a small step does.
class Pace {
 public:
  explicit Pace(Clock::time_point start) : looked_(start) {}

  bool due(std::int64_t step) const { return step >= next_; }

  void look(std::int64_t step, Clock::time_point now) {
    const auto gap = now - looked_;
    if (gap < std::chrono::milliseconds(5)) stride_ *= 2;
    if (gap > std::chrono::milliseconds(20)) stride_ = std::max<std::int64_t>(1, stride_ / 2);
    looked_ = now;
    next_ = step + stride_;
  }

 private:
  Clock::time_point looked_;
  std::int64_t stride_ = 1, next_ = 0;
};

/// Mean rewards of each record window, of all steps, and of the last tenth of them.
class Recorder {
 public:
  Recorder(const TrainOptions& options, Log& log)
      : log_(log), last_tenth_(options.steps - std::max<std::int64_t>(1, options.steps / 10)) {
    log.record_every = options.record_every > 0 ? options.record_every : std::max<std::int64_t>(1, options.steps / 100);
    log.batch_size = options.batch_size;
    log.rewards.reserve(static_cast<std::size_t>((options.steps + log.record_every - 1) / log.record_every));
  }

  void add(const Vector<double>& reward) {
    const double sum = reward.sum();
    window_ += sum;
    total_ += sum;
    if (log_.steps >= last_tenth_) {
      last_ += sum;
      ++last_steps_;
    }
    ++log_.steps;
    if (++window_steps_ == log_.record_every) close_window();
  }

  /// Mean reward of the latest window that holds anything.
  double latest() const {
    return window_steps_ > 0 && log_.rewards.empty() ? mean(window_, window_steps_)
           : log_.rewards.empty()                    ? 0.0
                                                     : log_.rewards.back();
  }

  void finish(double seconds) {
    if (window_steps_ > 0) close_window();
    log_.mean_reward = mean(total_, log_.steps);
    log_.final_reward = mean(last_, last_steps_);
    log_.seconds = seconds;
  }

 private:
  double mean(double sum, std::int64_t steps) const {
    return steps == 0 ? std::nan("") : sum / (static_cast<double>(steps) * static_cast<double>(log_.batch_size));
  }
  void close_window() {
    log_.rewards.push_back(mean(window_, window_steps_));
    window_ = 0;
    window_steps_ = 0;
  }

  Log& log_;
  std::int64_t last_tenth_, window_steps_ = 0, last_steps_ = 0;
  double window_ = 0, total_ = 0, last_ = 0;
};

template <class T>
void check_fit(const Network<T>& net, const Task& task, const TrainOptions& options) {
  require(options.steps >= 1, "steps must be at least 1, got ", options.steps);
  require(options.batch_size >= 1, "batch_size must be at least 1, got ", options.batch_size);
  require(options.record_every >= 0, "record_every must be at least 1, got ", options.record_every);
  require(task.n_inputs() == net.n_inputs(), "net must have the task's ", task.n_inputs(), " inputs, got ",
          net.n_inputs());
  const bool binary_choice = task.n_outputs() == 2 && net.n_outputs() == 1 && net.output().independent_units();
  require(task.n_outputs() == net.n_outputs() || binary_choice, "net must have the task's ", task.n_outputs(),
          " outputs, got ", net.n_outputs());
}

/// Throws ValueError unless a task or baseline has filled in finite numbers of the right shape.
template <class M>
void check_filled(const M& m, Index rows, Index columns, const char* who, const char* what, std::int64_t step) {
  require(m.rows() == rows && m.cols() == columns, "the ", who, "'s ", what, " must have shape (", rows, ", ", columns,
          "), got (", m.rows(), ", ", m.cols(), ") at step ", step);
  require(m.allFinite(), "the ", who, "'s ", what, " must be finite, but hold NaN or infinity at step ", step);
}

void throw_divergence(const std::string& why, std::int64_t step) {
  if (!why.empty())
    throw DivergenceError(text("training diverged before step ", step, " (a learning rate that is too large?): ", why));
}

/// Makes the steps of training: draws the inputs of the task, subtracts the baseline from the reward, learns.
template <class T>
class Loop {
 public:
  Loop(Network<T>& net, const Rule& rule, Optimizer& optimizer, Task& task, const TrainOptions& options)
      : net_(net),
        step_(net, rule, optimizer),
        task_(task),
        baseline_(options.baseline),
        batch_size_(options.batch_size),
        reward_(options.batch_size),
        centred_(options.batch_size) {
    require(options.threads >= 0, "threads must not be negative, got ", options.threads);
    if (options.threads != 1 && posterior_flip_cost * synapses(net) * options.batch_size > 4 * worthwhile) {
      threads_ = std::make_unique<Threads>(options.threads);
      step_.use(threads_.get());
    }
  }

  /// A whole step or, by an exception, none. Returns the rewards.
  const Vector<double>& step(std::int64_t number) {
    const Position position = net_.position();
    try {
      auto& inputs = step_.inputs(batch_size_);
      task_.inputs(position, inputs);
      check_filled(inputs, batch_size_, net_.n_inputs(), "task", "inputs", number);
      throw_divergence(step_.forward(), number);
      task_.reward(position, step_.sample(), reward_);
      check_filled(reward_, batch_size_, 1, "task", "rewards", number);
      subtract_baseline(number);
      require(centred_.cwiseAbs().maxCoeff() <= std::numeric_limits<T>::max(),
              "rewards must be within the range of the network's precision, at step ", number);
      step_.reward(centred_);
      throw_divergence(step_.update([this] { teach_baseline(); }), number + 1);
    } catch (...) {
      net_.set_step(position.step);
      throw;
    }
    return reward_;
  }

 private:
  void teach_baseline() {
    if (baseline_ != nullptr) baseline_->update(step_.sample().input, reward_);
  }

  /// The reward less what the baseline predicts.
  void subtract_baseline(std::int64_t number) {
    centred_ = reward_;
    if (baseline_ == nullptr) return;
    baseline_->predict(step_.sample().input, centred_);
    check_filled(centred_, batch_size_, 1, "baseline", "predictions", number);
    centred_ = reward_ - centred_;
  }

  Network<T>& net_;
  Step<T> step_;
  Task& task_;
  Baseline* baseline_;
  Index batch_size_;
  Vector<double> reward_, centred_;
  std::unique_ptr<Threads> threads_;  // null where a batch is too little work to share
};

}  // namespace

template <class T>
Log train(Network<T>& net, const Rule& rule, Optimizer& optimizer, Task& task, const TrainOptions& options) {
  check_fit(net, task, options);
  Loop<T> loop(net, rule, optimizer, task, options);
  Log log;
  Recorder recorder(options, log);
  const auto start = Clock::now();
  Pace pace(start);
  auto reported = start;
  try {
    for (std::int64_t step = 0; step < options.steps && !log.stopped; ++step) {
      recorder.add(loop.step(step));
      if (options.progress && pace.due(step)) {
        const auto now = Clock::now();
        pace.look(step, now);
        if (now - reported > std::chrono::milliseconds(100)) {
          reported = now;
          log.stopped = !options.progress({step + 1, options.steps, recorder.latest()});
        }
      }
    }
    if (options.progress && !log.stopped) options.progress({log.steps, options.steps, recorder.latest()});
  } catch (const StopTraining&) {
    log.stopped = true;
  }
  try {
    net.check_finite();  // the last update may have left the finite numbers; no forward pass has looked since
  } catch (const ValueError& error) {
    throw_divergence(error.what(), log.steps);
  }
  recorder.finish(std::chrono::duration<double>(Clock::now() - start).count());
  return log;
}

template Log train(Network<float>&, const Rule&, Optimizer&, Task&, const TrainOptions&);
template Log train(Network<double>&, const Rule&, Optimizer&, Task&, const TrainOptions&);

}  // namespace uwm
