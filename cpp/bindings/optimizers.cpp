#include "handles.hpp"
#include "pickling.hpp"

namespace uwm::python {

namespace {

constexpr const char* inverse_root_doc = R"(
A learning rate that falls with the root of the updates: rate / sqrt(1 + t / steps) after t updates.

Over the first ``warm_up`` updates it rises to that in equal steps: the first update has 1 / warm_up of it.

Args:
    rate: at the start, at least 0.
    steps: updates until it has fallen to 0.71 of that; at least 1.
    warm_up: updates, 0 for none.

Raises:
    ValueError: steps below 1, warm_up below 0, or a rate that is negative or not finite.

>>> import uwm
>>> fall = uwm.InverseRoot(1.0, 100, warm_up=10)
>>> fall(0), fall(300)
(0.1, 0.5)
)";

constexpr const char* automatic_rates_doc = R"(
The learning rates that ``Adam()`` takes for a network, one schedule per layer.

The rate of a layer is c / (fan in + 1) / sqrt(1 + t / 1000) at update t, times the layer's temperature: a step of Adam moves
every weight by about the rate, and so a logit by about c. c is 1 for hidden units, half of that above bipolar ones, and 0.2
for an output (times sigma for a Gaussian). Layers above the first reach the rate within 200 updates. docs/step-sizes.md says
why.

Args:
    net: Network.

Returns:
    list of InverseRoot, one per layer.

>>> import uwm
>>> net = uwm.Network([9, 64, 1])
>>> uwm.automatic_rates(net)[0]
uwm.InverseRoot(0.1, 1000)
>>> adam = uwm.Adam([0.01, *uwm.automatic_rates(net)[1:]])  # one rate of one's own
)";

constexpr const char* linear_doc = R"(
A learning rate that goes in a straight line from start to end over so many updates and stays there.

Raises:
    ValueError: steps below 1, or a number that is negative or not finite.

>>> import uwm
>>> uwm.Linear(0.1, 0.0, 10)(5)
0.05
)";

constexpr const char* exponential_doc = R"(
A learning rate that falls (or grows) by the same factor every update from start to end and stays there.

Raises:
    ValueError: steps below 1, or a number that is not positive and finite.

>>> import uwm
>>> uwm.Exponential(1.0, 0.01, 2)(1)
0.1
)";

constexpr const char* optimizer_doc = R"(
Base of the optimizers: applies gradients to a network, uphill.

An optimizer of your own is a subclass with a ``step(net, gradient)`` that changes the network's parameters in place; an
``__init__`` of its own calls ``super().__init__()``. ``train`` takes it like a built-in one. It keeps what it needs as attributes,
and pickles with them.

>>> import uwm
>>> class SignAscent(uwm.Optimizer):
...     def __init__(self, rate):
...         super().__init__()
...         self.rate = rate
...     def step(self, net, gradient):
...         for layer, g in zip(net.layers, gradient):
...             layer.weight += self.rate * (g.weight > 0) - self.rate * (g.weight < 0)
...             layer.bias += self.rate * (g.bias > 0) - self.rate * (g.bias < 0)
>>> net, task = uwm.Network([3, 8, 1]), uwm.tasks.Multiplexer(1)
>>> uwm.train(net, uwm.UnbiasedWeightMax(), SignAscent(0.01), task, steps=10, batch_size=8).steps
10
)";

constexpr const char* step_doc = R"(
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
)";

constexpr const char* sgd_doc = R"(
Gradient ascent, w += rate * g; with momentum, v = momentum * v + g and w += rate * v.

Args:
    learning_rate: a number or schedule (Linear, Exponential, InverseRoot), or one of these per layer.
    momentum: 0 up to, not including, 1.

Raises:
    ValueError, TypeError: an argument out of its range or of the wrong kind.

>>> import uwm
>>> uwm.SGD(0.1).steps
0
)";

constexpr const char* adam_doc = R"(
Adam (Kingma and Ba, 2015) uphill: w += rate * m_hat / (sqrt(v_hat) + epsilon).

