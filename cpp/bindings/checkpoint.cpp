#include <pybind11/stl/filesystem.h>

#include <cstring>

#include "handles.hpp"

namespace uwm::python {

namespace {

/// Contiguous and of a type that a file can hold: the Python side has seen to it.
Array array_from(const py::array& array) {
  const std::string name = py::str(array.dtype());
  for (int i = 0; i <= static_cast<int>(Dtype::float64); ++i) {
    const auto dtype = static_cast<Dtype>(i);
    if (to_string(dtype) != name) continue;
    std::vector<std::byte> bytes(static_cast<std::size_t>(array.nbytes()));
    if (!bytes.empty()) std::memcpy(bytes.data(), array.data(), bytes.size());
    return {dtype, Array::Shape(array.shape(), array.shape() + array.ndim()), std::move(bytes)};
  }
  throw py::type_error("a file cannot hold an array of " + name);
}

py::array array_object(const Array& array) {
  py::array out(py::dtype(to_string(array.dtype())),
                std::vector<py::ssize_t>(array.shape().begin(), array.shape().end()));
  if (!array.bytes().empty()) std::memcpy(out.mutable_data(), array.bytes().data(), array.bytes().size());
  return out;
}

}  // namespace

Extra extra_from(const py::dict& values) {
  Extra extra;
  for (const auto& [name, value] : values) {
    if (py::isinstance<py::str>(value))
      extra.emplace(name.cast<std::string>(), value.cast<std::string>());
    else
      extra.emplace(name.cast<std::string>(), array_from(py::reinterpret_borrow<py::array>(value)));
  }
  return extra;
}

py::dict extra_object(const Extra& extra) {
  py::dict out;
  for (const auto& [name, value] : extra) {
    if (const auto* words = std::get_if<std::string>(&value))
      out[py::str(name)] = py::str(*words);
    else
      out[py::str(name)] = array_object(std::get<Array>(value));
  }
  return out;
}

namespace {

template <class Held>
const Held* held_or_null(const py::object& object) {
  return object.is_none() ? nullptr : object.cast<const Held*>();
}

void save_checkpoint(const std::filesystem::path& path, const NetworkHandle& net, const py::object& optimizer_or_none,
                     const py::object& baseline, const py::object& log_or_none, const py::dict& extra) {
  const auto* optimizer = held_or_null<OptimizerHandle>(optimizer_or_none);
  const auto* log = held_or_null<LogHandle>(log_or_none);
  const auto* handle = py::isinstance<BaselineHandle>(baseline) ? baseline.cast<const BaselineHandle*>() : nullptr;
  const auto the_baseline = baseline_engine(baseline);
  const SaveOptions options{.optimizer = optimizer != nullptr ? optimizer->engine.get() : nullptr,
                            .baseline = the_baseline.get(),
                            .log = log,
                            .extra = extra_from(extra)};
  const Use using_net = Use::reading(net), using_optimizer = Use::reading(optimizer),
            using_baseline = Use::reading(handle);
  visit(net, [&](const auto& n) {
    const WithoutGil release;
    save(path, n, options);
  });
}

py::tuple load_checkpoint(const std::filesystem::path& path) {
  Checkpoint found = [&] {
    const WithoutGil release;
    return load(path);
  }();
  py::object net = std::visit(
      [](auto& n) {
        using N = std::remove_reference_t<decltype(n)>;
        return py::cast(NetworkHandle{std::make_shared<N>(std::move(n))});
      },
      found.net);
  const py::object baseline = baseline_object(std::move(found.baseline));
  py::object log = py::none();
  if (found.log) log = py::cast(LogHandle(std::move(*found.log)));
  return py::make_tuple(net, optimizer_object(std::move(found.optimizer)), baseline, log, extra_object(found.extra));
}

}  // namespace

void bind_checkpoint(py::module_& module) {
  module.def("save_checkpoint", &save_checkpoint, py::arg("path"), py::arg("net"), py::arg("optimizer"),
             py::arg("baseline"), py::arg("log"), py::arg("extra"), "What uwm.save has checked.");
  module.def("load_checkpoint", &load_checkpoint, py::arg("path"),
             "The parts of a uwm.Checkpoint, in the order of its attributes.");
}

}  // namespace uwm::python
