#include "arguments.hpp"

#include <pybind11/numpy.h>

#include <cmath>

#include "uwm/error.hpp"

namespace uwm::python {

namespace {

bool is_bool(const py::handle& object) {
  return PyBool_Check(object.ptr()) || std::string(Py_TYPE(object.ptr())->tp_name).starts_with("numpy.bool");
}

bool is_instance(const py::handle& object, const char* of_numbers) {
  return py::isinstance(object, py::module_::import("numbers").attr(of_numbers));
}

/// The number in an array of no dimension; any other object as it is.
py::object unpacked(const py::handle& object) {
  if (py::isinstance<py::array>(object) && object.attr("ndim").cast<int>() == 0) return object.attr("item")();
  return py::reinterpret_borrow<py::object>(object);
}

/// A float of this object, if it is a real number.
std::optional<double> as_real(const py::object& object) {
  const bool real = PyFloat_Check(object.ptr()) || PyLong_Check(object.ptr()) || is_instance(object, "Real") ||
                    py::isinstance(object, py::module_::import("decimal").attr("Decimal"));
  if (!real || is_bool(object)) return std::nullopt;
  const double value = PyFloat_AsDouble(object.ptr());
  if (PyErr_Occurred() == nullptr) return value;
  PyErr_Clear();  // an int beyond the range of double
  return HUGE_VAL;
}

}  // namespace

std::string described(const py::handle& object) {
  if (object.is_none() || is_bool(object) || is_instance(object, "Number")) {
    const std::string value = py::str(object);
    if (value.size() <= 40) return value;
  }
  if (PyType_Check(object.ptr())) return "the class " + std::string(py::str(object.attr("__name__")));
  const std::string name = py::str(py::type::handle_of(object).attr("__name__"));
  const bool vowel = std::string("aeiouAEIO").find(name[0]) != std::string::npos;
  return (vowel ? "an " : "a ") + name;
}

py::int_ whole_object(const py::handle& given, const std::string& name) {
  const py::object object = unpacked(given);
  if (!is_bool(object)) {
    if (PyIndex_Check(object.ptr()) != 0) {
      if (PyObject* number = PyNumber_Index(object.ptr())) return py::reinterpret_steal<py::int_>(number);
      PyErr_Clear();  // an array of several numbers, for instance
    }
    const auto value = as_real(object);
    if (value.has_value() && std::isfinite(*value) && *value == std::floor(*value))
      return py::reinterpret_steal<py::int_>(PyLong_FromDouble(*value));
  }
  throw py::type_error(name + " must be a whole number, got " + described(given));
}

std::int64_t whole_number(const py::handle& object, const std::string& name) {
  const py::int_ number = whole_object(object, name);
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow != 0) throw ValueError(name + " must be between -2^63 and 2^63 - 1, got " + described(number));
  return value;
}

std::optional<std::int64_t> whole_number_or_none(const py::handle& object, const std::string& name) {
  if (object.is_none()) return std::nullopt;
  return whole_number(object, name);
}

std::uint64_t whole_bits(const py::handle& object, const std::string& name, int bits) {
  const py::int_ number = whole_object(object, name);
  const unsigned long long value = PyLong_AsUnsignedLongLong(number.ptr());
  const bool outside = PyErr_Occurred() != nullptr;
  if (outside) PyErr_Clear();
  if (outside || (bits < 64 && value >> bits != 0))
    throw ValueError(name + " must be from 0 to 2^" + std::to_string(bits) + " - 1, got " + described(number));
  return value;
}

double real_number(const py::handle& object, const std::string& name, const std::string& kind) {
  const auto value = as_real(unpacked(object));
  if (!value.has_value()) throw py::type_error(name + " must be " + kind + ", got " + described(object));
  return *value;
}

bool flag(const py::handle& object, const std::string& name) {
  if (!is_bool(object)) throw py::type_error(name + " must be True or False, got " + described(object));
  return PyObject_IsTrue(object.ptr()) == 1;
}

std::string text(const py::handle& object, const std::string& name) {
  if (!PyUnicode_Check(object.ptr())) throw py::type_error(name + " must be a str, got " + described(object));
  return object.cast<std::string>();
}

}  // namespace uwm::python
