#include "network/bernoulli.hpp"

#include "network/words.hpp"
#include "work/grain.hpp"

namespace uwm {

namespace {

template <class T>
kernels::UnitArrays<T> arrays_from(LayerSample<T>& layer, Index first) {
  return {.activation = layer.activation.data() + first,
          .probability = layer.probability.data() + first,
          .eligibility = layer.eligibility.data() + first,
          .likelihood = layer.likelihood.data() + first,
          .odds = layer.odds.data() + first};
}

}  // namespace

template <class T>
void draw_units(const Position& position, std::uint32_t index, Units units, LayerSample<T>& layer, Threads* threads) {
  const auto& kernel = kernels::active<T>();
  const Index n = layer.logit.cols();
  split(threads, layer.logit.rows(), grain_of(draw_cost * n), [&](Index begin, Index end, int) {
    WordBuffer words;
    const Index most = WordBuffer::samples(n);
    for (Index s = begin; s < end; s += most)
      for (Index unit = 0; unit < n; unit += WordBuffer::size) {
        const Index samples = std::min(most, end - s), width = std::min(WordBuffer::size, n - unit);
        const Index first = s * n + unit;
        kernel.draw(samples * width, layer.logit.data() + first,
                    words.draw(position, Stream::activations, index, s, samples, unit, width), units == Units::bipolar,
                    arrays_from(layer, first));
      }
  });
}

template <class T>
void evaluate_units(Units units, LayerSample<T>& layer) {
  kernels::active<T>().evaluate(layer.logit.size(), layer.logit.data(), units == Units::bipolar, arrays_from(layer, 0));
}

template void draw_units(const Position&, std::uint32_t, Units, LayerSample<float>&, Threads*);
template void draw_units(const Position&, std::uint32_t, Units, LayerSample<double>&, Threads*);
template void evaluate_units(Units, LayerSample<float>&);
template void evaluate_units(Units, LayerSample<double>&);

}  // namespace uwm
