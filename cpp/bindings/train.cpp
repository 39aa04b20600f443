#include <cmath>
#include <limits>

#include "handles.hpp"
#include "pickling.hpp"

namespace uwm::python {

namespace {

constexpr const char* log_doc = R"(
The rewards of a training run.

>>> import uwm
>>> log = uwm.train(uwm.Network([3, 8, 1]), uwm.WeightMax(), uwm.Adam(), uwm.tasks.Multiplexer(1), steps=1000)
>>> len(log.rewards), log.record_every
(100, 10)
)";

constexpr const char* to_frame_doc = R"(
The rewards as a frame of pandas, one row per record window.

Returns:
    pandas.DataFrame: ``step`` and ``episode``, how many were done at the end of the window, and ``reward``, its mean.

Raises:
    ImportError: pandas is not installed.

>>> import uwm
>>> log = uwm.train(uwm.Network([3, 8, 1]), uwm.WeightMax(), uwm.Adam(), uwm.tasks.Multiplexer(1), steps=10, batch_size=4)
>>> log.to_frame().columns.tolist(), int(log.to_frame().episode.iloc[-1])
(['step', 'episode', 'reward'], 40)
)";

constexpr const char* plot_doc = R"(
Draws the mean reward of each record window against the episodes.

Args:
    axes: matplotlib Axes to draw on; by default new ones.

Returns:
    The axes.

Raises:
    ImportError: matplotlib is not installed.

>>> import uwm
>>> log = uwm.train(uwm.Network([3, 8, 1]), uwm.WeightMax(), uwm.Adam(), uwm.tasks.Multiplexer(1), steps=10)
>>> log.plot().get_xlabel()
'episodes'
)";

constexpr const char* interrupted_doc =
    "A long call was stopped. ``result`` is what was finished. Of ``train`` that is the Log of the steps so far; "
    "network and optimizer are as the last whole step left them.";

constexpr const char* train_doc = R"(
Trains a network in place: input, forward pass, reward, unit rewards, gradient, update. Runs in C++ without the GIL;
rules, optimizers, tasks and baselines written in Python are called back.

Args:
    net: Network; its seed and step choose the task's inputs and the actions, so that training goes on where it stopped.
    rule: Rule.
    optimizer: SGD, Adam or another Optimizer.
    task: Task; its inputs and outputs are the network's (two classes may be one Bernoulli unit).
    steps: updates to make, at least 1.
    batch_size: samples per update, at least 1.
    baseline: None, a number, a RunningMean or another Baseline.
    record_every: steps per entry of ``Log.rewards``; by default a hundredth of all.
    threads: how many share a batch; by default one per processor at hand where the batch is work enough. Results do not depend on it.
    progress: called as progress(step, steps, reward) about ten times a second and at the end, with the mean reward of the latest
        window; when it returns False, training stops and the log is returned. An exception in it stops training and is raised.

Returns:
    Log.

Raises:
    ValueError, TypeError: pieces that do not fit together; nothing is changed then. An error in a rule, task or baseline
        written in Python is raised as it is, network and optimizer as the last whole step left them.
    DivergenceError: a gradient, a parameter or a logit left the finite numbers, or would have.
    RuntimeError: another thread uses the network, the optimizer or the baseline.
    Interrupted: Ctrl-C; its ``result`` is the Log of the steps so far.

>>> import uwm
>>> net = uwm.Network([6, 16, 1], seed=0)
>>> log = uwm.train(net, uwm.UnbiasedWeightMax(), uwm.Adam(0.01), uwm.tasks.Multiplexer(2), steps=3000, batch_size=16)
>>> log.final_reward > 0.8
True
)";

/// Calls Python code with the GIL; Ctrl-C in it ends training after the last whole step, like anywhere else.
template <class F>
auto call(F f) {
  const WithGil acquire;
  if (callbacks().end_elsewhere()) {  // SystemExit ends a thread without a word
    PyErr_SetNone(PyExc_SystemExit);
    throw py::error_already_set();
  }
  try {
    return f();
  } catch (py::error_already_set& error) {
    if (error.matches(PyExc_KeyboardInterrupt)) throw StopTraining();
    throw;
  } catch (const std::exception&) {
    throw;
  } catch (...) {  // an interpreter that ends unwinds this thread
    rest_until_the_process_ends();
  }
}

/// A rule written in Python, inside training: it gets the Python network, and a sample of its own to keep.
class PythonRule final : public RuleOf<PythonRule> {
 public:
  PythonRule(py::object rule, py::object net) : rule_(std::move(rule)), net_(std::move(net)) {}
  std::string name() const override { return "python"; }
  template <class T>
  void compute(const Network<T>&, const Sample<T>& sample, const Vector<double>& reward, UnitRewards<T>& out) const {
    call([&] {
      const SampleHandle handle{std::make_shared<Sample<T>>(sample)};
      const auto r = std::make_shared<Vector<double>>(reward);
      read_unit_rewards(rule_.attr("unit_rewards")(net_, handle, view(*r, keep(r), true)), sample, reward, out);
    });
  }

