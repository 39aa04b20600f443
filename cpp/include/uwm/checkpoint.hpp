#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <variant>

#include "uwm/export.hpp"
#include "uwm/network.hpp"
#include "uwm/optimizer.hpp"

namespace uwm {

/// Writes network, optimizer (may be null) and place in the random numbers as one safetensors file, which other
/// tools read too. The file appears whole or not at all. Throws std::filesystem::filesystem_error where the system
/// refuses, and ValueError for parameters that are not finite and for an output kind or optimizer of one's own.
template <class T>
UWM_EXPORT void save(const std::filesystem::path& path, const Network<T>& net, const Optimizer* optimizer = nullptr);

/// What a file holds; the network in the precision that it was saved in.
struct Checkpoint {
  std::variant<Network<float>, Network<double>> network;
  std::unique_ptr<Optimizer> optimizer;  ///< null if none was saved
};

/// Reads what save() wrote; training goes on from it bit for bit. Throws std::filesystem::filesystem_error if it
/// cannot be read, FileError if it is damaged; nothing that it says is trusted unchecked.
UWM_EXPORT Checkpoint load(const std::filesystem::path& path);

}  // namespace uwm
