#pragma once

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// Who uses an object of the engine. Work without the GIL lets other threads run Python, and they may hold the same
// object: they are refused by name.

namespace uwm::python {

/// The threads that use one object now: any number that read it, or one that changes it. The GIL guards this record.
/// A thread never refuses itself, so that Python code called back by training may use the network that is trained.
class Lease {
 public:
  /// noun: what the message calls the object, such as "network".
  explicit Lease(std::string noun) : noun_(std::move(noun)) {}

  void take(bool alone) {
    const auto me = std::this_thread::get_id();
    for (const User& user : users_)
      if (user.thread != me && (alone || user.alone))
        throw std::runtime_error("the " + noun_ + " is in use by another thread");
    users_.push_back({me, alone});
  }

  void give_back(bool alone) {
    const User mine = {std::this_thread::get_id(), alone};
    users_.erase(std::find(users_.begin(), users_.end(), mine));
  }

 private:
  struct User {
    std::thread::id thread;
    bool alone;
    bool operator==(const User&) const = default;
  };
  std::string noun_;
  std::vector<User> users_;
};

/// Holds a lease while it lives. It is made and destroyed with the GIL: declare it before what releases the GIL.
///
///     const Use use = Use::changing(net);      // or Use::reading(net)
///     const WithoutGil release;
class Use {
 public:
  /// No other thread may use the object meanwhile. Throws std::runtime_error, in Python RuntimeError, if one does.
  template <class H>
  static Use changing(const H& handle) {
    return {handle.lease, true};
  }

  /// Other threads may read the object meanwhile, but not change it. Throws as `changing` does.
  template <class H>
  static Use reading(const H& handle) {
    return {handle.lease, false};
  }

  /// The same for an object that may be missing.
  template <class H>
  static Use changing(const H* handle) {
    return handle != nullptr ? changing(*handle) : Use(nullptr, true);
  }
  template <class H>
  static Use reading(const H* handle) {
    return handle != nullptr ? reading(*handle) : Use(nullptr, false);
  }

  ~Use() {
    if (lease_ != nullptr) lease_->give_back(alone_);
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

 private:
  Use(std::shared_ptr<Lease> lease, bool alone) : lease_(std::move(lease)), alone_(alone) {
    if (lease_ != nullptr) lease_->take(alone_);
  }

  std::shared_ptr<Lease> lease_;
  bool alone_;
};

}  // namespace uwm::python
