#include "handles.hpp"
#include "pickling.hpp"

namespace uwm::python {

namespace {

constexpr const char* task_doc = R"(
A source of inputs, and of a reward for what the network did with them.

A task of your own is a subclass with class attributes (or properties) ``n_inputs`` and ``n_outputs`` and the methods ``inputs`` and
``reward``; an ``__init__`` of its own calls ``super().__init__()``. ``train`` takes it like a built-in one.

>>> import numpy as np, uwm
>>> class Parity(uwm.Task):
...     n_inputs, n_outputs = 3, 1
...     def inputs(self, seed, step, batch_size):
...         return np.random.default_rng([seed, step]).integers(0, 2, (batch_size, 3))
...     def reward(self, seed, step, sample):
...         return 1.0 * (sample.inputs.sum(axis=1) % 2 == sample.output[:, 0])
>>> log = uwm.train(uwm.Network([3, 8, 1]), uwm.UnbiasedWeightMax(), uwm.Adam(), Parity(), steps=10)
>>> log.steps
10
)";

constexpr const char* inputs_doc = R"(
The inputs that training with this seed sees at this step, (batch_size, n_inputs), float64.

>>> import uwm
>>> uwm.tasks.Multiplexer(address_bits=1).inputs(0, 0, 2).shape
(2, 3)
)";

constexpr const char* reward_doc = R"(
The rewards, (batch,), for a sample drawn from the inputs of the same seed and step.

>>> import uwm
>>> task = uwm.tasks.Multiplexer(address_bits=1)
>>> sample = uwm.Network([3, 4, 1]).forward(task.inputs(0, 0, 2))
>>> set(task.reward(0, 0, sample)) <= {-1.0, 1.0}
True
)";

constexpr const char* multiplexer_doc = R"(
k address bits and 2^k data bits, fair coins encoded -1 / +1, address first, most significant bit first. The output unit must give
the data bit that the address names: reward +1 if it does, else -1.

Args:
    address_bits: k, 1 ... 16.

Raises:
    ValueError: address_bits out of range.

>>> import uwm
>>> task = uwm.tasks.Multiplexer(address_bits=4)
>>> task.n_inputs, task.n_outputs
(20, 1)
)";

constexpr const char* bandit_doc = R"(
A contextual bandit on a table: inputs are drawn from its rows with replacement, and a row pays for the action taken.

The network answers with a softmax output, or with one Bernoulli unit when there are two actions. For what was logged while
another policy acted see ``LoggedBandit``.

Args:
    inputs: (n, n_in), finite numbers.
    labels: (n,), whole numbers 0 ... n_classes - 1: the reward is +1 for the row's label, else -1. Or (n, n_actions), any
        finite numbers: what each action pays in this row.
    n_classes: by default the largest label + 1, or the number of columns.

Raises:
    ValueError, TypeError: a shape, label or number is wrong.

>>> import numpy as np, uwm
>>> task = uwm.tasks.Bandit(np.eye(3), [0, 1, 2])
>>> task.n_inputs, task.n_outputs
(3, 3)
>>> uwm.tasks.Bandit(np.eye(2), [[0.0, 3.5], [1.0, -2.0]]).rewards[0]
array([0. , 3.5])
)";

struct MultiplexerHandle : TaskHandle {};
struct BanditHandle : TaskHandle {};

const Task& engine(const TaskHandle& self) {
  if (self.engine == nullptr)
    throw py::type_error("a subclass of uwm.Task must define n_inputs, n_outputs, inputs and reward");
  return *self.engine;
}

MultiplexerHandle make_multiplexer(std::int64_t bits) {
  if (bits < 1 || bits > 16) throw ValueError("address_bits must be between 1 and 16, got " + std::to_string(bits));
  MultiplexerHandle handle;
  handle.engine = std::make_shared<Multiplexer>(static_cast<int>(bits));
  return handle;
}

int address_bits(const MultiplexerHandle& self) { return static_cast<const Multiplexer&>(*self.engine).address_bits(); }

BanditHandle make_bandit(const py::object& inputs, const py::object& labels, const py::object& classes_given) {
  const auto n_classes = whole_number_or_none(classes_given, "n_classes");
  const Matrix<double> x = matrix<double>(inputs, "inputs");
  const py::array given = real_array(labels, "labels");
  if (given.ndim() == 2) {
    const Matrix<double> rewards = matrix<double>(given, "rewards");
    if (n_classes.has_value() && *n_classes != rewards.cols())
      throw ValueError("n_classes must be the number of columns of rewards, " + std::to_string(rewards.cols()) +
                       ", got " + std::to_string(*n_classes));
    BanditHandle handle;
    handle.engine = std::make_shared<Bandit>(x, rewards);
    return handle;
  }
  if (given.ndim() != 1)
    throw ValueError("labels must have shape (n,), or (n, n_actions) for rewards, got shape " + shape_of(given));
  const Vector<double> y = vector<double>(given, "labels");
  if (!y.allFinite() || (y.array() != y.array().floor()).any()) throw ValueError("labels must be whole numbers");
  if (n_classes.has_value() && *n_classes < 2)
    throw ValueError("n_classes must be at least 2, got " + std::to_string(*n_classes));
  std::vector<std::int64_t> classes(static_cast<std::size_t>(y.size()));
  for (Index s = 0; s < y.size(); ++s) {
    if (std::abs(y[s]) > 1e9) throw ValueError("labels must be below 1e9");
    classes[static_cast<std::size_t>(s)] = static_cast<std::int64_t>(y[s]);
  }
  BanditHandle handle;
  handle.engine = std::make_shared<Bandit>(x, std::move(classes), n_classes.value_or(0));
  return handle;
}

