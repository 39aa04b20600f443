#pragma once

#include <stdexcept>
#include <string>

#include "uwm/export.hpp"

namespace uwm {

/// Base of every exception that the library throws itself. What the system refuses about a file is a
/// std::filesystem::filesystem_error.
class UWM_EXPORT Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An argument has a wrong shape, range or value; the message says what was expected and what came.
/// The object that the call would have changed is as it was.
class UWM_EXPORT ValueError : public Error {
 public:
  using Error::Error;
};

/// A file is damaged, or not what it should be.
class UWM_EXPORT FileError : public Error {
 public:
  using Error::Error;
};

/// Training met parameters that are no longer finite (a learning rate that is too large, as a rule).
class UWM_EXPORT DivergenceError : public Error {
 public:
  using Error::Error;
};

/// Thrown by a task, rule or baseline to end training: train() returns its log as after the last whole step.
class UWM_EXPORT StopTraining : public Error {
 public:
  StopTraining() : Error("training was stopped") {}
};

}  // namespace uwm
