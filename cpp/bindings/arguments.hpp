#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <optional>
#include <string>

// Arguments from Python, checked by name. Numbers come in many classes (int, float, NumPy's scalars, arrays of no
// dimension); they are taken by what they can do, and True and False are no numbers.

namespace uwm::python {

namespace py = pybind11;

/// What came, for the end of a message: "4.5", "True", "None", or "a str" where the value says less than its class.
std::string described(const py::handle& object);

/// A Python int. TypeError for what is no whole number; 1e4 is one, 4.5 is not.
py::int_ whole_object(const py::handle& object, const std::string& name);

/// A whole number of 64 bits with a sign. Also ValueError for those beyond.
std::int64_t whole_number(const py::handle& object, const std::string& name);

/// The same, or nothing for None.
std::optional<std::int64_t> whole_number_or_none(const py::handle& object, const std::string& name);

/// A whole number from 0 up to, not including, 2^bits.
std::uint64_t whole_bits(const py::handle& object, const std::string& name, int bits);

/// A real number. TypeError for anything else, `kind` says what else would have been possible.
double real_number(const py::handle& object, const std::string& name, const std::string& kind = "a number");

/// True or False, NumPy's too; TypeError for anything else.
bool flag(const py::handle& object, const std::string& name);

/// A str; TypeError for anything else.
std::string text(const py::handle& object, const std::string& name);

}  // namespace uwm::python
