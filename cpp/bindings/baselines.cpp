#include "handles.hpp"
#include "pickling.hpp"

namespace uwm::python {

namespace {

constexpr const char* baseline_doc = R"(
What is subtracted from the reward in training. It may depend on the input but not on the actions drawn: then no rule gets biased.

A baseline of your own is a subclass with ``predict(x)``, which returns (batch,) numbers for inputs (batch, n_in), and
``update(x, reward)``, called after it with the batch's rewards; an ``__init__`` of its own calls ``super().__init__()``.

>>> import numpy as np, uwm
>>> class Half(uwm.Baseline):
...     def predict(self, x):
...         return np.full(len(x), 0.5)
...     def update(self, x, reward):
...         pass
>>> log = uwm.train(uwm.Network([3, 1]), uwm.Reinforce(), uwm.SGD(0.1), uwm.tasks.Multiplexer(1), steps=2,
...                 baseline=Half())
)";

constexpr const char* predict_doc = R"(
The baseline of each input, float64 (batch,), for x (batch, n_in).

>>> import numpy as np, uwm
>>> uwm.RunningMean(value=0.5).predict(np.ones((2, 3)))
array([0.5, 0.5])
)";

constexpr const char* update_doc = R"(
Learns from the rewards (batch,) of the inputs x (batch, n_in).

>>> import numpy as np, uwm
>>> baseline = uwm.RunningMean(rate=0.5)
>>> baseline.update(np.ones((2, 3)), [1.0, 1.0])
>>> baseline.value
0.5
)";

constexpr const char* running_mean_doc = R"(
The mean of past rewards, forgotten at a rate: value += rate * (mean reward of the batch - value), from ``value``.

Args:
    rate: above 0, at most 1.
    value: where it starts.

Raises:
    ValueError: an argument out of its range.

>>> import uwm
>>> uwm.RunningMean(rate=0.1).value
0.0
)";

struct RunningMeanHandle : BaselineHandle {};

const RunningMean& running_mean(const RunningMeanHandle& self) { return static_cast<const RunningMean&>(*self.engine); }

RunningMeanHandle handle_of(std::shared_ptr<RunningMean> mean) {
  RunningMeanHandle handle;
  handle.engine = std::move(mean);
  return handle;
}

RunningMeanHandle make_running_mean(double rate, double value) {
  return handle_of(std::make_shared<RunningMean>(rate, value));
}

/// What each built-in baseline is in Python.
py::object python_object(const std::shared_ptr<ConstantBaseline>& constant) { return py::float_(constant->value()); }
py::object python_object(const std::shared_ptr<RunningMean>& mean) { return py::cast(handle_of(mean)); }

Baseline& engine(const BaselineHandle& self) {
  if (self.engine == nullptr)
    throw py::type_error("a subclass of uwm.Baseline must define predict(self, x) and update(self, x, reward)");
  return *self.engine;
}

py::array predict(const BaselineHandle& self, const py::object& x) {
  Baseline& baseline = engine(self);
  const Matrix<double> input = matrix<double>(x, "x");
  const Use use = Use::reading(self);
  const auto b = std::make_shared<Vector<double>>(input.rows());
  baseline.predict(input, *b);
  return view(*b, keep(b), true);
}

void update(const BaselineHandle& self, const py::object& x, const py::object& reward) {
  Baseline& baseline = engine(self);
  const Matrix<double> input = matrix<double>(x, "x");
  const Vector<double> r = vector<double>(reward, "reward");
  if (r.size() != input.rows())
    throw ValueError("reward must have shape (" + std::to_string(input.rows()) + ",), got (" +
                     std::to_string(r.size()) + ",)");
  if (r.size() == 0 || !r.allFinite()) throw ValueError("reward must hold finite numbers, at least one");
  const Use use = Use::changing(self);
  baseline.update(input, r);
}

void bind_baseline(py::module_& module) {
  py::class_<BaselineHandle> cls(module, "Baseline", baseline_doc);
  cls.def(py::init<>())
      .def("predict", &predict, py::arg("x"), predict_doc)
      .def("update", &update, py::arg("x"), py::arg("reward"), update_doc)
      .def("__repr__", [](const py::object& self) {
        self.cast<const BaselineHandle&>();
        return "<" + class_name(self) + ">";
      });
  picklable(cls, [](const BaselineHandle&) { return py::tuple(); }, [](const py::tuple&) { return BaselineHandle(); });
}

void bind_running_mean(py::module_& module) {
  py::class_<RunningMeanHandle, BaselineHandle> cls(module, "RunningMean", running_mean_doc);
  cls.def(py::init([](const py::object& rate, const py::object& value) {
            return make_running_mean(real_number(rate, "rate"), real_number(value, "value"));
          }),
          py::arg("rate") = 0.01, py::kw_only(), py::arg("value") = 0.0)
      .def_property_readonly(
          "rate", [](const RunningMeanHandle& self) { return running_mean(self).rate(); }, "As given.")
      .def_property_readonly(
          "value",
          [](const RunningMeanHandle& self) {
            const Use use = Use::reading(self);
            return running_mean(self).value();
          },
          "The mean as it stands.")
      .def("__repr__", [](const py::object& self) {
        const auto& handle = self.cast<const RunningMeanHandle&>();
        const Use use = Use::reading(handle);
        const auto& engine = running_mean(handle);
        return constructor_form<RunningMeanHandle>(
            self, "uwm.RunningMean", "rate=" + repr_of(engine.rate()) + ", value=" + repr_of(engine.value()));
      });
  picklable(
      cls,
      [](const RunningMeanHandle& self) {
        const Use use = Use::reading(self);
        return py::make_tuple(running_mean(self).rate(), running_mean(self).value());
      },
      [](const py::tuple& state) { return make_running_mean(item<double>(state, 0, 2), item<double>(state, 1, 2)); });
}

}  // namespace

std::shared_ptr<Baseline> baseline_engine(const py::object& baseline) {
  if (baseline.is_none()) return nullptr;
  if (py::isinstance<BaselineHandle>(baseline)) return baseline.cast<const BaselineHandle&>().engine;
  return std::make_shared<ConstantBaseline>(real_number(baseline, "baseline", "None, a number or a uwm.Baseline"));
}

py::object baseline_object(const std::shared_ptr<Baseline>& baseline) {
  py::object found = py::none();
  for_each_class<BuiltInBaselines>([&]<class B>(std::type_identity<B>) {
    if (baseline != nullptr && baseline->info() == baseline_info(B::about().name))
      found = python_object(std::static_pointer_cast<B>(baseline));
  });
  return found;
}

void bind_baselines(py::module_& module) {
  bind_baseline(module);
  bind_running_mean(module);
  module.def(
      "baseline_classes", [] { return py::make_tuple(py::type::of<RunningMeanHandle>()); },
      "The class of each built-in baseline but the constant, which is a number.");
}

}  // namespace uwm::python