 private:
  py::object rule_, net_;
};

class PythonTask final : public TaskOf<PythonTask> {
 public:
  explicit PythonTask(py::object task) : task_(std::move(task)) {}
  Index n_inputs() const override { return size("n_inputs"); }
  Index n_outputs() const override { return size("n_outputs"); }
  template <class T>
  void inputs(const Position& at, Matrix<T>& x) const {
    const Matrix<T> inputs =
        call([&] { return matrix<T>(task_.attr("inputs")(at.seed, at.step, x.rows()), "inputs of the task"); });
    if (inputs.rows() != x.rows() || inputs.cols() != x.cols())
      throw ValueError("inputs of the task must have shape (" + std::to_string(x.rows()) + ", " +
                       std::to_string(x.cols()) + "), got (" + std::to_string(inputs.rows()) + ", " +
                       std::to_string(inputs.cols()) + ")");
    x = inputs;
  }
  template <class T>
  void reward(const Position& at, const Sample<T>& sample, Vector<double>& reward) const {
    const Vector<double> r = call([&] {
      const SampleHandle handle{std::make_shared<Sample<T>>(sample)};
      return vector<double>(task_.attr("reward")(at.seed, at.step, handle), "reward of the task");
    });
    if (r.size() != reward.size())
      throw ValueError("reward of the task must have shape (" + std::to_string(reward.size()) + ",), got (" +
                       std::to_string(r.size()) + ",)");
    reward = r;
  }

 private:
  Index size(const char* attribute) const {
    return call([&] { return static_cast<Index>(whole_bits(task_.attr(attribute), attribute, 30)); });
  }
  py::object task_;
};

class PythonBaseline final : public BaselineOf<PythonBaseline> {
 public:
  explicit PythonBaseline(py::object baseline) : baseline_(std::move(baseline)) {}
  template <class M>
  void predict(const M& input, Vector<double>& b) const {
    const Vector<double> predicted =
        call([&] { return vector<double>(baseline_.attr("predict")(copied(input)), "the baseline"); });
    if (predicted.size() != b.size())
      throw ValueError("the baseline must have shape (" + std::to_string(b.size()) + ",), got (" +
                       std::to_string(predicted.size()) + ",)");
    b = predicted;
  }
  template <class M>
  void update(const M& input, const Vector<double>& reward) const {
    call([&] { baseline_.attr("update")(copied(input), copied(reward)); });
  }

 private:
  template <class M>
  static py::array copied(const M& m) {
    const auto pointer = std::make_shared<M>(m);
    return view(*pointer, keep(pointer), true);
  }
  py::object baseline_;
};

/// An optimizer with a step written in Python, inside training. The gradient is its own to keep.
class PythonOptimizer final : public Optimizer {
 public:
  PythonOptimizer(py::object optimizer, py::object net)
      : Optimizer({Schedule(0.0)}), optimizer_(std::move(optimizer)), net_(std::move(net)) {}
  std::string name() const override { return "python"; }
  std::map<std::string, double> settings() const override { return {}; }

 protected:
  std::size_t n_moments() const override { return 0; }
  void update(const Update<float>&) const override {}
  void update(const Update<double>&) const override {}
  bool whole_network() const override { return true; }
  void update_network(Network<float>&, const Gradient<float>& gradient) override { step(gradient); }
  void update_network(Network<double>&, const Gradient<double>& gradient) override { step(gradient); }

 private:
  template <class T>
  void step(const Gradient<T>& gradient) const {
    call([&] {
      const auto kept = std::make_shared<Gradient<T>>();
      kept->layers = gradient.layers;
      optimizer_.attr("step")(net_, gradient_object(kept));
    });
  }
  py::object optimizer_, net_;
};

/// TypeError for a subclass that replaces what training passes over: silence would train something else than was meant.
void refuse_overrides(const py::object& object, std::initializer_list<const char*> honoured,
                      const char* who = "train") {
  py::list names;
  for (const char* name : honoured) names.append(name);
  py::module_::import("uwm._overrides").attr("refuse_overrides")(object, names, who);
}

}  // namespace

const NetworkHandle& network_from(const py::object& net, const char* who) {
  if (!py::isinstance<NetworkHandle>(net)) throw py::type_error("net must be a uwm.Network, got " + described(net));
  refuse_overrides(net, {"copy", "astype", "reset"}, who);
  return net.cast<const NetworkHandle&>();
}

