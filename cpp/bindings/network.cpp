// Network and its layers.

#include <algorithm>
#include <cmath>

#include "handles.hpp"
#include "pickling.hpp"

namespace uwm::python {

namespace {

// What help() shows.

constexpr const char* layer_doc = R"(
The parameters of one layer, z = (W h + b) / temperature: an item of ``Network.layers``.

>>> import uwm
>>> layer = uwm.Network([3, 4, 1]).layers[0]
>>> layer.weight.shape, layer.bias.shape, layer.temperature
((4, 3), (4,), 1.0)
>>> layer.weight[0, 0] = 0.5      # writes into the network
)";

constexpr const char* network_doc = R"(
A layered network of Bernoulli-logistic units: each fires with probability p = sigma(z), z = (W h + b) / temperature.

Logits of hidden units start with deviation 3, whatever the width, and a unit above the first hidden layer starts as a noisy
copy of one below: docs/step-sizes.md says why. Inputs are best of size 1. Every draw is a function of
(seed, step, sample, layer, unit); ``forward`` advances ``step`` by one.

Args:
    sizes: inputs, hidden layers, outputs, such as [20, 64, 32, 1].
    output: "bernoulli" (independent 0 / 1 units), "softmax" (one of n_out classes, one-hot), "gaussian" (means z, standard
        deviation 1), or an object: ``uwm.Bernoulli()``, ``uwm.Softmax()``, ``uwm.Gaussian(sigma)``.
    units: how hidden units encode their action: "binary" 0 / 1 or "bipolar" -1 / +1.
    temperature: one number, or one per layer.
    dtype: "float32" or "float64".
    seed: 0 ... 2^64 - 1, of the initial weights and of every draw.
    initial_gain: "auto"; or a number, or one per layer: weights then start uniform in +-gain sqrt(6 / (fan in + fan out))
        (Glorot and Bengio, 2010), biases at 0.

Raises:
    ValueError: an argument out of its range: fewer than two sizes, a size outside 1 ... 2^30, a softmax of one unit,
        another number of temperatures than layers, a temperature outside 1.2e-38 ... 8.5e37 or a Gaussian's sigma
        outside 1.1e-19 ... 9.2e18 in float32 (2.3e-308 ... 4.5e307 and 1.5e-154 ... 6.7e153 in float64).
    TypeError: an argument of the wrong kind.

>>> import numpy as np, uwm
>>> net = uwm.Network([20, 64, 32, 1], seed=1)
>>> net.layers[0].weight.shape
(64, 20)
>>> net.forward(np.ones((5, 20))).output.shape, net.step
((5, 1), 1)
)";

constexpr const char* forward_doc = R"(
Draws the actions of every unit for a batch of inputs, and advances ``step`` by one.

Args:
    x: (batch, n_in), finite numbers; converted to the network's dtype. One observation, (n_in,), is a batch of one.

Returns:
    Sample; its arrays always have the batch as their first dimension.

Raises:
    ValueError: x has another shape or is empty; x, a parameter or what they make of x (a logit, an action) is NaN,
        infinite or beyond the range of the dtype. The network is then unchanged.
    TypeError: x is no array of real numbers.

>>> import numpy as np, uwm
>>> sample = uwm.Network([3, 4, 2], output="softmax", seed=7).forward(np.zeros((1, 3)))
>>> sample.probabilities[0]
array([[0.5, 0.5, 0.5, 0.5]], dtype=float32)
)";

constexpr const char* predict_doc = R"(
The most likely action of each input, by the mean over several passes of what the output's units would do.

The passes draw the same numbers for every input and every call: the answer for an input depends on the parameters and the
seed alone, and ``step`` stays where it is.

Args:
    x: (batch, n_in), or (n_in,) for one observation: the result then has no batch dimension.
    passes: passes through drawn hidden units, at least 1.

Returns:
    of a softmax output the classes and of a single Bernoulli unit 0 or 1, int64, (batch,); of several Bernoulli units 0 or 1,
    int64, (batch, n_out); of a Gaussian output the mean actions, (batch, n_out), in the network's dtype.

