// Feedback alignment: T_i = c_i q_i sum_j b_ji delta_j, with delta_j = T_j (h_j - p_j). It is straight-through with
// fixed random numbers in the place of the weights,
//
//     b_ji = +-sqrt(2 / (n_l + n_{l+1})),
//
// the standard deviation of Glorot's initial w_ji. The sign is a bit of a word of Philox, a function of layer, j and i
// alone: every call makes it again, and there is nothing to store.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "network/words.hpp"
#include "rules/about.hpp"
#include "rules/backward_pass.hpp"

namespace uwm {

namespace {

constexpr Index bits = 32;

constexpr auto masks = [] {
  std::array<std::uint32_t, bits> of_bit{};
  for (std::size_t i = 0; i < of_bit.size(); ++i) of_bit[i] = std::uint32_t{1} << i;
  return of_bit;
}();

/// -size where a bit of the word is set, else size. The count is fixed, and so the loop becomes vector instructions.
template <class T>
void signed_by(std::uint32_t word, T size, T* out) {
  for (std::size_t i = 0; i < masks.size(); ++i) out[i] = (word & masks[i]) != 0 ? -size : size;
}

/// The rows begin ... end of b (n_{l+1}, n_l), for the layer l+1 above. Bit i % 32 of the word i / 32 of row j says
/// whether b_ji is negative.
template <class T>
void feedback_rows(std::size_t upper, Index begin, Index end, Index n_lower, T size, T* b) {
  WordBuffer buffer;
  const Index words = (n_lower + bits - 1) / bits;
  for (Index first = 0; first < words; first += WordBuffer::size) {
    const Index n = std::min(words - first, WordBuffer::size), at_once = WordBuffer::samples(n);
    for (Index row = begin; row < end; row += at_once) {
      const Index rows = std::min(at_once, end - row);
      const std::uint32_t* word =
          buffer.draw({}, Stream::feedback, static_cast<std::uint32_t>(upper), row, rows, first, n);
      for (Index j = row; j < row + rows; ++j)
        for (Index w = first; w < first + n; ++w, ++word) {
          T* const out = b + j * n_lower + w * bits;
          if (const Index left = n_lower - w * bits; left >= bits) {
            signed_by(*word, size, out);
          } else {
            T last[bits];
            signed_by(*word, size, last);
            std::copy_n(last, left, out);
          }
        }
    }
  }
}

/// b of the layer l+1 above, in working memory.
template <class T>
const T* feedback(const Network<T>& net, const Sample<T>& sample, std::size_t upper, UnitRewards<T>& out) {
  const auto& weight = net.layers()[upper].weight;
  const T size = static_cast<T>(std::sqrt(2.0 / static_cast<double>(weight.rows() + weight.cols())));
  auto& b = out.work.memory().feedback;
  grow(b, weight.size());
  split(sample.work.threads(), weight.rows(), grain_of(weight.cols()),
        [&](Index begin, Index end, int) { feedback_rows(upper, begin, end, weight.cols(), size, b.data()); });
  return b.data();
}

}  // namespace

RuleClass FeedbackAlignment::about() {
  return {
      .name = "FeedbackAlignment",
      .documentation = R"(
Feedback alignment (Lillicrap, Cownden, Tweed and Akerman, 2016): straight-through with fixed random numbers b_ji in the place of
the weights, T_i = c_i q_i sum_j b_ji T_j (h_j - p_j), twice that for bipolar units. b_ji is the standard deviation of Glorot's
initial w_ji, with a random sign that layer, j and i determine. Biased: the weights have to align with it first.
)",
      .rules = {about_rule<FeedbackAlignment>(
          {.unbiased = false, .description = "straight-through, with fixed random signs in place of the weights"})}};
}

template <class T>
void FeedbackAlignment::compute(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                                UnitRewards<T>& out) const {
  reward_output(sample, reward, out);
  for (std::size_t l = sample.layers.size() - 1; l-- > 0;)
    pass_straight_through(net, sample, l, feedback(net, sample, l + 1, out), out);
}

UWM_INSTANTIATE_RULE(FeedbackAlignment)

}  // namespace uwm