const Bandit& bandit(const BanditHandle& self) { return static_cast<const Bandit&>(*self.engine); }

py::object label_array(const BanditHandle& self) {
  const auto& labels = bandit(self).labels();
  if (labels.empty()) return py::none();
  return py::array_t<std::int64_t>(static_cast<py::ssize_t>(labels.size()), labels.data());
}

py::object reward_array(const py::object& self) {
  const auto& rewards = bandit(self.cast<const BanditHandle&>()).rewards();
  return rewards.size() == 0 ? py::object(py::none()) : view(rewards, self, false);
}

py::array inputs(const TaskHandle& self, const py::object& seed, const py::object& step, const py::object& size) {
  const Task& task = engine(self);
  const std::int64_t batch_size = whole_number(size, "batch_size");
  if (batch_size < 1) throw ValueError("batch_size must be at least 1, got " + std::to_string(batch_size));
  auto x = std::make_shared<Matrix<double>>(batch_size, task.n_inputs());
  self.engine->inputs({seed_from(seed), step_from(step)}, *x);
  return view(*x, keep(x), true);
}

py::array reward(const TaskHandle& self, const py::object& seed, const py::object& step, const SampleHandle& sample) {
  const Position position = {seed_from(seed), step_from(step)};
  const Task& task = engine(self);
  return std::visit(
      [&](const auto& s) -> py::array {
        if (s->input.cols() != task.n_inputs())
          throw ValueError("the sample must have " + std::to_string(task.n_inputs()) + " inputs, got " +
                           std::to_string(s->input.cols()));
        auto r = std::make_shared<Vector<double>>(s->batch());
        self.engine->reward(position, *s, *r);
        return view(*r, keep(r), true);
      },
      sample.sample);
}

void bind_task(py::module_& module) {
  py::class_<TaskHandle> cls(module, "Task", task_doc);
  cls.def(py::init<>())
      .def_property_readonly(
          "n_inputs", [](const TaskHandle& self) { return engine(self).n_inputs(); },
          "Inputs that the network must have.")
      .def_property_readonly(
          "n_outputs", [](const TaskHandle& self) { return engine(self).n_outputs(); },
          "Outputs that the network must have.")
      .def("inputs", &inputs, py::arg("seed"), py::arg("step"), py::arg("batch_size"), inputs_doc)
      .def("reward", &reward, py::arg("seed"), py::arg("step"), py::arg("sample"), reward_doc)
      .def("__repr__", [](const py::object& self) {
        self.cast<const TaskHandle&>();
        return "<" + class_name(self) + ">";
      });
  picklable(cls, [](const TaskHandle&) { return py::tuple(); }, [](const py::tuple&) { return TaskHandle(); });
}

void bind_multiplexer(py::module_& module) {
  py::class_<MultiplexerHandle, TaskHandle> cls(module, "Multiplexer", multiplexer_doc);
  cls.def(py::init([](const py::object& bits) { return make_multiplexer(whole_number(bits, "address_bits")); }),
          py::arg("address_bits") = 4)
      .def_property_readonly("address_bits", &address_bits, "k.")
      .def("__repr__", [](const py::object& self) {
        const int bits = address_bits(self.cast<const MultiplexerHandle&>());
        return constructor_form<MultiplexerHandle>(self, "uwm.tasks.Multiplexer",
                                                   "address_bits=" + std::to_string(bits));
      });
  picklable(
      cls, [](const MultiplexerHandle& self) { return py::make_tuple(address_bits(self)); },
      [](const py::tuple& state) { return make_multiplexer(item<std::int64_t>(state, 0, 1)); });
}

void bind_bandit(py::module_& module) {
  py::class_<BanditHandle, TaskHandle> cls(module, "Bandit", bandit_doc);
  cls.def(py::init(&make_bandit), py::arg("inputs"), py::arg("labels"), py::kw_only(),
          py::arg("n_classes") = py::none())
      .def_property_readonly(
          "table",
          [](const py::object& self) { return view(bandit(self.cast<const BanditHandle&>()).rows(), self, false); },
          "The inputs, (n, n_in), read-only.")
      .def_property_readonly("labels", &label_array, "The labels, (n,); None where the task was given rewards.")
      .def_property_readonly("rewards", &reward_array,
                             "What each action pays, (n, n_actions), read-only; None where the task was given labels.")
      .def("__repr__", [](const py::object& self) {
        const Bandit& engine = bandit(self.cast<const BanditHandle&>());
        return "<" + class_name(self) + " of " + std::to_string(engine.rows().rows()) + " rows, " +
               std::to_string(engine.n_inputs()) + " inputs, " + std::to_string(engine.n_outputs()) +
               (engine.labels().empty() ? " actions>" : " classes>");
      });
  picklable(
      cls,
      [](const BanditHandle& self) {
        const Bandit& engine = bandit(self);
        return py::make_tuple(copied(engine.rows()),
                              engine.labels().empty() ? py::object(copied(engine.rewards())) : label_array(self),
                              engine.n_outputs());
      },
      [](const py::tuple& state) {
        return make_bandit(item<py::object>(state, 0, 3), item<py::object>(state, 1, 3), item<py::object>(state, 2, 3));
      });
}

}  // namespace

void bind_tasks(py::module_& module) {
  bind_task(module);
  bind_multiplexer(module);
  bind_bandit(module);
}

}  // namespace uwm::python