Raises:
    ValueError, TypeError: as ``forward``; passes below 1 or no whole number.

>>> import numpy as np, uwm
>>> net = uwm.Network([3, 8, 4], output="softmax", seed=7)
>>> net.predict(np.zeros((5, 3))).shape, int(net.predict(np.zeros(3))) in range(4)
((5,), True)
)";

constexpr const char* predict_proba_doc = R"(
The probabilities of the output's actions, averaged over several passes, as ``predict`` makes them.

Args:
    x: (batch, n_in), or (n_in,) for one observation: the result then has no batch dimension.
    passes: passes through drawn hidden units, at least 1.

Returns:
    (batch, n_out) in the network's dtype: class probabilities of a softmax output, the probability of a 1 of Bernoulli units.

Raises:
    ValueError: the output is Gaussian, which has a mean (``predict``) and no probabilities.
    ValueError, TypeError: as ``predict``.

>>> import numpy as np, uwm
>>> net = uwm.Network([3, 8, 4], output="softmax", seed=7)
>>> net.predict_proba(np.zeros((5, 3)), passes=100).sum(axis=1).round(5)
array([1., 1., 1., 1., 1.], dtype=float32)
)";

constexpr const char* mean_field_doc = R"(
One pass in which nothing is drawn: every hidden unit hands on its mean, p or 2p - 1, in the place of an action.

It costs one pass, and is exact without hidden layers; else it is not the mean over the actions, which ``predict_proba`` and
``predict`` estimate.

Args:
    x: (batch, n_in), or (n_in,) for one observation: the result then has no batch dimension.

Returns:
    (batch, n_out) in the network's dtype: class probabilities, probabilities of a 1, or means of a Gaussian output.

Raises:
    ValueError, TypeError: as ``forward``.

>>> import numpy as np, uwm
>>> uwm.Network([3, 8, 4], output="softmax", seed=7).mean_field(np.zeros((5, 3))).shape
(5, 4)
)";

constexpr const char* clamp_doc = R"(
The sample that has the given activations; nothing is drawn. What exact enumeration is made of.

Args:
    x: (batch, n_in).
    activations: one array (batch, n_l) per layer: 0 / 1 or -1 / +1 for hidden units, 0 / 1, one-hot or any finite numbers for
        the output, as its kind asks.

Returns:
    Sample.

Raises:
    ValueError: a shape is wrong, an activation is none that the unit can take, or x, a parameter or what they make of x
        (a logit, an eligibility) is NaN, infinite or beyond the range of the dtype.
    TypeError: x or activations are no arrays of real numbers.

>>> import numpy as np, uwm
>>> net = uwm.Network([2, 3, 1])
>>> net.clamp(np.ones((1, 2)), [np.array([[1, 0, 1]]), np.array([[1]])]).output
array([[1.]], dtype=float32)
)";

constexpr const char* copy_doc = R"(
A network of its own with the same parameters, seed and step; of a subclass, with its attributes.

>>> import uwm
>>> net = uwm.Network([2, 1])
>>> net.copy().sizes
(2, 1)
)";

constexpr const char* astype_doc = R"(
A copy in another precision, "float32" or "float64".

Raises:
    ValueError: a parameter, a temperature or the output's sigma is out of the range of that precision, or dtype is another one.

>>> import uwm
>>> uwm.Network([2, 1]).astype("float64").dtype
dtype('float64')
)";

constexpr const char* reset_doc = R"(
Starts over, in place: initial weights of this seed (by default the network's own), biases 0, step 0. Views of the parameters
that were taken before stay valid and show the new ones.

>>> import uwm
>>> net = uwm.Network([2, 1], seed=1)
>>> net.reset(seed=2)
>>> net.seed, net.step
(2, 0)
)";

