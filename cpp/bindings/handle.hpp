#pragma once

#include <pybind11/pybind11.h>

#include <concepts>
#include <string>

// What every Python class of this module holds, and the one door through which such an object reaches C++.

namespace uwm::python {

namespace py = pybind11;

/// Base of what the Python classes hold. It comes first among the bases, so that a pointer to any of them is one to it.
struct Handle {
  virtual ~Handle() = default;
};

inline std::string type_name(const py::handle& object) { return py::str(py::type::handle_of(object).attr("__name__")); }

/// TypeError for an object of this class (or of a subclass) whose __init__ has not run: pybind11 would hand out memory
/// that nothing was ever written to.
inline void require_initialized(const py::handle& object, const py::detail::type_info& type) {
  if (PyType_IsSubtype(Py_TYPE(object.ptr()), type.type) == 0) return;
  py::detail::values_and_holders parts(object.ptr());
  for (const auto& part : parts)
    if (!part.holder_constructed() && !parts.is_redundant_value_and_holder(part))
      throw py::type_error("this " + type_name(object) +
                           " has not been initialized: its __init__ must call super().__init__() first");
}

}  // namespace uwm::python

namespace pybind11::detail {

/// Lets initialized objects in, and those only that are what their class says: `__class__` can be assigned to.
template <std::derived_from<uwm::python::Handle> T>
class type_caster<T> : public type_caster_base<T> {
 public:
  bool load(handle object, bool convert) {
    if (this->typeinfo != nullptr) uwm::python::require_initialized(object, *this->typeinfo);
    if (!type_caster_base<T>::load(object, convert)) return false;
    const auto* held = static_cast<uwm::python::Handle*>(this->value);
    if (held != nullptr && dynamic_cast<const T*>(held) == nullptr)
      throw type_error("this object was made as another class than " + uwm::python::type_name(object));
    return true;
  }
};

}  // namespace pybind11::detail
