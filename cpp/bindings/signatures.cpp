#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "handles.hpp"

// Signatures for inspect.signature and help(), and sentences for calls that no function takes. Both are made from what
// pybind11 records of every function, after all are bound: no function says them twice. A last overload that takes
// anything runs only when the call itself has failed, so that good calls pay nothing. It comes before pybind11's own
// conversions: bound functions take py::object, or handles by reference, and convert by name (arguments.hpp).

namespace uwm::python {

namespace {

struct Parameter {
  std::string name, initial;  ///< the default as Python code; "" for none
  std::string type;           ///< as pybind11 writes it
};

struct Signature {
  std::string name;  ///< as a user would write the call
  std::vector<Parameter> parameters;
  std::size_t positional = 0;  ///< how many may be given by position
};

/// The type that pybind11's text of a signature has for a parameter: "(self: uwm._core.Rule, net: ...) -> ...".
std::string type_in(const std::string& signature, const std::string& parameter) {
  std::size_t begin = signature.find("(" + parameter + ": ");
  if (begin == std::string::npos) begin = signature.find(" " + parameter + ": ");
  if (begin == std::string::npos) return "";
  begin += parameter.size() + 3;
  return signature.substr(begin, signature.find_first_of(",)=", begin) - begin);
}

Signature signature_of(const std::string& name, const py::detail::function_record& record) {
  Signature found{name, {}, record.nargs_pos};
  for (const auto& argument : record.args) {
    const std::string initial = argument.value ? std::string(py::repr(argument.value)) : "";
    found.parameters.push_back({argument.name, initial, type_in(record.signature, argument.name)});
  }
  if (found.parameters.empty() && record.is_method) found.parameters.push_back({"self", "", ""});
  return found;
}

/// In the form that inspect.signature reads.
std::string written(const Signature& signature, std::size_t first = 0) {
  std::string out = "(";
  for (std::size_t i = first; i < signature.parameters.size(); ++i) {
    const auto& p = signature.parameters[i];
    if (i > first) out += ", ";
    if (i == signature.positional) out += "*, ";
    out += p.name + (p.initial.empty() ? "" : "=" + p.initial);
  }
  return out + ")";
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

[[noreturn]] void refuse_keyword(const Signature& signature, const std::string& keyword) {
  py::list names;
  for (const auto& p : signature.parameters)
    if (p.name != "self") names.append(p.name);
  const py::list close = py::module_::import("difflib").attr("get_close_matches")(keyword, names, 1);
  const std::string hint = !close.empty()   ? "; did you mean '" + std::string(py::str(close[0])) + "'?"
                           : !names.empty() ? ": it takes " + py::str(", ").attr("join")(names).cast<std::string>()
                                            : ": it takes none";
  throw py::type_error(signature.name + " has no argument '" + keyword + "'" + hint);
}

/// TypeError unless an argument is of the class of the engine that its parameter asks for.
void check_class(const Parameter& parameter, const py::handle& value) {
  const bool path = PyUnicode_Check(value.ptr()) || PyBytes_Check(value.ptr()) || py::hasattr(value, "__fspath__");
  if (parameter.type.find("PathLike") != std::string::npos && !path)
    throw py::type_error(parameter.name + " must be a str or a path, got " + described(value));
  const std::string prefix = "uwm._core.";
  if (!parameter.type.starts_with(prefix) || (value.is_none() && parameter.initial == "None")) return;
  const std::string name = parameter.type.substr(prefix.size(), parameter.type.find(' ') - prefix.size());
  const py::object cls = py::module_::import("uwm._core").attr(name.c_str());
  if (!py::isinstance(value, cls))
    throw py::type_error(parameter.name + " must be a " + std::string(py::str(cls.attr("__module__"))) + "." + name +
                         ", got " + described(value));
}

/// Says what is wrong with a call.
[[noreturn]] void explain(const Signature& signature, const py::args& args, const py::kwargs& kwargs) {
  const auto& parameters = signature.parameters;
  const bool method = !parameters.empty() && parameters[0].name == "self";
  std::vector<py::object> values(parameters.size());
  if (args.size() > signature.positional) {
    std::vector<std::string> names;
    for (std::size_t i = method ? 1 : 0; i < signature.positional; ++i) names.push_back(parameters[i].name);
    const std::size_t hidden = method ? 1 : 0;
    throw py::type_error(signature.name + " takes " + std::to_string(names.size()) +
                         (names.size() == 1 ? " argument by position" : " arguments by position") +
                         (names.empty() ? "" : " (" + joined(names) + ")") + ", got " +
                         std::to_string(args.size() - hidden) +
                         (names == std::vector<std::string>{"sizes"} ? ": sizes are one list, such as [3, 4, 1]"
                          : signature.positional < parameters.size() ? "; give the others by name"
                                                                     : ""));
  }
  for (std::size_t i = 0; i < args.size(); ++i) values[i] = args[i];
  for (const auto& [key, value] : kwargs) {
    const std::string keyword = py::str(key);
    std::size_t i = method ? 1 : 0;
    while (i < parameters.size() && parameters[i].name != keyword) ++i;
    if (i == parameters.size()) refuse_keyword(signature, keyword);
    if (values[i]) throw py::type_error(signature.name + " got '" + keyword + "' twice");
    values[i] = py::reinterpret_borrow<py::object>(value);
  }
  std::vector<std::string> missing;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (!values[i] && parameters[i].initial.empty()) missing.push_back(parameters[i].name);
  if (!missing.empty()) throw py::type_error(signature.name + " needs " + joined(missing) + " too");
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (values[i]) check_class(parameters[i], values[i]);
  throw py::type_error(signature.name + written(signature, method ? 1 : 0) +
                       " got an argument of a class that it does not take");
}

/// The C function in a function or a method that pybind11 has bound, null for anything else.
PyCFunctionObject* bound_function(const py::handle& object) {
  PyObject* function =
      PyInstanceMethod_Check(object.ptr()) ? PyInstanceMethod_GET_FUNCTION(object.ptr()) : object.ptr();
  if (!PyCFunction_Check(function) || PyCFunction_GET_SELF(function) == nullptr) return nullptr;
  if (py::detail::function_record_ptr_from_PyObject(PyCFunction_GET_SELF(function)) == nullptr) return nullptr;
  return reinterpret_cast<PyCFunctionObject*>(function);
}

char* duplicate(const std::string& text, void* (*allocate)(std::size_t)) {
  auto* copy = static_cast<char*>(allocate(text.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

/// Gives one function its signature and its last overload. `scope` is its module or class.
Signature finish(const py::object& scope, const std::string& name, const py::object& function) {
  auto* c_function = bound_function(function);
  const auto& record = *py::detail::function_record_ptr_from_PyObject(c_function->m_self);
  const bool method = PyType_Check(scope.ptr()), constructor = name == "__init__";
  const std::string of_class = method ? std::string(py::str(scope.attr("__name__"))) : "";
  const std::string shown = constructor ? of_class : method ? of_class + "." + name : name;
  const Signature signature = signature_of(shown, record);
  const std::string doc = record.doc != nullptr ? record.doc : "";
  py::cpp_function last;
  if (constructor)
    last = py::cpp_function(
        [signature](py::detail::value_and_holder&, const py::args& args, const py::kwargs& kwargs) {
          py::tuple all(args.size() + 1);
          all[0] = py::none();
          for (std::size_t i = 0; i < args.size(); ++i) all[i + 1] = args[i];
          explain(signature, py::reinterpret_borrow<py::args>(all), kwargs);
        },
        py::name("__init__"), py::is_method(scope), py::sibling(function), py::detail::is_new_style_constructor());
  else if (method)
    last = py::cpp_function(
        [signature](const py::args& args, const py::kwargs& kwargs) -> py::object { explain(signature, args, kwargs); },
        py::name(name.c_str()), py::is_method(scope), py::sibling(function));
  else
    last = py::cpp_function(
        [signature](const py::args& args, const py::kwargs& kwargs) -> py::object { explain(signature, args, kwargs); },
        py::name(name.c_str()), py::scope(scope), py::sibling(function));
  scope.attr(name.c_str()) = last;
  c_function = bound_function(last);
  std::free(const_cast<char*>(c_function->m_ml->ml_doc));  // as pybind11 itself does
  c_function->m_ml->ml_doc = duplicate(name + written(signature) + "\n--\n\n" + doc, &std::malloc);
  return signature;
}

/// Refuses the constructor's call for a class whose objects only the engine makes.
void forbid_construction(const py::object& cls) {
  const std::string name = py::str(cls.attr("__name__"));
  cls.attr("__init__") = py::cpp_function(
      [name](py::detail::value_and_holder&, const py::args&, const py::kwargs&) {
        throw py::type_error("the library makes every " + name + " itself: " + name + " cannot be called");
      },
      py::name("__init__"), py::is_method(cls), py::detail::is_new_style_constructor(),
      "__init__(self, *args, **kwargs)\n--\n\nRefuses every call.");
}

/// The signature of a class is that of its constructor, in front of the class's own text.
void sign_class(const py::object& cls, const std::string& signature) {
  auto* type = reinterpret_cast<PyTypeObject*>(cls.ptr());
  const std::string doc = type->tp_doc != nullptr ? type->tp_doc : "";
  const std::string text = std::string(py::str(cls.attr("__name__"))) + signature + "\n--\n\n" + doc;
#if PY_VERSION_HEX >= 0x030D0000
  PyMem_Free(const_cast<char*>(type->tp_doc));
  type->tp_doc = duplicate(text, &PyMem_Malloc);
#else
  PyObject_Free(const_cast<char*>(type->tp_doc));
  type->tp_doc = duplicate(text, &PyObject_Malloc);
#endif
}

void finish_class(const py::object& cls) {
  const py::dict members = py::dict(cls.attr("__dict__"));
  if (!members.contains("__init__") || bound_function(members["__init__"]) == nullptr) {
    forbid_construction(cls);
    sign_class(cls, "(*args, **kwargs)");
  }
  for (const auto& [key, value] : members) {
    const std::string name = py::str(key);
    const bool special = name.starts_with("_") && name != "__init__" && name != "__call__";
    if (special || bound_function(value) == nullptr) continue;
    const Signature signature = finish(cls, name, py::reinterpret_borrow<py::object>(value));
    if (name == "__init__") sign_class(cls, written(signature, 1));
  }
}

}  // namespace

void sign_and_explain(py::module_& module) {
  const py::dict members = py::dict(module.attr("__dict__"));
  for (const auto& [key, value] : members) {
    const std::string name = py::str(key);
    const auto object = py::reinterpret_borrow<py::object>(value);
    const bool exception = PyExceptionClass_Check(object.ptr());
    if (PyType_Check(object.ptr()) && !exception)
      finish_class(object);
    else if (bound_function(object) != nullptr && !name.starts_with("_"))
      finish(module, name, object);
  }
}

}  // namespace uwm::python
