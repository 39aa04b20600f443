#include "handles.hpp"

namespace uwm::python {

namespace {

struct LinearHandle : Handle {
  explicit LinearHandle(Schedule s) : schedule(s) {}
  Schedule schedule;
};
struct ExponentialHandle : Handle {
  explicit ExponentialHandle(Schedule s) : schedule(s) {}
  Schedule schedule;
};

Schedule schedule_from(const py::handle& object) {
  if (py::isinstance<LinearHandle>(object)) return object.cast<const LinearHandle&>().schedule;
  if (py::isinstance<ExponentialHandle>(object)) return object.cast<const ExponentialHandle&>().schedule;
  const double number = PyFloat_AsDouble(object.ptr());
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    throw py::type_error("a learning rate must be a number or a schedule, got a " + type_name(object));
  }
  return number;
}

/// A number, a schedule, or a sequence of those.
std::vector<Schedule> rates_from(const py::object& object) {
  const bool several = py::isinstance<py::sequence>(object) || py::isinstance<py::array>(object);
  if (!several || py::isinstance<py::str>(object) || py::isinstance<py::bytes>(object)) return {schedule_from(object)};
  std::vector<Schedule> rates;
  for (const auto& item : object) rates.push_back(schedule_from(item));
  return rates;
}

py::object rate_of(const Schedule& s) {
  switch (s.shape) {
    case Schedule::Shape::linear:
      return py::cast(LinearHandle(s));
    case Schedule::Shape::exponential:
      return py::cast(ExponentialHandle(s));
    case Schedule::Shape::constant:
      break;
  }
  return py::float_(s.start);
}

template <class Held>
void bind_schedule(py::module_& module, const char* name, Schedule (*make)(double, double, std::int64_t),
                   const char* doc) {
  py::class_<Held>(module, name, doc)
      .def(py::init([make](double start, double end, std::int64_t steps) { return Held(make(start, end, steps)); }),
           py::arg("start"), py::arg("end"), py::arg("steps"))
      .def_property_readonly(
          "start", [](const Held& self) { return self.schedule.start; }, "First value.")
      .def_property_readonly(
          "end", [](const Held& self) { return self.schedule.end; }, "Last value.")
      .def_property_readonly(
          "steps", [](const Held& self) { return self.schedule.steps; }, "Updates in between.")
      .def(
          "__call__",
          [](const Held& self, std::int64_t t) {
            if (t < 0) throw ValueError("t must not be negative, got " + std::to_string(t));
            return self.schedule.at(t);
          },
          py::arg("t"), "The value after t updates.")
      .def("__repr__", [name = std::string(name)](const Held& self) {
        const auto& s = self.schedule;
        return "uwm." + name + "(" + std::string(py::repr(py::float_(s.start))) + ", " +
               std::string(py::repr(py::float_(s.end))) + ", " + std::to_string(s.steps) + ")";
      });
}

template <class T>
Gradient<T> read_gradient(const py::object& object, const Network<T>& net) {
  if (!py::isinstance<py::sequence>(object) || py::len(object) != net.layers().size())
    throw ValueError("the gradient must hold one entry with .weight and .bias per layer, " +
                     std::to_string(net.layers().size()) + " in all");
  Gradient<T> g;
  for (const auto& item : object) {
    if (!py::hasattr(item, "weight") || !py::hasattr(item, "bias"))
      throw py::type_error("an entry of the gradient must have .weight and .bias, got a " + type_name(item));
    g.layers.push_back(
        {matrix<T>(item.attr("weight"), "gradient weight"), vector<T>(item.attr("bias"), "gradient bias")});
  }
  return g;
}

struct SGDHandle : OptimizerHandle {};
struct AdamHandle : OptimizerHandle {};

template <class Held>
py::object wrap(std::unique_ptr<Optimizer> optimizer) {
  Held handle;
  handle.engine = std::move(optimizer);
  return py::cast(std::move(handle));
}

}  // namespace

py::object optimizer_object(std::unique_ptr<Optimizer> optimizer) {
  if (optimizer == nullptr) return py::none();
  return optimizer->name() == "sgd" ? wrap<SGDHandle>(std::move(optimizer)) : wrap<AdamHandle>(std::move(optimizer));
}

