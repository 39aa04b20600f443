#include "uwm/train.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>

#include "learn/apply.hpp"
#include "network/forward.hpp"
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

/// Says when to read the clock: about every ten milliseconds, in steps, so that reading it costs nothing beside the
/// work.
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

/// Mean rewards per record window, over everything, and over the last tenth.
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
void check_fit(const Network<T>& net, const Optimizer& optimizer, const Task& task, const TrainOptions& options) {
  require(options.steps >= 1, "steps must be at least 1, got ", options.steps);
  require(options.batch_size >= 1, "batch_size must be at least 1, got ", options.batch_size);
  require(options.record_every >= 0, "record_every must be at least 1, got ", options.record_every);
  require(task.n_inputs() == net.n_inputs(), "the task has ", task.n_inputs(), " inputs, the network ", net.n_inputs());
  const bool binary_choice = task.n_outputs() == 2 && net.n_outputs() == 1 && net.output().independent_units();
  require(task.n_outputs() == net.n_outputs() || binary_choice, "the task needs ", task.n_outputs(),
          " outputs, the network has ", net.n_outputs());
  optimizer.check(net);
  net.check_finite();
}

/// Tasks and baselines may be anyone's: what they fill in must keep its shape and be finite.
template <class M>
void check_filled(const M& m, Index rows, Index columns, const char* who, const char* what, std::int64_t step) {
  require(m.rows() == rows && m.cols() == columns, "the ", who, "'s ", what, " must have shape (", rows, ", ", columns,
          "), got (", m.rows(), ", ", m.cols(), ") at step ", step);
  require(m.allFinite(), "the ", who, "'s ", what, " must be finite, but hold NaN or infinity at step ", step);
}

DivergenceError divergence(const std::string& why, std::int64_t step) {
  return DivergenceError(text("training diverged before step ", step, " (a learning rate that is too large?): ", why));
}

/// One step of training at a time, in memory that is kept from step to step.
template <class T>
class Loop {
 public:
  Loop(Network<T>& net, const Rule& rule, Optimizer& optimizer, Task& task, const TrainOptions& options)
      : net_(net),
        rule_(rule),
        optimizer_(optimizer),
        task_(task),
        baseline_(options.baseline),
        batch_size_(options.batch_size),
        reward_(options.batch_size),
        centred_(options.batch_size) {
    resize_like(net, options.batch_size, sample_);
    require(options.threads >= 0, "threads must not be negative, got ", options.threads);
    if (options.threads != 1 && posterior_flip_cost * synapses(net) * options.batch_size > 4 * worthwhile) {
      threads_ = std::make_unique<Threads>(options.threads);
      sample_.work.threads = threads_.get();
    }
  }

  /// A whole step or, by an exception, none. Returns the rewards.
  const Vector<double>& step(std::int64_t number) {
    const Position position = net_.position();
    bool learned = false;  // the baseline, from this step's reward
    try {
      task_.inputs(position, sample_.input);
      check_filled(sample_.input, batch_size_, net_.n_inputs(), "task", "inputs", number);
      draw_forward(net_, sample_);
      if (const auto why = why_not_finite(net_, sample_); !why.empty()) throw divergence(why, number);
      task_.reward(position, sample_, reward_);
      check_filled(reward_, batch_size_, 1, "task", "rewards", number);
      centred_ = reward_;
      if (baseline_ != nullptr) {
        baseline_->predict(sample_.input, centred_);
        check_filled(centred_, batch_size_, 1, "baseline", "predictions", number);
        centred_ = reward_ - centred_;
      }
      require(centred_.cwiseAbs().maxCoeff() <= std::numeric_limits<T>::max(),
              "rewards must be within the range of the network's precision, at step ", number);
      rule_.unit_rewards(net_, sample_, centred_, gradient_.unit_rewards);
      gradient(net_, sample_, gradient_.unit_rewards, gradient_);
      if (baseline_ != nullptr) {
        baseline_->update(sample_.input, reward_);
        learned = true;
      }
      optimizer_.check(net_);  // a rule or task may have got hold of it
      const auto refused = apply_gradient(optimizer_, net_, gradient_, Watch::gradient, threads_.get());
      if (!refused.empty()) throw divergence(refused, number + 1);
    } catch (...) {
      if (learned) baseline_->undo();
      net_.set_step(position.step);
      throw;
    }
    return reward_;
  }

 private:
  Network<T>& net_;
  const Rule& rule_;
  Optimizer& optimizer_;
  Task& task_;
  Baseline* baseline_;
  Index batch_size_;
  Sample<T> sample_;
  Vector<double> reward_, centred_;
  Gradient<T> gradient_;
  std::unique_ptr<Threads> threads_;  // null where a batch is too little work to share
};

}  // namespace

template <class T>
Log train(Network<T>& net, const Rule& rule, Optimizer& optimizer, Task& task, const TrainOptions& options) {
  check_fit(net, optimizer, task, options);
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
    net.check_finite();  // which the next step would have met
  } catch (const ValueError& error) {
    throw divergence(error.what(), log.steps);
  }
  recorder.finish(std::chrono::duration<double>(Clock::now() - start).count());
  return log;
}

template Log train(Network<float>&, const Rule&, Optimizer&, Task&, const TrainOptions&);
template Log train(Network<double>&, const Rule&, Optimizer&, Task&, const TrainOptions&);

}  // namespace uwm
