// The multiplexer task: an address of k bits names the data bit that the output unit must give.

#include <algorithm>

#include "network/words.hpp"
#include "uwm/tasks.hpp"
#include "work/message.hpp"

namespace uwm {

Multiplexer::Multiplexer(int address_bits) : address_bits_(address_bits) {
  require(address_bits >= 1 && address_bits <= 16, "address_bits must be between 1 and 16, got ", address_bits);
}

template <class T>
void Multiplexer::inputs(const Position& position, Matrix<T>& x) const {
  WordBuffer words;
  const Index n = x.cols(), most = WordBuffer::samples(n);
  for (Index s = 0; s < x.rows(); s += most)
    for (Index first = 0; first < n; first += WordBuffer::size) {
      const Index samples = std::min(most, x.rows() - s), width = std::min(WordBuffer::size, n - first);
      const std::uint32_t* w = words.draw(position, Stream::task_inputs, 0, s, samples, first, width);
      std::transform(w, w + samples * width, x.data() + s * n + first,
                     [](std::uint32_t word) { return word >> 31 ? T(-1) : T(1); });
    }
}

template <class T>
void Multiplexer::reward(const Position&, const Sample<T>& sample, Vector<double>& reward) const {
  const auto& x = sample.input;
  for (Index s = 0; s < x.rows(); ++s) {
    Index address = 0;
    for (Index k = 0; k < address_bits_; ++k) address = 2 * address + (x(s, k) > 0 ? 1 : 0);
    const bool bit = x(s, address_bits_ + address) > 0, answer = sample.output()(s, 0) > 0;
    reward[s] = bit == answer ? 1 : -1;
  }
}

template void Multiplexer::inputs(const Position&, Matrix<float>&) const;
template void Multiplexer::inputs(const Position&, Matrix<double>&) const;
template void Multiplexer::reward(const Position&, const Sample<float>&, Vector<double>&) const;
template void Multiplexer::reward(const Position&, const Sample<double>&, Vector<double>&) const;

}  // namespace uwm