std::shared_ptr<Optimizer> optimizer_from(const py::object& optimizer, const py::object& net, const char* who) {
  if (!py::isinstance<OptimizerHandle>(optimizer))
    throw py::type_error("optimizer must be a uwm.Optimizer, got " + described(optimizer));
  const auto& handle = optimizer.cast<const OptimizerHandle&>();
  if (overrides<OptimizerHandle>(optimizer, {"step"})) return std::make_shared<PythonOptimizer>(optimizer, net);
  if (handle.engine == nullptr)
    throw py::type_error("a subclass of uwm.Optimizer must define step(self, net, gradient)");
  refuse_overrides(optimizer, {"name", "reset"}, who);
  return handle.engine;
}

std::shared_ptr<const Rule> rule_from(const py::object& rule, const py::object& net, const char* who) {
  if (!py::isinstance<RuleHandle>(rule)) throw py::type_error("rule must be a uwm.Rule, got " + described(rule));
  const auto& handle = rule.cast<const RuleHandle&>();
  const bool own = overrides<RuleHandle>(rule, {"unit_rewards"});
  if (handle.engine == nullptr && !own)
    throw py::type_error("a subclass of uwm.Rule must define unit_rewards(self, net, sample, reward)");
  if (own)
    refuse_overrides(rule, {"unit_rewards", "name", "norm"}, who);
  else
    refuse_overrides(rule, {"name"}, who);
  return own ? std::make_shared<PythonRule>(rule, net) : handle.engine;
}