constexpr const char* weight_doc =
    "W, (n_out, n_in): a writable view of the network's own memory. Setting it copies an array of that shape, and "
    "raises "
    "ValueError for another shape, NaN or infinity.";

}  // namespace

std::vector<double> one_or_more(const py::object& object, const char* name) {
  if (py::isinstance<py::bool_>(object)) real_number(object, name);  // refuses it
  const auto array = numbers<double>(object, name);
  if (array.ndim() > 1)
    throw ValueError(std::string(name) + " must be one number or one per layer, got shape " + shape_of(array));
  return {array.data(), array.data() + array.size()};
}

namespace {

template <class T>
Either<Network> make(const std::vector<Index>& sizes, const OutputChoice& output, NetworkOptions options) {
  return std::make_shared<Network<T>>(sizes, make_output<T>(output.name, output.settings), std::move(options));
}

bool is_double(const py::object& dtype) {
  std::string name;
  try {
    name = py::str(py::dtype::from_args(dtype).attr("name"));
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_Exception)) throw;
    throw py::type_error("dtype must be 'float32' or 'float64', got " + described(dtype));
  }
  if (name != "float32" && name != "float64")
    throw ValueError("dtype must be 'float32' or 'float64', got '" + name + "'");
  return name == "float64";
}

}  // namespace

std::vector<Index> sizes_from(const py::object& object) {
  if (!py::cast<bool>(py::module_::import("uwm.checks").attr("is_sequence")(object)))
    throw py::type_error("sizes must be a sequence of whole numbers, such as [3, 4, 1], got " + described(object));
  std::vector<Index> sizes;
  for (const auto& item : object) {
    const py::int_ number = whole_object(item, "every number in sizes");
    int overflow = 0;
    const long long n = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
    if (overflow != 0)
      throw ValueError("every number in sizes must be between 1 and 2^30, got " + std::string(py::str(number)));
    sizes.push_back(static_cast<Index>(n));
  }
  return sizes;
}

std::vector<double> gain_from(const py::object& object) {
  if (py::isinstance<py::str>(object)) {
    if (py::cast<std::string>(object) == "auto") return {};
    throw ValueError("initial_gain must be 'auto', a number, or one per layer, got " + described(object));
  }
  const auto gain = one_or_more(object, "initial_gain");
  if (gain.empty()) throw ValueError("initial_gain must be 'auto', a number, or one per layer, got none");
  return gain;
}

