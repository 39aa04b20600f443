// The workspace of a computation, which is made empty, copied empty, and filled by use.

#include "uwm/workspace.hpp"

#include "work/memory.hpp"

namespace uwm {

template <class T>
Workspace<T>::Workspace() = default;
template <class T>
Workspace<T>::~Workspace() = default;
template <class T>
Workspace<T>::Workspace(const Workspace&) {}
template <class T>
Workspace<T>& Workspace<T>::operator=(const Workspace&) {
  return *this;
}

template <class T>
typename Workspace<T>::Memory& Workspace<T>::memory() {
  if (memory_ == nullptr) memory_ = std::make_unique<Memory>();
  return *memory_;
}

template class Workspace<float>;
template class Workspace<double>;

}  // namespace uwm
