#include "pickling.hpp"

namespace uwm::python {

py::object attributes_of(const py::object& self) {
  if (py::hasattr(self, "__getstate__"))
    return self.attr("__getstate__")();  // every object has one from Python 3.11 on
  const py::object dict = py::getattr(self, "__dict__", py::none());
  py::dict slots;
  for (const auto& name : py::module_::import("copyreg").attr("_slotnames")(py::type::of(self)))
    if (py::hasattr(self, name)) slots[name] = self.attr(py::str(name));
  if (slots.empty()) return dict;
  return py::make_tuple(dict, slots);
}

void copy_attributes(const py::object& from, const py::object& to) {
  const py::object attributes = attributes_of(from);
  if (attributes.is_none()) return;
  py::module_::import("uwm._pickling").attr("set_attributes")(to, attributes);
}

void require_class(const py::object& derived, const py::object& base) {
  if (!PyType_Check(derived.ptr()) || PyObject_IsSubclass(derived.ptr(), base.ptr()) != 1)
    throw ValueError("a pickle must name a class derived from " + std::string(py::str(base.attr("__name__"))));
}

void refuse_state(const py::object& cls, const std::string& why) {
  const py::object name = py::getattr(cls, "__name__", py::str("object"));
  throw ValueError("the pickled state of a " + std::string(py::str(name)) + " is damaged: " + why);
}

}  // namespace uwm::python
