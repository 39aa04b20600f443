// What the writer and the reader of checkpoints share.

#include "files/checkpoint_format.hpp"

#include <array>
#include <cmath>

#include "work/message.hpp"

namespace uwm {

std::string layer_name(std::size_t l) { return text("layers.", l, "."); }

std::string moment_name(std::size_t m, std::size_t l) { return text("optimizer.moments.", m, ".layers.", l, "."); }

Array::Shape weight_shape(const std::vector<Index>& sizes, std::size_t l) {
  return {static_cast<std::uint64_t>(sizes[l + 1]), static_cast<std::uint64_t>(sizes[l])};
}

Array::Shape bias_shape(const std::vector<Index>& sizes, std::size_t l) {
  return {static_cast<std::uint64_t>(sizes[l + 1])};
}

template <class T>
void check_state(const Optimizer& optimizer) {
  constexpr std::array ordinals = {"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"};
  static_assert(ordinals.size() == Optimizer::max_moments);
  const auto* moments = std::get_if<Optimizer::Moments<T>>(&optimizer.state());
  const std::int64_t steps = optimizer.steps();
  require(static_cast<std::uint64_t>(steps) < max_step, "the optimizer's updates must be below 2^48, got ", steps);
  require((moments != nullptr) == (steps > 0), "an optimizer has moments after its first update and not before, but ",
          steps, " updates come ", moments != nullptr ? "with" : "without", " them");
  if (moments == nullptr) return;
  for (std::size_t m = 0; m < moments->size(); ++m) {
    for (std::size_t l = 0; l < (*moments)[m].size(); ++l) {
      const LayerGradient<T>& moment = (*moments)[m][l];
      require(moment.weight.allFinite() && moment.bias.allFinite(),
              "the optimizer's moments must be finite, but those of layer ", l, " hold NaN or infinity");
      require(!optimizer.is_square(m) || ((moment.weight.array() >= 0).all() && (moment.bias.array() >= 0).all()),
              "the ", ordinals[m], " moments of ", optimizer.name(), " must not be negative, but one of layer ", l,
              " is");
    }
  }
}

void check_log(const Log& log) {
  for (const double reward : log.rewards)
    require(std::isfinite(reward), "rewards of a log must be finite, got ", reward);
  require(std::isfinite(log.mean_reward), "the mean reward of a log must be finite, got ", log.mean_reward);
  require(!std::isinf(log.final_reward), "the final reward of a log must not be infinite");
  require(std::isfinite(log.seconds) && log.seconds >= 0, "the seconds of a log must not be negative, got ",
          log.seconds);
  require(log.steps >= 0 && log.record_every >= 0 && log.batch_size >= 0,
          "steps, record_every and batch_size of a log must not be negative, got ", log.steps, ", ", log.record_every,
          " and ", log.batch_size);
}

template void check_state<float>(const Optimizer&);
template void check_state<double>(const Optimizer&);

}  // namespace uwm