void bind_optimizers(py::module_& module) {
  bind_schedule<LinearHandle>(module, "Linear", &Schedule::linear, R"(
A learning rate that goes in a straight line from start to end over so many updates and stays there.

Raises:
    ValueError: steps below 1, or a number that is not finite.

>>> import uwm
>>> uwm.Linear(0.1, 0.0, 10)(5)
0.05
)");
  bind_schedule<ExponentialHandle>(module, "Exponential", &Schedule::exponential, R"(
A learning rate that falls (or grows) by the same factor every update from start to end and stays there.

Raises:
    ValueError: steps below 1, or a number that is not positive and finite.

>>> import uwm
>>> uwm.Exponential(1.0, 0.01, 2)(1)
0.1
)");

  py::class_<OptimizerHandle>(module, "Optimizer", "Base of the optimizers: applies gradients to a network, uphill.")
      .def(
          "step",
          [](const OptimizerHandle& self, const NetworkHandle& net, const py::object& gradient) {
            visit(net, [&](auto& n) {
              const auto g = read_gradient<Scalar<decltype(n)>>(gradient, n);
              const Use using_optimizer = Use::changing(self), using_net = Use::changing(net);
              self.engine->step(n, g);
            });
          },
          py::arg("net"), py::arg("gradient"), R"(
One update of the network's parameters, in place.

Args:
    net: Network.
    gradient: list with one entry per layer that has .weight (n_out, n_in) and .bias (n_out,), as ``Rule.gradient`` gives.

Raises:
    ValueError: shapes or the number of learning rates do not fit, a number of the gradient is NaN or infinite, a
        parameter or moment would become so, a setting has no place in the network's dtype, or the optimizer has worked
        on a network of another shape or dtype. Network and optimizer are then unchanged.
    RuntimeError: another thread uses the network or the optimizer.

>>> import numpy as np, uwm
>>> net = uwm.Network([2, 1])
>>> uwm.SGD(0.5).step(net, [uwm.LayerGradient(np.zeros((1, 2)), np.ones(1))])
>>> net.layers[0].bias
array([0.5], dtype=float32)
)")
      .def_property_readonly(
          "name", [](const OptimizerHandle& self) { return self.engine->name(); }, "\"sgd\" or \"adam\".")
      .def_property_readonly(
          "steps",
          [](const OptimizerHandle& self) {
            const Use use = Use::reading(self);
            return self.engine->steps();
          },
          "Updates made.")
      .def_property_readonly(
          "settings", [](const OptimizerHandle& self) { return self.engine->settings(); },
          "The other arguments of the constructor.")
      .def_property_readonly(
          "learning_rate",
          [](const OptimizerHandle& self) -> py::object {
            const auto& rates = self.engine->learning_rate();
            if (rates.size() == 1) return rate_of(rates[0]);
            py::list list;
            for (const auto& r : rates) list.append(rate_of(r));
            return list;
          },
          "As it was given: a number or schedule, or a list of them.")
      .def(
          "reset",
          [](const OptimizerHandle& self) {
            const Use use = Use::changing(self);
            self.engine->restore(0, std::monostate());
          },
          "Forgets all updates: moments and schedules start over, for a network of any shape.")
      .def("__repr__", [](const py::object& self) {
        const auto& handle = self.cast<const OptimizerHandle&>();
        const Use use = Use::reading(handle);
        return "<uwm." + type_name(self) + " after " + std::to_string(handle.engine->steps()) + " updates>";
      });

  py::class_<SGDHandle, OptimizerHandle>(module, "SGD", R"(
Gradient ascent, w += rate * g; with momentum, v = momentum * v + g and w += rate * v.

Args:
    learning_rate: a number or schedule (Linear, Exponential), or one of these per layer.
    momentum: 0 up to, not including, 1.

Raises:
    ValueError, TypeError: an argument out of its range or of the wrong kind.

>>> import uwm
>>> uwm.SGD(0.1).steps
0
)")
      .def(py::init([](const py::object& rate, double momentum) {
             SGDHandle handle;
             handle.engine = std::make_shared<SGD>(rates_from(rate), momentum);
             return handle;
           }),
           py::arg("learning_rate"), py::kw_only(), py::arg("momentum") = 0.0);

  py::class_<AdamHandle, OptimizerHandle>(module, "Adam", R"(
Adam (Kingma and Ba, 2015) uphill: w += rate * m_hat / (sqrt(v_hat) + epsilon).

A number of the gradient beyond 2^63 in float32, or 2^511 in float64, counts as that: its square has to fit. An epsilon below
the smallest normal number of the dtype counts as that. A beta that rounds to 1 in the dtype is refused by ``step`` and ``train``.

Args:
    learning_rate: a number or schedule (Linear, Exponential), or one of these per layer.
    beta1, beta2: decay of the two moments, 0 up to, not including, 1.
    epsilon: positive.

Raises:
    ValueError, TypeError: an argument out of its range or of the wrong kind.

>>> import uwm
>>> uwm.Adam([1e-2, 1e-3, uwm.Linear(1e-4, 0.0, 1000)]).learning_rate
[0.01, 0.001, uwm.Linear(0.0001, 0.0, 1000)]
)")
      .def(py::init([](const py::object& rate, double beta1, double beta2, double epsilon) {
             AdamHandle handle;
             handle.engine = std::make_shared<Adam>(rates_from(rate), beta1, beta2, epsilon);
             return handle;
           }),
           py::arg("learning_rate") = 1e-3, py::kw_only(), py::arg("beta1") = 0.9, py::arg("beta2") = 0.999,
           py::arg("epsilon") = 1e-8);
}

}  // namespace uwm::python
