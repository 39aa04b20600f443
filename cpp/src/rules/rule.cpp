#include "uwm/rule.hpp"

#include <cmath>
#include <limits>

#include "rules/delta.hpp"
#include "work/memory.hpp"
#include "work/message.hpp"
#include "work/multiply.hpp"

namespace uwm {

template <class T>
void UnitRewards<T>::resize_like(const Sample<T>& sample) {
  layers.resize(sample.layers.size());
  for (std::size_t l = 0; l < layers.size(); ++l)
    layers[l].resize(sample.layers[l].logit.rows(), sample.layers[l].logit.cols());
}

template <class T>
void Gradient<T>::resize_like(const Network<T>& net) {
  layers.resize(net.layers().size());
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const auto& weight = net.layers()[l].weight;
    layers[l].weight.resize(weight.rows(), weight.cols());
    layers[l].bias.resize(weight.rows());
  }
}

namespace {

template <class T>
void check_layers(const Network<T>& net, const Sample<T>& sample) {
  require(sample.layers.size() == net.layers().size(), "sample must have the network's ", net.layers().size(),
          " layers, got ", sample.layers.size());
  require(sample.input.cols() == net.n_inputs(), "sample must have the network's ", net.n_inputs(), " inputs, got ",
          sample.input.cols());
  for (std::size_t l = 0; l < sample.layers.size(); ++l)
    require(sample.layers[l].logit.cols() == net.sizes()[l + 1], "layer ", l, " of the sample must have the network's ",
            net.sizes()[l + 1], " units, got ", sample.layers[l].logit.cols());
}

template <class T>
void check_fit(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward) {
  check_layers(net, sample);
  require(reward.size() == sample.batch(), "reward must have shape (", sample.batch(), ",), got (", reward.size(),
          ",)");
  require(sample.output_kind == net.output().name(), "sample must have the network's ", net.output().name(),
          " output, got ", sample.output_kind);
  require(sample.units == net.units(), "sample must have the network's ", to_string(net.units()), " units, got ",
          to_string(sample.units), " ones");
  require(reward.allFinite(), "reward must be finite, but holds NaN or infinity");
  require(reward.cwiseAbs().maxCoeff() <= std::numeric_limits<T>::max(), "reward must be within the range of ",
          sizeof(T) == 4 ? "float32" : "float64");
}

template <class T>
void check_unit_rewards(const Sample<T>& sample, const UnitRewards<T>& unit_rewards) {
  require(unit_rewards.layers.size() == sample.layers.size(), "unit rewards must hold one array per layer (",
          sample.layers.size(), "), got ", unit_rewards.layers.size());
  for (std::size_t l = 0; l < sample.layers.size(); ++l) {
    const auto& t = unit_rewards.layers[l];
    const auto& e = sample.layers[l].eligibility;
    require(t.rows() == e.rows() && t.cols() == e.cols(), "unit rewards of layer ", l, " must have shape (", e.rows(),
            ", ", e.cols(), "), got (", t.rows(), ", ", t.cols(), ")");
  }
}

}  // namespace

template <class T>
void check_sample(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward) {
  check_fit(net, sample, reward);
  net.check_finite();
}

template <class T>
Gradient<T> Rule::gradient(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward) const {
  Gradient<T> out;
  gradient(net, sample, reward, out);
  return out;
}

// Parameters that are not finite have been refused by the forward pass.
template <class T>
void Rule::gradient(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                    Gradient<T>& out) const {
  check_fit(net, sample, reward);
  unit_rewards(net, sample, reward, out.unit_rewards);
  uwm::gradient(net, sample, out.unit_rewards, out);
  check_gradient(out);
}

template <class T>
void check_gradient(const Gradient<T>& gradient) {
  const auto finite = [](const auto& x) { return std::isfinite(kernels::active<T>().max_abs(x.size(), x.data())); };
  for (std::size_t l = 0; l < gradient.layers.size(); ++l)
    require(finite(gradient.layers[l].weight) && finite(gradient.layers[l].bias), "the gradient of layer ", l,
            " is out of range: reward, inputs or weights are too large for ", sizeof(T) == 4 ? "float32" : "float64");
}

