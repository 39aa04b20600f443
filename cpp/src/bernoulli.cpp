#include "bernoulli.hpp"

#include "grain.hpp"

namespace uwm {

namespace {

template <class T>
kernels::Units<T> row(LayerSample<T>& layer, Index s) {
  return {.activation = layer.activation.row(s).data(),
          .probability = layer.probability.row(s).data(),
          .eligibility = layer.eligibility.row(s).data(),
          .likelihood = layer.likelihood.row(s).data(),
          .odds = layer.odds.row(s).data()};
}

/// Units whose words are drawn at a time; a multiple of the block that the generator fills.
constexpr Index chunk = 4 * kernels::words_block;

}  // namespace

template <class T>
void draw_units(const Position& position, std::uint32_t index, Units units, LayerSample<T>& layer, Threads* threads) {
  const auto& kernel = kernels::active<T>();
  const auto stream = static_cast<std::uint32_t>(Stream::activations);
  constexpr Index cost = 16;  // of drawing a unit, in multiply-adds
  split(threads, layer.logit.rows(), grain_of(cost * layer.logit.cols()), [&](Index begin, Index end, int) {
    std::uint32_t words[chunk];
    for (Index s = begin; s < end; ++s) {
      auto out = row(layer, s);
      for (Index first = 0; first < layer.logit.cols(); first += chunk) {
        const Index n = std::min(chunk, layer.logit.cols() - first);
        kernels::level().words(position.seed, position.step, stream, index, static_cast<std::uint32_t>(s), first, n,
                               words);
        kernel.draw(n, layer.logit.row(s).data() + first, words, units == Units::bipolar,
                    {out.activation + first, out.probability + first, out.eligibility + first, out.likelihood + first,
                     out.odds + first});
      }
    }
  });
}

template <class T>
void evaluate_units(Units units, LayerSample<T>& layer) {
  for (Index s = 0; s < layer.logit.rows(); ++s)
    kernels::active<T>().evaluate(layer.logit.cols(), layer.logit.row(s).data(), units == Units::bipolar,
                                  row(layer, s));
}

template void draw_units(const Position&, std::uint32_t, Units, LayerSample<float>&, Threads*);
template void draw_units(const Position&, std::uint32_t, Units, LayerSample<double>&, Threads*);
template void evaluate_units(Units, LayerSample<float>&);
template void evaluate_units(Units, LayerSample<double>&);

}  // namespace uwm
