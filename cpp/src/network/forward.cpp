// The forward pass: from inputs to the actions of every layer.

#include "network/forward.hpp"

#include "network/bernoulli.hpp"
#include "work/memory.hpp"
#include "work/message.hpp"
#include "work/multiply.hpp"

namespace uwm {

template <class T>
void check_input(const Network<T>& net, const ConstMatrixRef<T>& x) {
  require(x.rows() >= 1, "x must hold at least one sample, got an empty batch");
  require(x.cols() == net.n_inputs(), "x must have shape (batch, ", net.n_inputs(), "), got (", x.rows(), ", ",
          x.cols(), ")");
  require(x.allFinite(), "x must be finite, but holds NaN or infinity");
}

template <class T>
void logits(const Network<T>& net, std::size_t l, Sample<T>& sample) {
  const auto& layer = net.layers()[l];
  const auto& h = sample.below(l);
  auto& z = sample.layers[l].logit;
  multiply(sample.work.threads(),
           kernels::Product<T>{.m = h.rows(),
                               .n = layer.weight.rows(),
                               .k = layer.weight.cols(),
                               .all_rows = h.rows(),
                               .a = h.data(),
                               .a_row = h.cols(),
                               .a_column = 1,
                               .b = layer.weight.data(),
                               .b_row = 1,
                               .b_column = layer.weight.cols(),
                               .c = z.data(),
                               .c_row = z.cols(),
                               .alpha = 1 / layer.temperature,
                               .bias = layer.bias.data(),
                               .scratch = nullptr},
           sample.work.memory().scratch);
}

template <class T>
void resize_like(const Network<T>& net, Index batch, Sample<T>& sample) {
  sample.input.resize(batch, net.n_inputs());
  sample.layers.resize(net.layers().size());
  sample.units = net.units();
  sample.output_kind = net.output().name();
  for (std::size_t l = 0; l < sample.layers.size(); ++l) {
    const Index n = net.sizes()[l + 1];
    auto& layer = sample.layers[l];
    for (auto* m :
         {&layer.logit, &layer.activation, &layer.probability, &layer.eligibility, &layer.likelihood, &layer.odds})
      m->resize(batch, n);
  }
}

namespace {

/// The forward pass from `sample.input`.
template <class T>
void draw(const Network<T>& net, Sample<T>& sample) {
  const std::size_t last = sample.layers.size() - 1;
  for (std::size_t l = 0; l <= last; ++l) {
    logits(net, l, sample);
    const bool hidden = l < last;
    if (hidden || net.output().independent_units()) {
      draw_units(net.position(), static_cast<std::uint32_t>(l), hidden ? net.units() : Units::binary, sample.layers[l],
                 sample.work.threads());
    } else {
      net.output().draw(net.position(), static_cast<std::uint32_t>(l), sample.layers[l]);
      net.output().evaluate(sample.layers[l]);
    }
  }
}

}  // namespace

template <class T>
std::string why_not_finite(const Network<T>& net, const Sample<T>& sample) {
  const std::string range = sizeof(T) == 4 ? "float32" : "float64";
  for (std::size_t l = 0; l < sample.layers.size(); ++l) {
    if (sample.layers[l].logit.allFinite()) continue;
    try {
      net.check_finite();
    } catch (const ValueError& error) {
      return error.what();
    }
    return text("a logit of layer ", l, " is out of range: the inputs or the parameters are too large for ", range);
  }
  if (net.output().independent_units()) return "";
  const auto& out = sample.layers.back();
  if (!out.activation.allFinite()) return "an action of the output is out of range for " + range;
  if (!out.eligibility.allFinite())
    return "an action of the output is so improbable that its eligibility is out of range for " + range;
  return "";
}

template <class T>
std::string forward_or_restore(Network<T>& net, Sample<T>& sample) {
  draw(net, sample);
  std::string why = why_not_finite(net, sample);
  if (why.empty())
    net.set_step((net.position().step + 1) % max_step);
  else
    sample = {};
  return why;
}

template void resize_like(const Network<float>&, Index, Sample<float>&);
template void resize_like(const Network<double>&, Index, Sample<double>&);
template std::string forward_or_restore(Network<float>&, Sample<float>&);
template std::string forward_or_restore(Network<double>&, Sample<double>&);
template void check_input(const Network<float>&, const ConstMatrixRef<float>&);
template void check_input(const Network<double>&, const ConstMatrixRef<double>&);
template void logits(const Network<float>&, std::size_t, Sample<float>&);
template void logits(const Network<double>&, std::size_t, Sample<double>&);
template std::string why_not_finite(const Network<float>&, const Sample<float>&);
template std::string why_not_finite(const Network<double>&, const Sample<double>&);

}  // namespace uwm