template <class T>
void gradient(const Network<T>& net, const Sample<T>& sample, const UnitRewards<T>& unit_rewards, Gradient<T>& out) {
  check_layers(net, sample);
  check_unit_rewards(sample, unit_rewards);
  out.resize_like(net);
  auto& memory = out.work.memory();
  for (std::size_t l = 0; l < sample.layers.size(); ++l) {
    const auto& h = sample.below(l);
    const T scale = 1 / (static_cast<T>(sample.batch()) * net.layers()[l].temperature);
    const Index batch = sample.batch(), n = unit_rewards.layers[l].cols();
    const T* delta = deltas(sample, l, unit_rewards, memory.delta);
    multiply(sample.work.threads(),
             kernels::Product<T>{.m = n,
                                 .n = h.cols(),
                                 .k = batch,
                                 .all_rows = n,
                                 .a = delta,
                                 .a_row = 1,
                                 .a_column = n,
                                 .b = h.data(),
                                 .b_row = h.cols(),
                                 .b_column = 1,
                                 .c = out.layers[l].weight.data(),
                                 .c_row = h.cols(),
                                 .alpha = scale,
                                 .bias = nullptr,
                                 .scratch = nullptr},
             memory.scratch);
    auto& bias = out.layers[l].bias;
    bias.setZero();
    for (Index s = 0; s < batch; ++s) bias += Eigen::Map<const Vector<T>>(delta + s * n, n);
    bias *= scale;
  }
}

template <class T>
Matrix<T> Rule::input_gradient(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward) const {
  check_fit(net, sample, reward);
  UnitRewards<T> rewards;
  unit_rewards(net, sample, reward, rewards);
  Matrix<T> out;
  uwm::input_gradient(net, sample, rewards, out);
  return out;
}

// An update of the first layer's weight is delta_i x_m / temperature; z_i changes by w_im / temperature with x_m.
template <class T>
void input_gradient(const Network<T>& net, const Sample<T>& sample, UnitRewards<T>& unit_rewards, Matrix<T>& out) {
  check_layers(net, sample);
  check_unit_rewards(sample, unit_rewards);
  const auto& layer = net.layers().front();
  const Index n = net.sizes()[1], n_in = net.n_inputs();
  out.resize(sample.batch(), n_in);
  auto& memory = unit_rewards.work.memory();
  multiply(sample.work.threads(),
           kernels::Product<T>{.m = sample.batch(),
                               .n = n_in,
                               .k = n,
                               .all_rows = sample.batch(),
                               .a = deltas(sample, 0, unit_rewards, memory.delta),
                               .a_row = n,
                               .a_column = 1,
                               .b = layer.weight.data(),
                               .b_row = n_in,
                               .b_column = 1,
                               .c = out.data(),
                               .c_row = n_in,
                               .alpha = 1 / layer.temperature,
                               .bias = nullptr,
                               .scratch = nullptr},
           memory.scratch);
  require(std::isfinite(kernels::active<T>().max_abs(out.size(), out.data())),
          "the gradient of the input is out of range: reward or weights are too large for ",
          sizeof(T) == 4 ? "float32" : "float64");
}

template struct UnitRewards<float>;
template struct UnitRewards<double>;
template struct Gradient<float>;
template struct Gradient<double>;
template void check_sample(const Network<float>&, const Sample<float>&, const Vector<double>&);
template void check_sample(const Network<double>&, const Sample<double>&, const Vector<double>&);
template Gradient<float> Rule::gradient(const Network<float>&, const Sample<float>&, const Vector<double>&) const;
template Gradient<double> Rule::gradient(const Network<double>&, const Sample<double>&, const Vector<double>&) const;
template void Rule::gradient(const Network<float>&, const Sample<float>&, const Vector<double>&,
                             Gradient<float>&) const;
template void Rule::gradient(const Network<double>&, const Sample<double>&, const Vector<double>&,
                             Gradient<double>&) const;
template void gradient(const Network<float>&, const Sample<float>&, const UnitRewards<float>&, Gradient<float>&);
template void gradient(const Network<double>&, const Sample<double>&, const UnitRewards<double>&, Gradient<double>&);

template Matrix<float> Rule::input_gradient(const Network<float>&, const Sample<float>&, const Vector<double>&) const;
template Matrix<double> Rule::input_gradient(const Network<double>&, const Sample<double>&,
                                             const Vector<double>&) const;
template void input_gradient(const Network<float>&, const Sample<float>&, UnitRewards<float>&, Matrix<float>&);
template void input_gradient(const Network<double>&, const Sample<double>&, UnitRewards<double>&, Matrix<double>&);
template void check_gradient(const Gradient<float>&);
template void check_gradient(const Gradient<double>&);

}  // namespace uwm