namespace {

std::shared_ptr<Task> task_from(const py::object& task) {
  if (!py::isinstance<TaskHandle>(task)) throw py::type_error("task must be a uwm.Task, got " + described(task));
  const auto& handle = task.cast<const TaskHandle&>();
  const bool own = handle.engine == nullptr || overrides<TaskHandle>(task, {"inputs", "reward"});
  if (!own) refuse_overrides(task, {"n_inputs", "n_outputs"});
  if (!own && !overrides<TaskHandle>(task, {"n_inputs", "n_outputs"})) return handle.engine;
  return std::make_shared<PythonTask>(task);
}

std::shared_ptr<Baseline> baseline_from(const py::object& baseline) {
  auto engine = baseline_engine(baseline);
  if (!py::isinstance<BaselineHandle>(baseline)) return engine;
  if (engine == nullptr || overrides<BaselineHandle>(baseline, {"predict", "update"}))
    return std::make_shared<PythonBaseline>(baseline);
  refuse_overrides(baseline, {});
  return engine;
}

/// Calls the Python function and sees to Ctrl-C. False if the function returns False, and nothing else that counts as
/// it.
bool report(const py::object& progress, const Progress& p) {
  return call([&] {
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (progress.is_none()) return true;
    const py::object answer = progress(p.step, p.steps, p.reward);
    const bool boolean = PyBool_Check(answer.ptr()) || type_name(answer).starts_with("bool");  // NumPy's too
    return !boolean || PyObject_IsTrue(answer.ptr()) == 1;
  });
}

/// A whole number of at least 1, or 0 for None.
std::int64_t count(const py::object& object, const char* name) {
  const auto number = whole_number_or_none(object, name);
  if (number.has_value() && *number < 1)
    throw ValueError(std::string(name) + " must be at least 1, got " + std::to_string(*number));
  return number.value_or(0);
}

/// The log, and whether Ctrl-C ended training.
std::pair<Log, bool> run(const py::object& net, const py::object& rule, const py::object& optimizer,
                         const py::object& task, const py::object& steps, const py::object& batch_size,
                         const py::object& baseline, const py::object& record_every, const py::object& threads,
                         const py::object& progress) {
  const NetworkHandle& handle = network_from(net);
  if (!progress.is_none() && !PyCallable_Check(progress.ptr()))
    throw py::type_error("progress must be callable, got " + described(progress));
  const auto the_rule = rule_from(rule, net);
  const auto the_optimizer = optimizer_from(optimizer, net);
  const auto the_task = task_from(task);
  const auto the_baseline = baseline_from(baseline);
  const std::int64_t number_of_threads = count(threads, "threads");
  if (number_of_threads > std::numeric_limits<int>::max())
    throw ValueError("threads must be below 2^31, got " + std::to_string(number_of_threads));
  bool asked = false;
  const TrainOptions options{.steps = whole_number(steps, "steps"),
                             .batch_size = whole_number(batch_size, "batch_size"),
                             .baseline = the_baseline.get(),
                             .record_every = count(record_every, "record_every"),
                             .threads = static_cast<int>(number_of_threads),
                             .progress = [&](const Progress& p) {
                               asked = !report(progress, p);
                               return !asked;
                             }};
  const Use using_net = Use::changing(handle),
            using_optimizer = Use::changing(optimizer.cast<const OptimizerHandle&>());
  const Use using_baseline =
      Use::changing(py::isinstance<BaselineHandle>(baseline) ? baseline.cast<const BaselineHandle*>() : nullptr);
  return visit(handle, [&](auto& n) {
    const WithoutGil release;
    Log log = train(n, *the_rule, *the_optimizer, *the_task, options);
    return std::pair{log, log.stopped && !asked};
  });
}

py::tuple state(const LogHandle& self) {
  return py::make_tuple(self.rewards, self.record_every, self.steps, self.batch_size, self.mean_reward,
                        self.final_reward, self.seconds, self.stopped);
}

LogHandle from_state(const py::tuple& state) {
  constexpr std::size_t n = 8;
  return LogHandle(Log{.rewards = item<std::vector<double>>(state, 0, n),
                       .record_every = item<std::int64_t>(state, 1, n),
                       .steps = item<std::int64_t>(state, 2, n),
                       .batch_size = item<Index>(state, 3, n),
                       .mean_reward = item<double>(state, 4, n),
                       .final_reward = item<double>(state, 5, n),
                       .seconds = item<double>(state, 6, n),
                       .stopped = item<bool>(state, 7, n)});
}

/// Tables and pictures are made in Python, and their libraries imported when they are asked for.
py::object view_of_log(const char* name) { return py::module_::import("uwm.log_views").attr(name); }

void bind_log(py::module_& module) {
  py::class_<LogHandle> cls(module, "Log", log_doc);
  cls.def_property_readonly(
         "rewards",
         [](const LogHandle& self) {
           return py::array_t<double>(static_cast<py::ssize_t>(self.rewards.size()), self.rewards.data());
         },
         "Mean reward per record window, float64; the last window may be shorter.")
      .def_readonly("record_every", &Log::record_every, "Steps per record window.")
      .def_readonly("steps", &Log::steps, "Steps done.")
      .def_readonly("batch_size", &Log::batch_size, "Samples per step.")
      .def_property_readonly(
          "episodes", [](const LogHandle& self) { return self.steps * static_cast<std::int64_t>(self.batch_size); },
          "Samples in all: steps times batch_size.")
      .def_readonly("mean_reward", &Log::mean_reward, "Mean reward over all samples.")
      .def_readonly("final_reward", &Log::final_reward,
                    "Mean reward over the last tenth of the steps asked for; NaN if they were not reached.")
      .def_readonly("seconds", &Log::seconds, "Wall-clock time.")
      .def(
          "to_frame", [](const py::object& self) { return view_of_log("to_frame")(self); }, to_frame_doc)
      .def(
          "plot", [](const py::object& self, const py::object& axes) { return view_of_log("plot")(self, axes); },
          py::arg("axes") = py::none(), plot_doc)
      .def_readonly("stopped", &Log::stopped, "Whether ``progress`` or Ctrl-C ended training before its last step.")
      .def("__repr__", [](const LogHandle& self) {
        return "<uwm.Log of " + std::to_string(self.steps) + " steps, mean reward " +
               std::string(py::str(py::float_(std::round(self.mean_reward * 1e4) / 1e4))) + ">";
      });
  picklable(cls, &state, &from_state);
}

[[noreturn]] void throw_interrupted(const py::handle& interrupted, const LogHandle& log) {
  const py::object error = interrupted("training was interrupted after " + std::to_string(log.steps) + " steps");
  error.attr("result") = log;
  PyErr_SetObject(interrupted.ptr(), error.ptr());
  throw py::error_already_set();
}

}  // namespace

void bind_train(py::module_& module) {
  bind_log(module);

  // The exception class is never released: it may outlive the interpreter.
  static const py::handle interrupted =
      PyErr_NewExceptionWithDoc("uwm.Interrupted", interrupted_doc, PyExc_KeyboardInterrupt, nullptr);
  module.attr("Interrupted") = interrupted;

  module.def(
      "train",
      [](const py::object& net, const py::object& rule, const py::object& optimizer, const py::object& task,
         const py::object& steps, const py::object& batch_size, const py::object& baseline,
         const py::object& record_every, const py::object& threads, const py::object& progress) {
        auto [found, ctrl_c] =
            run(net, rule, optimizer, task, steps, batch_size, baseline, record_every, threads, progress);
        LogHandle log(std::move(found));
        if (ctrl_c) throw_interrupted(interrupted, log);
        return log;
      },
      py::arg("net"), py::arg("rule"), py::arg("optimizer"), py::arg("task"), py::kw_only(), py::arg("steps"),
      py::arg("batch_size") = 1, py::arg("baseline") = py::none(), py::arg("record_every") = py::none(),
      py::arg("threads") = py::none(), py::arg("progress") = py::none(), train_doc);
}

}  // namespace uwm::python