namespace {

NetworkHandle construct(const py::object& sizes, const py::object& output, const py::object& units,
                        const py::object& temperature, const py::object& dtype, const py::object& seed,
                        const py::object& initial_gain) {
  const OutputChoice choice = output_choice(output);
  NetworkOptions options{units_from_string(text(units, "units")), one_or_more(temperature, "temperature"),
                         seed_from(seed), gain_from(initial_gain)};
  return {is_double(dtype) ? make<double>(sizes_from(sizes), choice, std::move(options))
                           : make<float>(sizes_from(sizes), choice, std::move(options))};
}

py::object output_of(const NetworkHandle& self) {
  return visit(self, [](const auto& net) { return output_object(net.output().name(), net.output().settings()); });
}

py::object initial_gain(const NetworkHandle& self) {
  const auto gain = visit(self, [](const auto& net) { return net.initial_gain(); });
  if (gain.empty()) return py::str("auto");
  return gain.size() == 1 ? py::object(py::float_(gain.front())) : py::cast(gain);
}

py::tuple temperatures(const NetworkHandle& self) {
  return visit(self, [](const auto& net) {
    py::tuple t(net.layers().size());
    for (std::size_t l = 0; l < net.layers().size(); ++l) t[l] = static_cast<double>(net.layers()[l].temperature);
    return t;
  });
}

void set_temperatures(const NetworkHandle& self, const py::object& value) {
  auto given = one_or_more(value, "temperature");
  const Use use = Use::changing(self);
  visit(self, [&](auto& net) {
    const std::size_t n = net.layers().size();
    if (given.size() != 1 && given.size() != n)
      throw ValueError("temperature must be one number or one per layer (" + std::to_string(n) + "), got " +
                       std::to_string(given.size()));
    given.resize(n, given.front());
    std::vector<Scalar<decltype(net)>> before;
    for (const auto& layer : net.layers()) before.push_back(layer.temperature);
    try {
      for (std::size_t l = 0; l < n; ++l) net.set_temperature(l, given[l]);
    } catch (...) {
      for (std::size_t l = 0; l < n; ++l) net.layers()[l].temperature = before[l];
      throw;
    }
  });
}

/// Copies an array into parameters of the same shape.
template <class M>
void read(M& target, const py::object& value, const char* name) {
  using T = typename M::Scalar;
  const auto array = numbers<T>(value, name);
  const bool fits = M::ColsAtCompileTime == 1
                        ? array.ndim() == 1 && array.shape(0) == target.size()
                        : array.ndim() == 2 && array.shape(0) == target.rows() && array.shape(1) == target.cols();
  if (!fits)
    throw ValueError(std::string(name) + " must have shape (" + std::to_string(target.rows()) +
                     (M::ColsAtCompileTime == 1 ? "," : ", " + std::to_string(target.cols())) + "), got " +
                     shape_of(array));
  std::copy(array.data(), array.data() + array.size(), target.data());
}

/// The same for arrays of finite numbers.
template <class M>
void assign(M& target, const py::object& value, const char* name) {
  const auto array = numbers<typename M::Scalar>(value, name);
  for (py::ssize_t i = 0; i < array.size(); ++i)
    if (!std::isfinite(array.data()[i]))
      throw ValueError(std::string(name) + " must be finite, but holds NaN or infinity");
  read(target, array, name);
}

template <class F>
decltype(auto) visit_layer(const LayerHandle& handle, F f) {
  return std::visit([&](const auto& net) { return f(net->layers()[handle.index], net); }, handle.net);
}

/// What predict(net, x) of the network makes of a batch, or of one observation without the dimension of the batch.
template <class F>
py::array predicted(const NetworkHandle& self, const py::object& x, F predict) {
  return std::visit(
      [&](const auto& net) -> py::array {
        using T = Scalar<decltype(*net)>;
        const Observations<T> input = observations<T>(x);
        Matrix<T> made;
        {
          const Use use = Use::reading(self);
          const WithoutGil release;
          made = predict(*net, input.rows);
        }
        const py::array result = copied(made);
        return input.single ? py::array(result[py::int_(0)]) : result;
      },
      self.net);
}

py::array predict_proba(const NetworkHandle& self, const py::object& x, const py::object& passes) {
  const std::int64_t n = whole_number(passes, "passes");
  const std::string kind = visit(self, [](const auto& net) { return net.output().name(); });
  if (kind == "gaussian")
    throw ValueError("output must be softmax or bernoulli to have probabilities, got gaussian; see predict");
  return predicted(self, x, [n](const auto& net, const auto& rows) { return net.mean_output(rows, n); });
}

/// Classes, or zeros and ones, as int64; means stay real numbers.
py::object predict(const NetworkHandle& self, const py::object& x, const py::object& passes) {
  const std::int64_t n = whole_number(passes, "passes");
  const py::array action = predicted(self, x, [n](const auto& net, const auto& rows) { return net.predict(rows, n); });
  return visit(self, [&](const auto& net) -> py::object {
    if (net.output().one_hot()) return action.attr("argmax")(-1);
    if (!net.output().independent_units()) return action;
    const py::object whole = action.attr("astype")("int64");
    return net.n_outputs() == 1 ? whole.attr("take")(0, py::arg("axis") = -1) : whole;
  });
}

py::array mean_field(const NetworkHandle& self, const py::object& x) {
  return predicted(self, x, [](const auto& net, const auto& rows) { return net.mean_field(rows); });
}

SampleHandle forward(const NetworkHandle& self, const py::object& x) {
  return std::visit(
      [&](const auto& net) -> SampleHandle {
        using T = Scalar<decltype(*net)>;
        const Matrix<T> input = observations<T>(x).rows;
        auto sample = std::make_shared<Sample<T>>();
        const Use use = Use::changing(self);
        const WithoutGil release;
        net->forward(input, *sample);
        return {std::move(sample)};
      },
      self.net);
}

SampleHandle clamp(const NetworkHandle& self, const py::object& x, const py::object& activations) {
  return std::visit(
      [&](const auto& net) -> SampleHandle {
        using T = Scalar<decltype(*net)>;
        const Matrix<T> input = matrix<T>(x, "x");
        if (!py::isinstance<py::sequence>(activations))
          throw py::type_error("activations must be a list with one array per layer, got " + described(activations));
        std::vector<Matrix<T>> h;
        for (const auto& item : activations) {
          const std::string name = "activations[" + std::to_string(h.size()) + "]";
          h.push_back(matrix<T>(py::reinterpret_borrow<py::object>(item), name.c_str()));
        }
        const Use use = Use::reading(self);
        const WithoutGil release;
        return {std::make_shared<Sample<T>>(net->clamp(input, h))};
      },
      self.net);
}

template <class U>
NetworkHandle cast(const NetworkHandle& self) {
  const Use use = Use::reading(self);
  return visit(self,
               [](const auto& net) -> NetworkHandle { return {std::make_shared<Network<U>>(net.template cast<U>())}; });
}

py::str dtype_name(const NetworkHandle& self) { return self.net.index() == 0 ? "float32" : "float64"; }

/// The output in the constructor's call: its name, or its class if it has other settings than its name stands for.
template <class T>
std::string written(const Output<T>& output) {
  if (output.settings() == output_info(output.name()).settings) return "'" + output.name() + "'";
  return py::repr(output_object(output.name(), output.settings()));
}

/// The constructor's call, without the settings that no one has set.
std::string representation(const py::object& self) {
  const auto& handle = self.cast<const NetworkHandle&>();
  return visit(handle, [&](const auto& net) {
    std::string settings;
    const auto& layers = net.layers();
    const auto as_first = [&](const auto& layer) { return layer.temperature == layers[0].temperature; };
    if (!std::all_of(layers.begin(), layers.end(), as_first))
      settings += ", temperature=" + std::string(py::repr(temperatures(handle)));
    else if (layers[0].temperature != 1)
      settings += ", temperature=" + repr_of(static_cast<double>(layers[0].temperature));
    return constructor_form<NetworkHandle>(
        self, "uwm.Network",
        std::string(py::repr(py::cast(net.sizes()))) + ", output=" + written(net.output()) + ", units='" +
            to_string(net.units()) + "'" + settings + ", dtype='" + std::string(dtype_name(handle)) +
            "', seed=" + std::to_string(net.position().seed));
  });
}

py::tuple state(const NetworkHandle& self) {
  const Use use = Use::reading(self);
  return visit(self, [&](auto& net) {
    py::list parameters;
    for (const auto& layer : net.layers()) parameters.append(py::make_tuple(copied(layer.weight), copied(layer.bias)));
    return py::make_tuple(py::cast(net.sizes()), net.output().name(), to_string(net.units()), temperatures(self),
                          net.output().settings(), dtype_name(self), net.position().seed, net.position().step,
                          parameters, initial_gain(self));
  });
}

NetworkHandle from_state(const py::tuple& t) {
  constexpr std::size_t n = 10;
  const auto sizes = sizes_from(item<py::object>(t, 0, n));
  const auto parameters = item<py::list>(t, 8, n);
  if (sizes.size() < 2 || parameters.size() != sizes.size() - 1) throw ValueError("sizes and parameters differ");
  for (std::size_t l = 0; l < parameters.size(); ++l) {  // before memory is taken for sizes that may be anything
    const auto pair = py::cast<py::tuple>(py::object(parameters[l]));
    const auto weight = real_array(item<py::object>(pair, 0, 2), "weight");
    if (weight.ndim() != 2 || weight.shape(0) != sizes[l + 1] || weight.shape(1) != sizes[l])
      throw ValueError("weight must have shape (" + std::to_string(sizes[l + 1]) + ", " + std::to_string(sizes[l]) +
                       "), got " + shape_of(weight));
  }
  const auto output = output_object(item<std::string>(t, 1, n), item<OutputSettings>(t, 4, n));
  NetworkHandle self = construct(t[0], output, t[2], t[3], t[5], t[6], t[9]);
  visit(self, [&](auto& net) {
    net.set_step(step_from(t[7]));
    for (std::size_t l = 0; l < net.layers().size(); ++l) {
      const auto pair = py::cast<py::tuple>(py::object(parameters[l]));
      read(net.layers()[l].weight, pair[0], "weight");
      read(net.layers()[l].bias, pair[1], "bias");
    }
  });
  return self;
}

/// A network of the same class and with the same attributes.
template <class U>
py::object in_class_of(const py::object& self) {
  const py::object made = instance_of(py::type::of(self), cast<U>(self.cast<const NetworkHandle&>()));
  copy_attributes(self, made);
  return made;
}

py::object copy(const py::object& self) {
  return self.cast<const NetworkHandle&>().net.index() == 0 ? in_class_of<float>(self) : in_class_of<double>(self);
}

py::object astype(const py::object& self, const py::object& dtype) {
  return is_double(dtype) ? in_class_of<double>(self) : in_class_of<float>(self);
}

void reset(const NetworkHandle& self, const py::object& seed) {
  const Use use = Use::changing(self);
  visit(self, [&](auto& net) { net.reset(seed.is_none() ? net.position().seed : seed_from(seed)); });
}

/// Reads and writes a matrix or vector of a layer: get(layer) gives it.
template <class F>
void bind_parameter(py::class_<LayerHandle>& cls, const char* name, F get, const char* doc) {
  cls.def_property(
      name,
      [get](const LayerHandle& self) {
        const Use use = Use::reading(self);
        return visit_layer(self, [&](auto& layer, const auto& net) { return view(get(layer), keep(net), true); });
      },
      [get, name](const LayerHandle& self, const py::object& value) {
        const Use use = Use::changing(self);
        visit_layer(self, [&](auto& layer, const auto&) { assign(get(layer), value, name); });
      },
      doc);
}

void set_temperature(const LayerHandle& self, const py::object& value) {
  const double temperature = real_number(value, "temperature");
  const Use use = Use::changing(self);
  std::visit([&](const auto& net) { net->set_temperature(self.index, temperature); }, self.net);
}

double temperature_of(const LayerHandle& self) {
  return visit_layer(self, [](auto& layer, const auto&) { return static_cast<double>(layer.temperature); });
}

std::string layer_representation(const LayerHandle& self) {
  return visit_layer(self, [](auto& layer, const auto&) {
    return "<uwm.Layer of " + std::to_string(layer.weight.rows()) + " units, " + std::to_string(layer.weight.cols()) +
           " inputs>";
  });
}

LayerHandle layer_from_state(const py::tuple& state) {
  const auto net = item<NetworkHandle>(state, 0, 2);
  const auto index = item<std::size_t>(state, 1, 2);
  const std::size_t layers = visit(net, [](const auto& n) { return n.layers().size(); });
  if (index >= layers)
    throw ValueError("index must be below the number of layers, " + std::to_string(layers) + ", got " +
                     std::to_string(index));
  return LayerHandle(net, index);
}

std::vector<LayerHandle> layers_of(const NetworkHandle& self) {
  std::vector<LayerHandle> layers;
  const std::size_t n = visit(self, [](const auto& net) { return net.layers().size(); });
  for (std::size_t l = 0; l < n; ++l) layers.emplace_back(self, l);
  return layers;
}

std::uint64_t step_of(const NetworkHandle& self) {
  const Use use = Use::reading(self);
  return visit(self, [](const auto& net) { return net.position().step; });
}

void set_step(const NetworkHandle& self, const py::object& step) {
  const Use use = Use::changing(self);
  visit(self, [&](auto& net) { net.set_step(step_from(step)); });
}

void bind_layer(py::module_& module) {
  py::class_<LayerHandle> cls(module, "Layer", layer_doc);
  bind_parameter(cls, "weight", [](auto& layer) -> auto& { return layer.weight; }, weight_doc);
  bind_parameter(
      cls, "bias", [](auto& layer) -> auto& { return layer.bias; },
      "b, (n_out,): a writable view of the network's own memory; set like ``weight``.");
  cls.def_property(
         "temperature", &temperature_of, &set_temperature,
         "What logits are divided by. Setting it raises ValueError unless it is a positive number of the dtype.")
      .def("__repr__", &layer_representation);
  picklable(
      cls, [](const LayerHandle& self) { return py::make_tuple(NetworkHandle(self.net), self.index); },
      &layer_from_state);
}

/// A property that get(net) tells.
template <class F>
auto of_network(F get) {
  return [get](const NetworkHandle& self) { return visit(self, get); };
}

void bind_properties(py::class_<NetworkHandle>& cls) {
  cls.def_property_readonly("sizes", of_network([](const auto& net) { return py::tuple(py::cast(net.sizes())); }),
                            "Inputs, hidden layers, outputs.")
      .def_property_readonly("output", &output_of,
                             "Kind of the output layer, a ``uwm.Output``; equal to its name: ``net.output == "
                             "\"softmax\"``.")
      .def_property_readonly("units", of_network([](const auto& net) { return to_string(net.units()); }),
                             "Encoding of the hidden units.")
      .def_property_readonly("initial_gain", &initial_gain,
                             "As it was given: \"auto\", a number, or a list with one per layer.")
      .def_property("temperature", &temperatures, &set_temperatures,
                    "One temperature per layer. It may be set to one number for all, or one per layer.")
      .def_property_readonly(
          "dtype", [](const NetworkHandle& self) { return py::dtype(std::string(dtype_name(self))); },
          "NumPy dtype of the parameters.")
      .def_property_readonly("seed", of_network([](const auto& net) { return net.position().seed; }),
                             "Seed of the initial weights and of every draw.")
      .def_property(
          "step", &step_of, &set_step,
          "Place in the random numbers: the step that the next forward pass draws; may be set, 0 ... 2^48 - 1.")
      .def_property_readonly("layers", &layers_of, "One ``Layer`` per layer of units, first hidden layer to output.");
}

}  // namespace