A number of the gradient beyond 2^63 in float32, or 2^511 in float64, counts as that: its square has to fit. An epsilon below
the smallest normal number of the dtype counts as that. A beta that rounds to 1 in the dtype is refused by ``step`` and ``train``.

Args:
    learning_rate: "auto", the rates that follow from the network (``automatic_rates``); a number or schedule (Linear,
        Exponential, InverseRoot), or one of these per layer.
    beta1, beta2: decay of the two moments, 0 up to, not including, 1.
    epsilon: positive.

Raises:
    ValueError, TypeError: an argument out of its range or of the wrong kind.

>>> import uwm
>>> uwm.Adam()
uwm.Adam('auto', beta1=0.9, beta2=0.999, epsilon=1e-08)
>>> uwm.Adam([1e-2, 1e-3, uwm.Linear(1e-4, 0.0, 1000)]).learning_rate
[0.01, 0.001, uwm.Linear(0.0001, 0.0, 1000)]
)";

struct LinearHandle : Handle {
  explicit LinearHandle(Schedule s) : schedule(s) {}
  Schedule schedule;
};
struct ExponentialHandle : Handle {
  explicit ExponentialHandle(Schedule s) : schedule(s) {}
  Schedule schedule;
};

struct InverseRootHandle : Handle {
  explicit InverseRootHandle(Schedule s) : schedule(s) {}
  Schedule schedule;
};

Schedule schedule_from(const py::handle& object) {
  if (py::isinstance<LinearHandle>(object)) return object.cast<const LinearHandle&>().schedule;
  if (py::isinstance<ExponentialHandle>(object)) return object.cast<const ExponentialHandle&>().schedule;
  if (py::isinstance<InverseRootHandle>(object)) return object.cast<const InverseRootHandle&>().schedule;
  return real_number(object, "a learning rate", "a number or a schedule");
}

}  // namespace

std::vector<Schedule> rates_from(const py::object& object) {
  if (py::isinstance<py::str>(object) && py::cast<std::string>(object) == "auto") return {};
  const bool several =
      py::isinstance<py::array>(object) ? object.attr("ndim").cast<int>() > 0 : py::isinstance<py::sequence>(object);
  if (!several || py::isinstance<py::str>(object) || py::isinstance<py::bytes>(object)) return {schedule_from(object)};
  std::vector<Schedule> rates;
  for (const auto& item : object) rates.push_back(schedule_from(item));
  if (rates.empty()) throw ValueError("learning_rate must be 'auto', a number or schedule, or one per layer, got none");
  return rates;
}

