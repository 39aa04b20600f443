#include "handles.hpp"

namespace uwm::python {

namespace {

struct RunningMeanHandle : BaselineHandle {};

const RunningMean& running_mean(const RunningMeanHandle& self) { return static_cast<const RunningMean&>(*self.engine); }

}  // namespace

void bind_baselines(py::module_& module) {
  py::class_<BaselineHandle>(module, "Baseline", R"(
What is subtracted from the reward in training. It may depend on the input but not on the actions drawn: then no rule gets biased.

A baseline of your own is a subclass with ``predict(x)``, which returns (batch,) numbers for inputs (batch, n_in), and
``update(x, reward)``, called after it with the batch's rewards.

>>> import numpy as np, uwm
>>> class Half(uwm.Baseline):
...     def predict(self, x):
...         return np.full(len(x), 0.5)
...     def update(self, x, reward):
...         pass
>>> log = uwm.train(uwm.Network([3, 1]), uwm.Reinforce(), uwm.SGD(0.1), uwm.tasks.Multiplexer(1), steps=2,
...                 baseline=Half())
)")
      .def(py::init<>());
  py::class_<RunningMeanHandle, BaselineHandle>(module, "RunningMean", R"(
The mean of past rewards, forgotten at a rate: value += rate * (mean reward of the batch - value), from ``value``.

Args:
    rate: above 0, at most 1.
    value: where it starts.

Raises:
    ValueError: an argument out of its range.

>>> import uwm
>>> uwm.RunningMean(rate=0.1).value
0.0
)")
      .def(py::init([](double rate, double value) {
             RunningMeanHandle handle;
             handle.engine = std::make_shared<RunningMean>(rate, value);
             return handle;
           }),
           py::arg("rate") = 0.01, py::kw_only(), py::arg("value") = 0.0)
      .def_property_readonly(
          "rate", [](const RunningMeanHandle& self) { return running_mean(self).rate(); }, "As given.")
      .def_property_readonly(
          "value", [](const RunningMeanHandle& self) { return running_mean(self).value(); }, "The mean as it stands.");
}

}  // namespace uwm::python
