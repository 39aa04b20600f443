#include "handles.hpp"

namespace uwm::python {

namespace {

struct MultiplexerHandle : TaskHandle {};
struct BanditHandle : TaskHandle {};

const Task& engine(const TaskHandle& self) {
  if (self.engine == nullptr)
    throw py::type_error("a subclass of uwm.Task must define n_inputs, n_outputs, inputs and reward");
  return *self.engine;
}

const Bandit& bandit(const BanditHandle& self) { return static_cast<const Bandit&>(*self.engine); }

}  // namespace

void bind_tasks(py::module_& module) {
  py::class_<TaskHandle>(module, "Task", R"(
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
)")
      .def(py::init<>())
      .def_property_readonly(
          "n_inputs", [](const TaskHandle& self) { return engine(self).n_inputs(); },
          "Inputs that the network must have.")
      .def_property_readonly(
          "n_outputs", [](const TaskHandle& self) { return engine(self).n_outputs(); },
          "Outputs that the network must have.")
      .def(
          "inputs",
          [](const TaskHandle& self, const py::object& seed, const py::object& step, Index batch_size) {
            engine(self);
            if (batch_size < 1) throw ValueError("batch_size must be at least 1, got " + std::to_string(batch_size));
            auto x = std::make_shared<Matrix<double>>(batch_size, self.engine->n_inputs());
            self.engine->inputs({whole(seed, "seed", 0), whole(step, "step", max_step)}, *x);
            return view(*x, keep(x), true);
          },
          py::arg("seed"), py::arg("step"), py::arg("batch_size"), R"(
The inputs that training with this seed sees at this step, (batch_size, n_inputs), float64.

>>> import uwm
>>> uwm.tasks.Multiplexer(address_bits=1).inputs(0, 0, 2).shape
(2, 3)
)")
      .def(
          "reward",
          [](const TaskHandle& self, const py::object& seed, const py::object& step, const SampleHandle& sample) {
            const Position position = {whole(seed, "seed", 0), whole(step, "step", max_step)};
            engine(self);
            return std::visit(
                [&](const auto& s) {
                  const bool fits = s->input.cols() == self.engine->n_inputs();
                  if (!fits)
                    throw ValueError("the sample must have " + std::to_string(self.engine->n_inputs()) +
                                     " inputs, got " + std::to_string(s->input.cols()));
                  auto r = std::make_shared<Vector<double>>(s->batch());
                  self.engine->reward(position, *s, *r);
                  return view(*r, keep(r), true);
                },
                sample.sample);
          },
          py::arg("seed"), py::arg("step"), py::arg("sample"), R"(
The rewards, (batch,), for a sample drawn from the inputs of the same seed and step.

>>> import uwm
>>> task = uwm.tasks.Multiplexer(address_bits=1)
>>> sample = uwm.Network([3, 4, 1]).forward(task.inputs(0, 0, 2))
>>> set(task.reward(0, 0, sample)) <= {-1.0, 1.0}
True
)")
      .def("__repr__", [](const py::object& self) {
        self.cast<const TaskHandle&>();
        return "<uwm.tasks." + type_name(self) + ">";
      });

  py::class_<MultiplexerHandle, TaskHandle>(module, "Multiplexer", R"(
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
)")
      .def(py::init([](int bits) {
             MultiplexerHandle handle;
             handle.engine = std::make_shared<Multiplexer>(bits);
             return handle;
           }),
           py::arg("address_bits") = 4)
      .def_property_readonly(
          "address_bits",
          [](const MultiplexerHandle& self) { return static_cast<const Multiplexer&>(*self.engine).address_bits(); },
          "k.");

  py::class_<BanditHandle, TaskHandle>(module, "Bandit", R"(
A contextual bandit on a table: inputs are drawn from its rows with replacement; the reward is +1 for the row's label, else -1.

The network answers with a softmax output, or with one Bernoulli unit when there are two classes.

Args:
    inputs: (n, n_in), finite numbers.
    labels: (n,), whole numbers 0 ... n_classes - 1.
    n_classes: by default the largest label + 1.

Raises:
    ValueError, TypeError: a shape, label or number is wrong.

>>> import numpy as np, uwm
>>> task = uwm.tasks.Bandit(np.eye(3), [0, 1, 2])
>>> task.n_inputs, task.n_outputs
(3, 3)
)")
      .def(py::init([](const py::object& inputs, const py::object& labels, std::optional<std::int64_t> n_classes) {
             const Matrix<double> x = matrix<double>(inputs, "inputs");
             const Vector<double> y = vector<double>(labels, "labels");
             if (!y.allFinite() || (y.array() != y.array().floor()).any())
               throw ValueError("labels must be whole numbers");
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
           }),
           py::arg("inputs"), py::arg("labels"), py::kw_only(), py::arg("n_classes") = py::none())
      .def_property_readonly(
          "table",
          [](const py::object& self) { return view(bandit(self.cast<const BanditHandle&>()).rows(), self, false); },
          "The inputs, (n, n_in), read-only.")
      .def_property_readonly(
          "labels",
          [](const BanditHandle& self) {
            const auto& labels = bandit(self).labels();
            return py::array_t<std::int64_t>(static_cast<py::ssize_t>(labels.size()), labels.data());
          },
          "The labels, (n,).");
}

}  // namespace uwm::python