namespace {

py::object rate_of(const Schedule& s) {
  switch (s.shape) {
    case Schedule::Shape::linear:
      return py::cast(LinearHandle(s));
    case Schedule::Shape::exponential:
      return py::cast(ExponentialHandle(s));
    case Schedule::Shape::inverse_root:
      return py::cast(InverseRootHandle(s));
    case Schedule::Shape::constant:
      break;
  }
  return py::float_(s.start);
}

/// The value of a schedule after t updates.
template <class Held>
double schedule_at(const Held& self, const py::object& updates) {
  const std::int64_t t = whole_number(updates, "t");
  if (t < 0) throw ValueError("t must not be negative, got " + std::to_string(t));
  return self.schedule.at(t);
}

template <class Held>
void bind_schedule(py::module_& module, const char* name, Schedule (*make)(double, double, std::int64_t),
                   const char* doc) {
  py::class_<Held> cls(module, name, doc);
  cls.def(py::init([make](const py::object& start, const py::object& end, const py::object& steps) {
            return Held(make(real_number(start, "start"), real_number(end, "end"), whole_number(steps, "steps")));
          }),
          py::arg("start"), py::arg("end"), py::arg("steps"))
      .def_property_readonly(
          "start", [](const Held& self) { return self.schedule.start; }, "First value.")
      .def_property_readonly(
          "end", [](const Held& self) { return self.schedule.end; }, "Last value.")
      .def_property_readonly(
          "steps", [](const Held& self) { return self.schedule.steps; }, "Updates in between.")
      .def("__call__", &schedule_at<Held>, py::arg("t"), "The value after t updates.")
      .def("__repr__", [name = "uwm." + std::string(name)](const py::object& self) {
        const auto& s = self.cast<const Held&>().schedule;
        return constructor_form<Held>(self, name,
                                      repr_of(s.start) + ", " + repr_of(s.end) + ", " + std::to_string(s.steps));
      });
  picklable(
      cls, [](const Held& self) { return py::make_tuple(self.schedule.start, self.schedule.end, self.schedule.steps); },
      [make](const py::tuple& state) {
        return Held(make(item<double>(state, 0, 3), item<double>(state, 1, 3), item<std::int64_t>(state, 2, 3)));
      });
}

void bind_inverse_root(py::module_& module) {
  using Held = InverseRootHandle;
  py::class_<Held> cls(module, "InverseRoot", inverse_root_doc);
  cls.def(py::init([](const py::object& rate, const py::object& steps, const py::object& warm_up) {
            return Held(Schedule::inverse_root(real_number(rate, "rate"), whole_number(steps, "steps"),
                                               whole_number(warm_up, "warm_up")));
          }),
          py::arg("rate"), py::arg("steps"), py::kw_only(), py::arg("warm_up") = 0)
      .def_property_readonly(
          "rate", [](const Held& self) { return self.schedule.start; }, "Before it falls.")
      .def_property_readonly(
          "steps", [](const Held& self) { return self.schedule.steps; }, "Updates until it has fallen to 0.71.")
      .def_property_readonly(
          "warm_up", [](const Held& self) { return self.schedule.warm_up; }, "Updates until it has risen.")
      .def("__call__", &schedule_at<Held>, py::arg("t"), "The value after t updates.")
      .def("__repr__", [](const py::object& self) {
        const auto& s = self.cast<const Held&>().schedule;
        std::string arguments = repr_of(s.start) + ", " + std::to_string(s.steps);
        if (s.warm_up > 0) arguments += ", warm_up=" + std::to_string(s.warm_up);
        return constructor_form<Held>(self, "uwm.InverseRoot", arguments);
      });
  picklable(
      cls,
      [](const Held& self) { return py::make_tuple(self.schedule.start, self.schedule.steps, self.schedule.warm_up); },
      [](const py::tuple& state) {
        return Held(Schedule::inverse_root(item<double>(state, 0, 3), item<std::int64_t>(state, 1, 3),
                                           item<std::int64_t>(state, 2, 3)));
      });
}

void bind_automatic_rates(py::module_& module) {
  module.def(
      "automatic_rates",
      [](const NetworkHandle& net) {
        const Use use = Use::reading(net);
        py::list rates;
        for (const Schedule& s : visit(net, [](const auto& n) { return automatic_rates(n); })) rates.append(rate_of(s));
        return rates;
      },
      py::arg("net"), automatic_rates_doc);
}

/// The gradient of the engine whose layers a list holds, all and in order, so that nothing need be copied. Null for
/// anything else.
template <class T>
std::shared_ptr<const Gradient<T>> engine_gradient(const py::object& object, const Network<T>& net) {
  const std::size_t n = net.layers().size();
  if (!PyList_Check(object.ptr()) || static_cast<std::size_t>(PyList_GET_SIZE(object.ptr())) != n) return nullptr;
  const py::object cls = py::type::of<LayerGradientHandle>();
  std::shared_ptr<const Gradient<T>> found;
  for (std::size_t l = 0; l < n; ++l) {
    const auto item = py::reinterpret_borrow<py::object>(PyList_GET_ITEM(object.ptr(), static_cast<py::ssize_t>(l)));
    if (!py::type::of(item).is(cls)) return nullptr;  // a subclass may have a weight of its own
    const auto& layer = item.cast<const LayerGradientHandle&>();
    const auto* made = std::get_if<Either<Gradient>>(&layer.held);
    const auto* gradient = made != nullptr ? std::get_if<std::shared_ptr<Gradient<T>>>(made) : nullptr;
    if (gradient == nullptr || layer.index != l || (l > 0 && *gradient != found)) return nullptr;
    found = *gradient;
  }
  return found;
}

template <class T>
Gradient<T> read_gradient(const py::object& object, const Network<T>& net) {
  if (!py::isinstance<py::sequence>(object) || py::len(object) != net.layers().size())
    throw ValueError("the gradient must hold one entry with .weight and .bias per layer, " +
                     std::to_string(net.layers().size()) + " in all, got " + count_of(object));
  Gradient<T> g;
  for (const auto& item : object) {
    if (!py::hasattr(item, "weight") || !py::hasattr(item, "bias"))
      throw py::type_error("an entry of the gradient must have .weight and .bias, got " + described(item));
    g.layers.push_back(
        {matrix<T>(item.attr("weight"), "gradient weight"), vector<T>(item.attr("bias"), "gradient bias")});
  }
  return g;
}

/// A built-in optimizer: each is a Python class of its own.
template <class O>
struct OptimizerOf : OptimizerHandle {};

template <class O>
OptimizerOf<O> handle_of(std::shared_ptr<Optimizer> optimizer) {
  OptimizerOf<O> handle;
  handle.engine = std::move(optimizer);
  return handle;
}

/// The engine's optimizer, or an error for a subclass of uwm.Optimizer that lacks what was asked of it.
Optimizer& engine(const OptimizerHandle& self, const char* asked = "step") {
  if (self.engine == nullptr) {
    if (std::string(asked) == "step")
      throw py::type_error("a subclass of uwm.Optimizer must define step(self, net, gradient)");
    throw py::attribute_error("this optimizer is written in Python and defines no " + std::string(asked));
  }
  return *self.engine;
}

py::object learning_rate(const OptimizerHandle& self) {
  const auto& rates = engine(self, "learning_rate").learning_rate();
  if (rates.empty()) return py::str("auto");
  if (rates.size() == 1) return rate_of(rates[0]);
  py::list list;
  for (const auto& r : rates) list.append(rate_of(r));
  return list;
}

void set_learning_rate(const OptimizerHandle& self, const py::object& rate) {
  const auto rates = rates_from(rate);
  const Use use = Use::changing(self);
  engine(self, "learning_rate").set_learning_rate(rates);
}

/// The moments as nested lists, moment by moment and layer by layer; None before the first update.
py::object moments_of(const Optimizer& optimizer) {
  return std::visit(
      [](const auto& moments) -> py::object {
        if constexpr (std::is_same_v<std::decay_t<decltype(moments)>, std::monostate>) {
          return py::none();
        } else {
          py::list list;
          for (const auto& moment : moments) {
            py::list layers;
            for (const auto& layer : moment) layers.append(py::make_tuple(copied(layer.weight), copied(layer.bias)));
            list.append(layers);
          }
          return list;
        }
      },
      optimizer.state());
}

template <class T>
Optimizer::Moments<T> moments_from(const py::list& list) {
  Optimizer::Moments<T> moments;
  for (const auto& layers : list) {
    moments.emplace_back();
    for (const auto& layer : py::cast<py::list>(layers)) {
      const auto pair = py::cast<py::tuple>(layer);
      moments.back().push_back(
          {matrix<T>(item<py::object>(pair, 0, 2), "a moment"), vector<T>(item<py::object>(pair, 1, 2), "a moment")});
      const auto& [weight, bias] = moments.back().back();
      if (!weight.allFinite() || !bias.allFinite()) throw ValueError("the moments must be finite");
    }
  }
  return moments;
}

/// A pickle holds as many moments as the optimizer keeps, and means of squares are not negative.
template <class T>
void check_moments(const Optimizer& optimizer, const Optimizer::Moments<T>& moments) {
  if (moments.size() != optimizer.n_moments()) throw ValueError("the number of moments is wrong");
  for (std::size_t m = 0; m < moments.size(); ++m)
    for (const auto& layer : moments[m])
      if (optimizer.is_square(m) && ((layer.weight.array() < 0).any() || (layer.bias.array() < 0).any()))
        throw ValueError("second moments must not be negative");
}

/// Optimizers as (learning rate, settings, updates made, precision of the moments, moments).
py::tuple state(const OptimizerHandle& self) {
  const Use use = Use::reading(self);
  const auto& engine = *self.engine;
  const char* dtype = std::holds_alternative<Optimizer::Moments<float>>(engine.state()) ? "float32" : "float64";
  return py::make_tuple(learning_rate(self), engine.settings(), engine.steps(), dtype, moments_of(engine));
}

void restore(const OptimizerHandle& self, const py::tuple& state) {
  const auto steps = item<std::int64_t>(state, 2, 5);
  const auto dtype = item<std::string>(state, 3, 5);
  const auto moments = item<py::object>(state, 4, 5);
  const auto set = [&](auto read) {
    check_moments(*self.engine, read);
    self.engine->restore(steps, std::move(read));
  };
  if (moments.is_none())
    self.engine->restore(steps, std::monostate());
  else if (dtype == "float32")
    set(moments_from<float>(py::cast<py::list>(moments)));
  else if (dtype == "float64")
    set(moments_from<double>(py::cast<py::list>(moments)));
  else
    throw ValueError("no moments are of dtype '" + dtype + "'");
}

/// The optimizer that a pickled state is of.
template <class O>
OptimizerOf<O> unpickled(const py::tuple& state) {
  const auto settings = item<Optimizer::Settings>(state, 1, 5);
  const OptimizerInfo about = O::about();
  for (const auto& [name, _] : about.defaults)
    if (!settings.contains(name)) throw ValueError("it has no " + name);
  const auto handle = handle_of<O>(about.make(rates_from(item<py::object>(state, 0, 5)), settings));
  restore(handle, state);
  return handle;
}

/// The constructor's call, and the updates made since.
template <class Held>
std::string representation(const py::object& self, const std::string& name) {
  const auto& handle = self.cast<const Held&>();
  const Use use = Use::reading(handle);
  const Optimizer& engine = *handle.engine;
  std::string arguments = py::repr(learning_rate(handle));
  for (const auto& [key, value] : engine.settings()) arguments += ", " + key + "=" + repr_of(value);
  const std::string call = constructor_form<Held>(self, name, arguments);
  return engine.steps() == 0 ? call : "<" + call + " after " + std::to_string(engine.steps()) + " updates>";
}

std::string name(const py::object& self) {
  const auto& handle = self.cast<const OptimizerHandle&>();
  return handle.engine ? handle.engine->name() : type_name(self);
}

void step(const OptimizerHandle& self, const NetworkHandle& net, const py::object& gradient) {
  Optimizer& optimizer = engine(self);
  visit(net, [&](auto& n) {
    using T = Scalar<decltype(n)>;
    auto g = engine_gradient<T>(gradient, n);
    if (g == nullptr) g = std::make_shared<const Gradient<T>>(read_gradient<T>(gradient, n));
    const Use using_optimizer = Use::changing(self), using_net = Use::changing(net);
    optimizer.step(n, *g);
  });
}

std::int64_t steps(const OptimizerHandle& self) {
  const Use use = Use::reading(self);
  return engine(self, "steps").steps();
}

void reset(const OptimizerHandle& self) {
  const Use use = Use::changing(self);
  engine(self, "reset").restore(0, std::monostate());
}

void bind_optimizer(py::module_& module) {
  py::class_<OptimizerHandle> cls(module, "Optimizer", optimizer_doc);
  cls.def(py::init<>())
      .def("step", &step, py::arg("net"), py::arg("gradient"), step_doc)
      .def_property_readonly("name", &name,
                             "\"sgd\" or \"adam\"; of an optimizer of your own, by default, the name of its class.")
      .def_property_readonly("steps", &steps, "Updates made.")
      .def_property_readonly(
          "settings", [](const OptimizerHandle& self) { return engine(self, "settings").settings(); },
          "The other arguments of the constructor.")
      .def_property("learning_rate", &learning_rate, &set_learning_rate,
                    "\"auto\", a number or schedule, or a list of them. Setting it changes the rates from the next "
                    "update on; moments and the count of updates, which schedules follow, stay.")
      .def("reset", &reset, "Forgets all updates: moments and schedules start over, for a network of any shape.")
      .def("__repr__", [](const py::object& self) {
        self.cast<const OptimizerHandle&>();
        return "<" + class_name(self) + ">";
      });
  picklable(
      cls, [](const OptimizerHandle&) { return py::tuple(); }, [](const py::tuple&) { return OptimizerHandle(); });
}

/// Binds the class of a built-in optimizer; make: from the arguments of its constructor.
template <class O, class Make, class... Arguments>
void bind_built_in(py::module_& module, const char* name, const char* doc, Make make, const Arguments&... arguments) {
  py::class_<OptimizerOf<O>, OptimizerHandle> cls(module, name, doc);
  cls.def(py::init(make), arguments...).def("__repr__", [shown = "uwm." + std::string(name)](const py::object& self) {
    return representation<OptimizerOf<O>>(self, shown);
  });
  picklable(cls, [](const OptimizerOf<O>& self) { return state(self); }, &unpickled<O>);
}

void bind_sgd(py::module_& module) {
  const auto make = [](const py::object& rate, const py::object& momentum) {
    return handle_of<SGD>(std::make_shared<SGD>(rates_from(rate), real_number(momentum, "momentum")));
  };
  bind_built_in<SGD>(module, "SGD", sgd_doc, make, py::arg("learning_rate"), py::kw_only(), py::arg("momentum") = 0.0);
}

void bind_adam(py::module_& module) {
  const auto make = [](const py::object& rate, const py::object& beta1, const py::object& beta2,
                       const py::object& epsilon) {
    return handle_of<Adam>(std::make_shared<Adam>(rates_from(rate), real_number(beta1, "beta1"),
                                                  real_number(beta2, "beta2"), real_number(epsilon, "epsilon")));
  };
  bind_built_in<Adam>(module, "Adam", adam_doc, make, py::arg("learning_rate") = "auto", py::kw_only(),
                      py::arg("beta1") = 0.9, py::arg("beta2") = 0.999, py::arg("epsilon") = 1e-8);
}

/// The classes of the built-in optimizers.
py::tuple optimizer_classes() {
  py::list classes;
  for_each_class<BuiltInOptimizers>(
      [&]<class O>(std::type_identity<O>) { classes.append(py::type::of<OptimizerOf<O>>()); });
  return py::tuple(classes);
}

}  // namespace

py::object optimizer_object(std::unique_ptr<Optimizer> optimizer) {
  py::object found = py::none();
  for_each_class<BuiltInOptimizers>([&]<class O>(std::type_identity<O>) {
    if (optimizer != nullptr && optimizer->name() == O::about().name)
      found = py::cast(handle_of<O>(std::move(optimizer)));
  });
  return found;
}

void bind_optimizers(py::module_& module) {
  bind_schedule<LinearHandle>(module, "Linear", &Schedule::linear, linear_doc);
  bind_schedule<ExponentialHandle>(module, "Exponential", &Schedule::exponential, exponential_doc);
  bind_inverse_root(module);
  bind_automatic_rates(module);
  bind_optimizer(module);
  bind_sgd(module);
  bind_adam(module);
  module.def("optimizer_classes", &optimizer_classes, "The class of each built-in optimizer.");
}

}  // namespace uwm::python
