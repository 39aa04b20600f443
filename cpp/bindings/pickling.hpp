#pragma once

#include <memory>
#include <new>
#include <string>
#include <utility>

#include "handles.hpp"

// Pickles and copies. An object is what its class holds, written as plain numbers, strings and arrays, and the
// attributes that a Python subclass has added. pickle, copy.copy and copy.deepcopy all ask __reduce__ for the two.

namespace uwm::python {

/// What a Python subclass has added: __dict__, __slots__, or what a __getstate__ of its own returns. None for nothing.
py::object attributes_of(const py::object& self);

/// Gives an object the attributes of another, as copy.copy does.
void copy_attributes(const py::object& from, const py::object& to);

/// Throws ValueError unless `derived` is a class derived from `base`.
void require_class(const py::object& derived, const py::object& base);

/// "damaged" as a ValueError, for an error of any kind while a pickled state is read.
[[noreturn]] void refuse_state(const py::object& cls, const std::string& why);

/// A new object of a class derived from that of H, without a call of its __init__.
template <class H>
py::object instance_of(const py::object& derived, H handle) {
  const py::object base = py::type::of<H>();
  require_class(derived, base);
  py::object made = base.attr("__new__")(derived);
  auto* instance = reinterpret_cast<py::detail::instance*>(made.ptr());
  auto place = instance->get_value_and_holder(py::detail::get_type_info(typeid(H)));
  place.value_ptr() = std::make_unique<H>(std::move(handle)).release();
  place.type->init_instance(instance, nullptr);  // takes ownership
  return made;
}

/// Lets a class pickle and copy: save(H) gives its state as a tuple, load(tuple) makes an H again and may throw
/// anything at a state that save() did not give.
template <class H, class... Options, class Save, class Load>
void picklable(py::class_<H, Options...>& cls, Save save, Load load) {
  cls.def("__reduce__", [save](const py::object& self) {
    return py::make_tuple(py::module_::import("uwm._pickling").attr("rebuild"),
                          py::make_tuple(py::type::of(self), py::tuple(save(self.cast<const H&>()))),
                          attributes_of(self));
  });
  cls.def_static("_rebuild", [load](const py::object& derived, const py::object& state) {
    try {
      return instance_of<H>(derived, load(py::cast<py::tuple>(state)));
    } catch (py::error_already_set& error) {
      if (!error.matches(PyExc_Exception)) throw;
      refuse_state(derived, py::str(error.value()));
    } catch (const std::bad_alloc&) {
      refuse_state(derived, "it asks for more memory than there is");
    } catch (const py::cast_error&) {
      refuse_state(derived, "a value is of the wrong kind");
    } catch (const py::builtin_exception& error) {
      refuse_state(derived, error.what());
    } catch (const ValueError& error) {
      refuse_state(derived, error.what());
    }
  });
}

/// The item of a pickled state, as a C++ value.
template <class T>
T item(const py::tuple& state, std::size_t index, std::size_t size) {
  if (state.size() != size)
    throw ValueError("expected " + std::to_string(size) + " values, got " + std::to_string(state.size()));
  return py::cast<T>(py::object(state[index]));
}

/// An array of its own memory.
template <class M>
py::object copied(const M& m) {
  return view(m, py::none(), false).attr("copy")();
}

}  // namespace uwm::python
