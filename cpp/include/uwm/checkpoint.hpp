#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <variant>

#include "uwm/array.hpp"
#include "uwm/baseline.hpp"
#include "uwm/export.hpp"
#include "uwm/network.hpp"
#include "uwm/optimizer.hpp"
#include "uwm/train.hpp"

namespace uwm {

/// What a file holds. The network is in the precision that it was saved in.
struct Checkpoint {
  std::variant<Network<float>, Network<double>> net;
  std::unique_ptr<Optimizer> optimizer = nullptr;  ///< null if none was saved
  std::unique_ptr<Baseline> baseline = nullptr;    ///< null if none was saved
  std::optional<Log> log = {};
  Extra extra = {};
};

/// Reads what save() wrote. Training goes on from it bit for bit. Throws std::filesystem::filesystem_error if the file
/// cannot be read, and FileError if it is damaged. Everything that the file says is checked.
UWM_EXPORT Checkpoint load(const std::filesystem::path& path);

/// What a file keeps beside a network.
struct SaveOptions {
  const Optimizer* optimizer = nullptr;
  const Baseline* baseline = nullptr;
  const Log* log = nullptr;
  Extra extra = {};
};

/// Writes a network, its place in the random numbers, and what else a run depends on, as one safetensors file with a
/// checksum. Other tools read it too. The file appears whole or not at all. A file that it replaces keeps its mode.
/// Throws std::filesystem::filesystem_error where the system refuses. Throws ValueError for what could not be loaded
/// again: parameters that are not finite, or an output kind, optimizer or baseline of one's own. The numbers of these
/// may go into extra.
///
///     uwm::save("run.safetensors", net, {.optimizer = &adam, .baseline = &mean, .extra = {{"task", "digits"}}});
template <class T>
UWM_EXPORT void save(const std::filesystem::path& path, const Network<T>& net, const SaveOptions& options = {});

}  // namespace uwm
