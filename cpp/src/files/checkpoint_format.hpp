#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "uwm/array.hpp"
#include "uwm/optimizers.hpp"
#include "uwm/train.hpp"

// What the writer and the reader of checkpoints agree on: versions, names and shapes of tensors, and the checks that
// both make, so that nothing is saved that could not be loaded.

namespace uwm {

/// Files of version 1 have no checksum, baseline, log or extra.
inline constexpr const char* format_version = "2";
inline constexpr const char* first_version = "1";

/// Stands in the file where numbers follow from the network.
inline constexpr const char* automatic = "auto";

template <class T>
inline constexpr const char* dtype_name = sizeof(T) == 4 ? "float32" : "float64";

template <class List, class F>
std::string join(const List& list, const char* separator, F write) {
  std::string out;
  for (const auto& item : list) {
    if (!out.empty()) out += separator;
    out += write(item);
  }
  return out;
}

/// How the names of tensors begin: of a layer, of a layer's moment, of a log's rewards, of the user's own arrays.
inline constexpr const char* rewards_name = "log.rewards";
inline constexpr std::string_view extra_prefix = "extra.";
std::string layer_name(std::size_t l);
std::string moment_name(std::size_t m, std::size_t l);

Array::Shape weight_shape(const std::vector<Index>& sizes, std::size_t l);
Array::Shape bias_shape(const std::vector<Index>& sizes, std::size_t l);

/// The names of what a registry lists, quoted: 'sgd' or 'adam'.
template <class Info>
std::string quoted_names(const std::vector<Info>& infos, const char* conjunction) {
  return join(infos, conjunction, [](const Info& info) { return "'" + info.name + "'"; });
}

/// Throws ValueError if no run of the optimizer leads to such updates and moments.
template <class T>
void check_state(const Optimizer& optimizer);

/// Throws ValueError if no run leads to such a log.
void check_log(const Log& log);

}  // namespace uwm
