#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "uwm/export.hpp"
#include "uwm/matrix.hpp"

namespace uwm {

/// Threads that share the work on one batch. No result depends on how many there are. In a child made by fork there are
/// none, and the caller does all the work.
///
///     uwm::Threads threads(4);
///     threads.split(batch, 16, [&](uwm::Index begin, uwm::Index end, int worker) { ... });
class UWM_EXPORT Threads {
 public:
  /// n: threads in all, the caller included; 0 stands for one per processor that the process may use. Throws
  /// ValueError if n is negative, and std::system_error if the system refuses that many.
  explicit Threads(int n = 0);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  int size() const;

  /// Calls f(begin, end, worker) on at most size() pieces that make up 0 ... n, each of at least `grain`, beginning at
  /// a multiple of it, and returns when all are done. f must not throw.
  template <class F>
  void split(Index n, Index grain, F&& f) {
    run(
        n, grain,
        [](void* context, Index begin, Index end, int worker) {
          (*static_cast<std::remove_reference_t<F>*>(context))(begin, end, worker);
        },
        &f);
  }

 private:
  using Piece = void (*)(void* context, Index begin, Index end, int worker);
  void run(Index n, Index grain, Piece piece, void* context);

  class Crew;
  std::unique_ptr<Crew> crew_;
};

/// The same with threads that may be null: the caller then does all the work.
template <class F>
void split(Threads* threads, Index n, Index grain, F&& f) {
  if (threads == nullptr || n < 2 * grain)
    f(Index{0}, n, 0);
  else
    threads->split(n, grain, std::forward<F>(f));
}

}  // namespace uwm
