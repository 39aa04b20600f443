#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <thread>

// Leaving Python's lock and taking it again, also in a daemon thread while the interpreter ends.

namespace uwm::python {

/// What a thread does that an ending interpreter unwinds, since it gives the GIL to no other thread again. The
/// unwinding goes on as soon as its handler ends, and is an abort where it meets a destructor of C++: this handler
/// never ends.
[[noreturn]] inline void rest_until_the_process_ends() {
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

/// Calls `take`, which takes the GIL, or rests.
template <class F>
auto take_gil(F take) noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  const bool ending = Py_IsFinalizing() != 0;
#else
  const bool ending = _Py_IsFinalizing() != 0;
#endif
  try {
    if (!ending) return take();
  } catch (...) {  // the unwinding: `take` throws nothing
    rest_until_the_process_ends();
  }
  rest_until_the_process_ends();
}

/// Other threads may run Python while it lives.
class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  ~WithoutGil() {
    take_gil([this] { PyEval_RestoreThread(state_); });
  }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* state_;
};

/// The calling thread may use Python while it lives.
class WithGil {
 public:
  WithGil() : state_(take_gil([] { return PyGILState_Ensure(); })) {}
  ~WithGil() { PyGILState_Release(state_); }
  WithGil(const WithGil&) = delete;
  WithGil& operator=(const WithGil&) = delete;

 private:
  PyGILState_STATE state_;
};

}  // namespace uwm::python
