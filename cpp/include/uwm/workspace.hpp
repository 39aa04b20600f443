#pragma once

#include <memory>

#include "uwm/export.hpp"

namespace uwm {

class Threads;

/// The memory and the threads that a computation works with: those of a sample are the forward pass's, those of unit
/// rewards the rule's, those of a gradient what makes it of unit rewards. They say nothing about the result, so a copy
/// starts without them. Memory is kept from call to call: once it has met the largest layer, nothing is allocated.
template <class T = float>
class UWM_EXPORT Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(const Workspace&);
  Workspace& operator=(const Workspace&);

  /// Who shares the work on this batch; null: the caller alone.
  Threads* threads() const { return threads_; }
  void use(Threads* threads) { threads_ = threads; }

  /// What it holds is the library's own matter, and made when it is first asked for.
  struct Memory;
  Memory& memory();

 private:
  std::unique_ptr<Memory> memory_;
  Threads* threads_ = nullptr;
};

}  // namespace uwm
