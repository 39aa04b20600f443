#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
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

/// Who is in Python code that the engine has called, and which thread has begun to end the interpreter.
///
/// An ending interpreter unwinds the other threads, and of one in such code the frames of C++ below, whose objects then
/// give up their references without the GIL. So none may be there by then, see `leave_python`.
struct Callbacks {
  std::atomic<int> under_way = 0;
  std::atomic<std::thread::id> ending = std::thread::id();

  bool end_elsewhere() const {
    const std::thread::id thread = ending;
    return thread != std::thread::id() && thread != std::this_thread::get_id();
  }
};

inline Callbacks& callbacks() {
  static Callbacks of_this_process;
  return of_this_process;
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
  WithGil() : state_(take_gil([] { return PyGILState_Ensure(); })) { ++callbacks().under_way; }
  ~WithGil() {
    --callbacks().under_way;
    PyGILState_Release(state_);
  }
  WithGil(const WithGil&) = delete;
  WithGil& operator=(const WithGil&) = delete;

 private:
  PyGILState_STATE state_;
};

/// Called as Python begins to end, before it unwinds any thread: waits at most two seconds until no other thread is in
/// Python code that the engine has called. From now on none of them gets there.
inline void leave_python() {
  callbacks().ending = std::this_thread::get_id();
  const pybind11::gil_scoped_release others_go_on;
  for (int k = 0; k < 2000 && callbacks().under_way > 0; ++k) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace uwm::python
