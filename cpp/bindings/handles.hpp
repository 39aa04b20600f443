#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cmath>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "arguments.hpp"
#include "gil.hpp"
#include "handle.hpp"
#include "lease.hpp"
#include "uwm/uwm.hpp"

// What the Python classes hold. A network or a sample is of either precision; rules, tasks and baselines are
// either objects of the engine or, when `engine` is null, written in Python.

namespace uwm::python {

template <template <class> class X>
using Either = std::variant<std::shared_ptr<X<float>>, std::shared_ptr<X<double>>>;

// What can change has a lease: whoever uses it takes that, as lease.hpp says. Samples, rules and tasks never change.

struct NetworkHandle : Handle {
  NetworkHandle(Either<Network> n) : net(std::move(n)) {}  // NOLINT(google-explicit-constructor)
  Either<Network> net;
  std::shared_ptr<Lease> lease = std::make_shared<Lease>("network");
};
struct LayerHandle : Handle {
  LayerHandle(const NetworkHandle& of, std::size_t i) : net(of.net), lease(of.lease), index(i) {}
  Either<Network> net;
  std::shared_ptr<Lease> lease;  ///< the network's own
  std::size_t index;
};
struct SampleHandle : Handle {
  SampleHandle(Either<Sample> s) : sample(std::move(s)) {}  // NOLINT(google-explicit-constructor)
  Either<Sample> sample;
};
/// A layer of a gradient: one of the engine, of which arrays are made when they are asked for, or arrays that came
/// from Python.
struct LayerGradientHandle : Handle {
  struct Arrays {
    py::array weight, bias;
  };
  LayerGradientHandle(py::array w, py::array b) : held(Arrays{std::move(w), std::move(b)}) {}
  LayerGradientHandle(Either<Gradient> of, std::size_t i) : held(std::move(of)), index(i) {}
  std::variant<Arrays, Either<Gradient>> held;
  std::size_t index = 0;  ///< which layer of the engine's gradient
};
/// A uwm.Gradient, the list that adds and scales, with one handle per layer.
template <class T>
py::object gradient_object(const std::shared_ptr<Gradient<T>>& gradient) {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> cls;
  cls.call_once_and_store_result([] { return py::module_::import("uwm.gradient").attr("Gradient"); });
  // Without __init__, whose checks of each layer take longer than the update of a small network.
  auto* type = reinterpret_cast<PyTypeObject*>(cls.get_stored().ptr());
  auto list = py::reinterpret_steal<py::list>(PyList_Type.tp_new(type, py::tuple().ptr(), nullptr));
  if (!list) throw py::error_already_set();
  for (std::size_t l = 0; l < gradient->layers.size(); ++l) list.append(LayerGradientHandle(gradient, l));
  return list;
}
struct RuleHandle : Handle {
  std::shared_ptr<const Rule> engine;
};
struct OptimizerHandle : Handle {
  std::shared_ptr<Optimizer> engine;
  std::shared_ptr<Lease> lease = std::make_shared<Lease>("optimizer");
};
struct TaskHandle : Handle {
  std::shared_ptr<Task> engine;
};
struct BaselineHandle : Handle {
  std::shared_ptr<Baseline> engine;
  std::shared_ptr<Lease> lease = std::make_shared<Lease>("baseline");
};

struct LogHandle : Handle, Log {
  explicit LogHandle(Log log) : Log(std::move(log)) {}
};

/// Calls f with the Network<float> or Network<double>.
template <class F>
decltype(auto) visit(const NetworkHandle& handle, F&& f) {
  return std::visit([&](const auto& net) -> decltype(auto) { return f(*net); }, handle.net);
}

template <class N>
using scalar_of = std::remove_reference_t<decltype(std::declval<N&>().layers()[0].weight(0, 0))>;
template <class N>
using Scalar = std::remove_const_t<scalar_of<N>>;

/// The class by module and name, "uwm.Adam" or "mine.Rule": the engine's own are in the package that shows them.
inline std::string class_name(const py::object& self) {
  const py::object type = py::type::of(self);
  return std::string(py::str(type.attr("__module__"))) + "." + std::string(py::str(type.attr("__qualname__")));
}

/// A constructor call for the class of `H` itself; a subclass, whose constructor may differ, is told by both names.
template <class H>
std::string constructor_form(const py::object& self, const std::string& name, const std::string& arguments) {
  self.cast<const H&>();  // refuses an object whose __init__ has not run
  const std::string call = name + "(" + arguments + ")";
  if (py::type::of(self).is(py::type::of<H>())) return call;
  return "<" + class_name(self) + ", a " + call + ">";
}

inline std::string repr_of(double number) { return py::repr(py::float_(number)); }

inline std::string shape_of(const py::array& array) { return py::str(array.attr("shape")); }

/// Whether an object is a NumPy array whose numbers float64 holds as they are, so that there is nothing to check.
inline bool is_plain_array(const py::object& object) {
  if (Py_TYPE(object.ptr()) != py::detail::npy_api::get().PyArray_Type_) return false;  // a subclass may mean more
  const auto type = py::reinterpret_borrow<py::array>(object).dtype();
  const char kind = type.kind();
  return kind == 'b' || kind == 'f' || ((kind == 'i' || kind == 'u') && type.itemsize() < 8);
}

/// Any array of real numbers; TypeError or ValueError for anything else. What counts as one is told in _arrays.py.
inline py::array real_array(const py::object& object, const char* name) {
  if (is_plain_array(object)) return py::reinterpret_borrow<py::array>(object);
  return py::module_::import("uwm._arrays").attr("real_array")(name, object);
}

/// The items of a NumPy array that lie one after the other as numbers of type U; null for any other object.
template <class U>
const U* items_of(const py::object& object) {
  using Api = py::detail::npy_api;
  if (Py_TYPE(object.ptr()) != Api::get().PyArray_Type_) return nullptr;
  const auto* array = py::detail::array_proxy(object.ptr());
  const auto* type = py::detail::array_descriptor_proxy(array->descr);
  constexpr int number = sizeof(U) == sizeof(float) ? Api::NPY_FLOAT_ : Api::NPY_DOUBLE_;
  constexpr int in_order = Api::NPY_ARRAY_C_CONTIGUOUS_ | Api::NPY_ARRAY_ALIGNED_;
  const bool plain = type->type_num == number && type->byteorder == '=' && (array->flags & in_order) == in_order;
  return plain ? reinterpret_cast<const U*>(array->data) : nullptr;
}

/// Converts n numbers to precision T. ValueError for a finite number that has no place there.
template <class T, class U>
void convert(const U* from, Index n, T* to, const char* name) {
  Eigen::Map<Vector<T>> converted(to, n);
  converted = Eigen::Map<const Vector<U>>(from, n).template cast<T>();
  if (sizeof(T) >= sizeof(U) || converted.allFinite()) return;
  for (Index i = 0; i < n; ++i)
    if (std::isinf(to[i]) && std::isfinite(from[i]))
      throw ValueError(std::string(name) + " must be within the range of float32, got " +
                       std::string(py::str(py::float_(static_cast<double>(from[i])))));
}

/// The numbers of an array in precision T. ValueError for a finite number that has no place there.
template <class T>
py::array_t<T, py::array::c_style | py::array::forcecast> numbers(const py::object& object, const char* name) {
  constexpr auto flags = py::array::c_style | py::array::forcecast;
  const py::array array = real_array(object, name);
  if (sizeof(T) == sizeof(double) || array.dtype().kind() != 'f' || array.itemsize() <= py::ssize_t{sizeof(T)})
    return py::array_t<T, flags>(array);
  const py::array_t<double, flags> wide(array);
  py::array_t<T, flags> narrow(std::vector<py::ssize_t>(wide.shape(), wide.shape() + wide.ndim()));
  convert<T>(wide.data(), wide.size(), narrow.mutable_data(), name);
  return narrow;
}

inline void require_dimensions(const py::array& array, py::ssize_t n, const char* name) {
  if (array.ndim() != n)
    throw ValueError(std::string(name) + " must have " + std::to_string(n) + (n == 1 ? " dimension" : " dimensions") +
                     ", got shape " + shape_of(array));
}

/// Reads an array of as many dimensions as the matrix or vector has, which takes its shape. Its memory is used again.
/// Arrays of float32 and float64 are read where they lie: a small batch costs less than a call to NumPy.
template <class M>
void read_array(const py::object& object, const char* name, M& out) {
  using T = typename M::Scalar;
  const auto read = [&](const py::array& array, const auto* items) {
    constexpr bool is_vector = M::ColsAtCompileTime == 1;
    require_dimensions(array, is_vector ? 1 : 2, name);
    out.resize(array.shape(0), is_vector ? 1 : array.shape(1));
    convert<T>(items, out.size(), out.data(), name);
  };
  if (const auto* wide = items_of<double>(object)) return read(py::reinterpret_borrow<py::array>(object), wide);
  if (const auto* narrow = items_of<float>(object)) return read(py::reinterpret_borrow<py::array>(object), narrow);
  const auto array = numbers<T>(object, name);
  read(array, array.data());
}

template <class T>
Matrix<T> matrix(const py::object& object, const char* name) {
  Matrix<T> m;
  read_array(object, name, m);
  return m;
}

/// A batch of inputs. An array of one dimension is one observation, a batch of one.
template <class T>
struct Observations {
  Matrix<T> rows;
  bool single = false;
};
/// Reads them into `out`, whose memory is used again. True for one observation.
template <class T>
bool read_observations(const py::object& object, Matrix<T>& out) {
  const bool is_array = Py_TYPE(object.ptr()) == py::detail::npy_api::get().PyArray_Type_;
  if (is_array && py::detail::array_proxy(object.ptr())->nd == 2) {
    read_array(object, "x", out);
    return false;
  }
  const py::array array = real_array(object, "x");
  const bool single = array.ndim() == 1;
  read_array(single ? array.attr("reshape")(1, -1) : py::object(array), "x", out);
  return single;
}
template <class T>
Observations<T> observations(const py::object& object) {
  Observations<T> found;
  found.single = read_observations(object, found.rows);
  return found;
}

template <class T>
Vector<T> vector(const py::object& object, const char* name) {
  Vector<T> v;
  read_array(object, name, v);
  return v;
}

/// A NumPy view of a matrix or vector whose memory `owner` keeps alive.
template <class M>
py::array view(const M& m, py::handle owner, bool writable) {
  using T = typename M::Scalar;
  py::array_t<T> array;
  if constexpr (M::ColsAtCompileTime == 1)
    array = py::array_t<T>({m.size()}, {static_cast<py::ssize_t>(sizeof(T))}, m.data(), owner);
  else
    array = py::array_t<T>({m.rows(), m.cols()},
                           {m.cols() * static_cast<py::ssize_t>(sizeof(T)), static_cast<py::ssize_t>(sizeof(T))},
                           m.data(), owner);
  if (!writable) py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
  return array;
}

/// A Python object that keeps a shared pointer.
template <class T>
py::capsule keep(const std::shared_ptr<T>& pointer) {
  return py::capsule(new std::shared_ptr<T>(pointer), [](void* p) { delete static_cast<std::shared_ptr<T>*>(p); });
}

/// Whether the object or its class has a method or attribute of its own in place of the one that `Base` binds.
template <class Base>
bool overrides(const py::object& object, std::initializer_list<const char*> names) {
  const py::object base = py::type::of<Base>();
  const py::object own =
      Py_TYPE(object.ptr())->tp_dictoffset != 0 ? py::getattr(object, "__dict__", py::none()) : py::none();
  for (const char* name : names)
    if ((!own.is_none() && own.contains(name)) || !py::type::of(object).attr(name).is(base.attr(name))) return true;
  return false;
}

/// How many items a sequence has, or what else an object is, for messages.
inline std::string count_of(const py::object& object) {
  return py::isinstance<py::sequence>(object) ? std::to_string(py::len(object)) : described(object);
}

/// A seed, 0 ... 2^64 - 1, and a step, 0 ... max_step - 1.
inline std::uint64_t seed_from(const py::object& seed) { return whole_bits(seed, "seed", 64); }
inline std::uint64_t step_from(const py::object& step, const char* name = "step") { return whole_bits(step, name, 48); }

/// The sample's record in the precision of the network.
template <class T>
const Sample<T>& sample_of(const SampleHandle& handle) {
  const auto* sample = std::get_if<std::shared_ptr<Sample<T>>>(&handle.sample);
  if (sample == nullptr) throw ValueError("sample must be of the network's dtype, got another dtype");
  return **sample;
}

/// Unit rewards that Python code returned: one array (batch, n_l) per layer, the output layer's the reward in every
/// column (to the rounding of float32, in which a rule may work).
template <class T>
void read_unit_rewards(const py::object& returned, const Sample<T>& sample, const Vector<double>& reward,
                       UnitRewards<T>& out) {
  if (!py::isinstance<py::sequence>(returned) || py::len(returned) != sample.layers.size())
    throw ValueError("unit_rewards must return one array per layer, " + std::to_string(sample.layers.size()) +
                     " in all, got " + count_of(returned));
  out.resize_like(sample);
  const auto sequence = py::reinterpret_borrow<py::sequence>(returned);
  for (std::size_t l = 0; l < sample.layers.size(); ++l) {
    const std::string name = "unit_rewards[" + std::to_string(l) + "]";
    const Matrix<T> t = matrix<T>(sequence[l], name.c_str());
    auto& target = out.layers[l];
    if (t.rows() != target.rows() || t.cols() != target.cols())
      throw ValueError(name + " must have shape (" + std::to_string(target.rows()) + ", " +
                       std::to_string(target.cols()) + "), got (" + std::to_string(t.rows()) + ", " +
                       std::to_string(t.cols()) + ")");
    if (!t.allFinite()) throw ValueError(name + " must be finite, but holds NaN or infinity");
    target = t;
  }
  const auto& top = out.layers.back();
  for (Index s = 0; s < top.rows(); ++s)
    for (Index j = 0; j < top.cols(); ++j)
      if (std::abs(static_cast<double>(top(s, j)) - reward[s]) > 1e-5 * std::abs(reward[s]))
        throw ValueError("unit_rewards of the output layer must be the reward in every column, got " +
                         repr_of(static_cast<double>(top(s, j))) + " for a reward of " + repr_of(reward[s]));
}

/// A kind of output by its name, with its settings.
struct OutputChoice {
  std::string name;
  OutputSettings settings;
};
/// What `output=` stands for: a name, or an object of uwm.Output.
OutputChoice output_choice(const py::object& output);
/// The Python object of an output kind.
py::object output_object(const std::string& name, const OutputSettings& settings);

/// The Python object of an optimizer; None for null.
py::object optimizer_object(std::unique_ptr<Optimizer> optimizer);
/// The Python object of a baseline; None for null.
py::object baseline_object(const std::shared_ptr<Baseline>& baseline);
/// The baseline that a Python object stands for: none for None, a constant for a number.
std::shared_ptr<Baseline> baseline_engine(const py::object& baseline);

/// Arrays and texts of one's own, which the Python side has checked, and the Python objects of such.
Extra extra_from(const py::dict& values);
py::dict extra_object(const Extra& extra);
/// What was given for the sizes of layers.
std::vector<Index> sizes_from(const py::object& object);
/// One number or a sequence of them.
std::vector<double> one_or_more(const py::object& object, const char* name);
/// An initial gain: "auto", which is no gain at all, a number, or one per layer.
std::vector<double> gain_from(const py::object& object);
/// Learning rates: "auto", which is no rate at all, a number, a schedule, or a sequence of numbers and schedules.
std::vector<Schedule> rates_from(const py::object& object);
/// The engine's rule, or one that calls the Python object with the Python network. TypeError for no rule, and for one
/// with a method of its own that `who` would not call.
std::shared_ptr<const Rule> rule_from(const py::object& rule, const py::object& net, const char* who = "train");
/// The same of an optimizer.
std::shared_ptr<Optimizer> optimizer_from(const py::object& optimizer, const py::object& net,
                                          const char* who = "train");
/// The handle of a network that `who` trains. TypeError for no network, and for one with a method of its own that
/// `who` would not call.
const NetworkHandle& network_from(const py::object& net, const char* who = "train");

void bind_network(py::module_& module);
void bind_outputs(py::module_& module);
void bind_sample(py::module_& module);
void bind_rules(py::module_& module);
void bind_optimizers(py::module_& module);
void bind_tasks(py::module_& module);
void bind_baselines(py::module_& module);
void bind_train(py::module_& module);
void bind_learner(py::module_& module);
void bind_checkpoint(py::module_& module);
void bind_rl(py::module_& module);
void bind_system(py::module_& module);

/// Gives everything that is bound a signature, and errors in one sentence.
void sign_and_explain(py::module_& module);

}  // namespace uwm::python
