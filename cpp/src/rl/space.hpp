#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "uwm/actor_critic.hpp"
#include "work/message.hpp"

// Actions, environments, and rates: what an agent is told of the world that it lives in.

namespace uwm {

/// The numbers that make up one action, or the classes that it is chosen from.
inline Index size_of(const ActionSpace& space) {
  if (const auto* box = std::get_if<BoxActions>(&space)) return box->low.size();
  return std::get<DiscreteActions>(space).n;
}

inline void check_space(const ActionSpace& space) {
  require(size_of(space) >= 1, "there must be at least one action");
  const auto* box = std::get_if<BoxActions>(&space);
  if (box == nullptr) return;
  require(box->low.size() == box->high.size(), "low and high must have as many numbers, got ", box->low.size(), " and ",
          box->high.size());
  require((box->low.array() < box->high.array()).all(), "each number of low must be below that of high");
}

/// Number j of an action that the actor has drawn, as the world takes it.
inline float in_range(const BoxActions& box, Index j, float drawn) {
  const float low = box.low[j], high = box.high[j];
  if (std::isfinite(low) && std::isfinite(high)) drawn = low / 2 + high / 2 + (high / 2 - low / 2) * drawn;
  return std::clamp(drawn, low, high);
}

inline Index checked_environments(Index n) {
  require(n >= 1, "environments must be at least 1, got ", n);
  return n;
}

/// Schedules that count environment steps, for an optimizer that makes one update for n of them.
inline std::vector<Schedule> per_update(std::vector<Schedule> rates, Index n) {
  for (Schedule& rate : rates) {
    if (rate.shape == Schedule::Shape::constant) continue;
    rate.steps = std::max<std::int64_t>(1, (rate.steps + n - 1) / n);
    rate.warm_up = (rate.warm_up + n - 1) / n;
  }
  return rates;
}

}  // namespace uwm