void bind_network(py::module_& module) {
  module.attr("MAX_INITIAL_GAIN") = max_initial_gain;
  bind_layer(module);
  py::class_<NetworkHandle> cls(module, "Network", network_doc);
  cls.def(py::init(&construct), py::arg("sizes"), py::kw_only(), py::arg("output") = "bernoulli",
          py::arg("units") = "binary", py::arg("temperature") = 1.0, py::arg("dtype") = "float32",
          py::arg("seed") = py::int_(0), py::arg("initial_gain") = "auto");
  bind_properties(cls);
  cls.def("forward", &forward, py::arg("x"), forward_doc)
      .def("clamp", &clamp, py::arg("x"), py::arg("activations"), clamp_doc)
      .def("predict", &predict, py::arg("x"), py::kw_only(), py::arg("passes") = 32, predict_doc)
      .def("predict_proba", &predict_proba, py::arg("x"), py::kw_only(), py::arg("passes") = 32, predict_proba_doc)
      .def("mean_field", &mean_field, py::arg("x"), mean_field_doc)
      .def("copy", &copy, copy_doc)
      .def("astype", &astype, py::arg("dtype"), astype_doc)
      .def("reset", &reset, py::arg("seed") = py::none(), reset_doc)
      .def("__repr__", &representation);
  picklable(cls, &state, &from_state);
}

}  // namespace uwm::python
