#include <exception>
#include <new>
#include <stdexcept>

#include "handles.hpp"

namespace {

/// The types of a module belong to one interpreter, and pybind11 waits for ever for the GIL of the main one when
/// another loads it (before Python 3.12, which knows what a module supports).
bool in_main_interpreter() { return PyInterpreterState_Get() == PyInterpreterState_Main(); }

/// Without the GIL nothing guards the objects of the engine from two threads at once. A free-threaded Python switches
/// it on for this module, unless it was told never to.
bool gil_is_forbidden() {
  const auto flag = pybind11::module_::import("sys").attr("flags");
  return pybind11::getattr(flag, "gil", pybind11::none()).equal(pybind11::int_(0));
}

/// What the C++ library says of a lack of memory names its own parts.
void explain_lack_of_memory(std::exception_ptr thrown) {
  constexpr auto text = "not enough memory: the sizes, the batch or the arrays are too large";
  try {
    std::rethrow_exception(std::move(thrown));
  } catch (const std::bad_alloc&) {
    PyErr_SetString(PyExc_MemoryError, text);
  } catch (const std::length_error&) {
    PyErr_SetString(PyExc_MemoryError, text);
  }
}

}  // namespace

PYBIND11_MODULE(_core_of_main_interpreter, module) {
  using namespace uwm::python;
  if (gil_is_forbidden()) throw py::import_error("uwm needs the GIL: run Python without PYTHON_GIL=0 and -X gil=0");
  module.doc() = "The engine of uwm; its public names are in the package uwm.";
  py::options options;
  options.disable_function_signatures();  // sign_and_explain writes them
  pybind11::register_exception_translator(&explain_lack_of_memory);
  bind_system(module);
  bind_outputs(module);
  bind_sample(module);
  bind_network(module);
  bind_rules(module);
  bind_optimizers(module);
  bind_tasks(module);
  bind_baselines(module);
  bind_train(module);
  bind_learner(module);
  bind_checkpoint(module);
  bind_rl(module);
  sign_and_explain(module);
  py::module_::import("atexit").attr("register")(py::cpp_function(&leave_python));
}

/// What Python calls first when it imports uwm._core.
PYBIND11_PLUGIN_IMPL(_core) {
  if (in_main_interpreter()) return PyInit__core_of_main_interpreter();
  PyErr_SetString(PyExc_ImportError, "uwm runs in the main interpreter only, not in a subinterpreter");
  return nullptr;
}
