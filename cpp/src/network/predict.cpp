// Prediction: what the output does most likely, averaged over passes whose draws are the same for every row.

#include <algorithm>
#include <cmath>

#include "network/bernoulli.hpp"
#include "network/forward.hpp"
#include "uwm/network.hpp"
#include "work/message.hpp"

namespace uwm {

namespace {

constexpr Index chunk = 1024;  // rows at a time, which bounds the memory

/// u < sigmoid(z) in one pass is z > log(u / (1 - u)): one threshold per unit, and no exponential per row.
template <class T>
Vector<T> thresholds(std::uint64_t seed, std::uint64_t pass, std::size_t layer, Index n) {
  Vector<T> out(n);
  for (Index j = 0; j < n; ++j) {
    const double u = uniform(random_word({seed, pass}, Stream::predictions, static_cast<std::uint32_t>(layer), 0,
                                         static_cast<std::uint32_t>(j)));
    out[j] = static_cast<T>(std::log(u) - std::log1p(-u));
  }
  return out;
}

/// A batch on its way through the network, layer by layer.
template <class T>
class Pass {
 public:
  Pass(const Network<T>& net, ConstMatrixRef<T> x) : net_(net) {
    resize_like(net, x.rows(), sample_);
    sample_.input = x;
    for (auto& layer : sample_.layers) layer.activation.setZero();
    find_logits(0);
  }

  /// The law of the output when hidden(l, layer) has turned the logits of each hidden layer into activations.
  template <class Hidden>
  const Matrix<T>& output(Hidden hidden) {
    const std::size_t last = sample_.layers.size() - 1;
    for (std::size_t l = 0; l < last; ++l) {
      hidden(l, sample_.layers[l]);
      find_logits(l + 1);
    }
    net_.output().evaluate(sample_.layers[last]);
    return sample_.layers[last].probability;
  }

 private:
  void find_logits(std::size_t l) {
    logits(net_, l, sample_);
    if (sample_.layers[l].logit.allFinite()) return;
    net_.check_finite();
    require(false, "a logit of layer ", l, " is out of range: the inputs or the parameters are too large for ",
            sizeof(T) == 4 ? "float32" : "float64");
  }

  const Network<T>& net_;
  Sample<T> sample_;
};

template <class T>
void add_passes(const Network<T>& net, std::int64_t passes, Pass<T>& pass, Matrix<double>& total) {
  const T silent = net.units() == Units::bipolar ? T(-1) : T(0);
  for (std::int64_t k = 0; k < passes; ++k)
    total += pass.output([&](std::size_t l, LayerSample<T>& layer) {
                   const auto least =
                       thresholds<T>(net.position().seed, static_cast<std::uint64_t>(k), l, layer.logit.cols());
                   const auto fires = layer.logit.array() > least.transpose().replicate(layer.logit.rows(), 1).array();
                   layer.activation = fires.template cast<T>() * (1 - silent) + silent;
                 })
                 .template cast<double>();
}

/// Calls f(first, rows) for one chunk of rows after the other.
template <class T, class F>
void in_chunks(const Network<T>& net, const ConstMatrixRef<T>& x, F f) {
  check_input(net, x);
  net.check_shapes();
  for (Index first = 0; first < x.rows(); first += chunk) f(first, std::min(chunk, x.rows() - first));
}

}  // namespace

template <class T>
Matrix<T> Network<T>::mean_output(ConstMatrixRef<T> x, std::int64_t passes) const {
  require(passes >= 1, "passes must be at least 1, got ", passes);
  require(passes <= std::int64_t{1} << 32, "passes must be at most 2^32, got ", passes);
  if (layers_.size() == 1) passes = 1;  // nothing is drawn below the output
  Matrix<T> mean(x.rows(), n_outputs());
  in_chunks(*this, x, [&](Index first, Index rows) {
    Pass<T> pass(*this, x.middleRows(first, rows));
    Matrix<double> total = Matrix<double>::Zero(rows, n_outputs());
    add_passes(*this, passes, pass, total);
    mean.middleRows(first, rows) = (total / static_cast<double>(passes)).template cast<T>();
  });
  return mean;
}

template <class T>
Matrix<T> Network<T>::mean_field(ConstMatrixRef<T> x) const {
  const bool bipolar = units() == Units::bipolar;
  Matrix<T> mean(x.rows(), n_outputs());
  in_chunks(*this, x, [&](Index first, Index rows) {
    Pass<T> pass(*this, x.middleRows(first, rows));
    mean.middleRows(first, rows) = pass.output([&](std::size_t, LayerSample<T>& layer) {
      evaluate_units(units(), layer);
      if (bipolar)
        layer.activation = 2 * layer.probability.array() - 1;
      else
        layer.activation = layer.probability;
    });
  });
  return mean;
}

template <class T>
Matrix<T> Network<T>::predict(ConstMatrixRef<T> x, std::int64_t passes) const {
  Matrix<T> action = mean_output(x, passes);
  if (output_->independent_units()) {
    action = (action.array() > T(0.5)).template cast<T>();
  } else if (output_->one_hot()) {
    for (Index s = 0; s < action.rows(); ++s) {
      Index most = 0;
      action.row(s).maxCoeff(&most);
      action.row(s).setZero();
      action(s, most) = 1;
    }
  }
  return action;
}

template Matrix<float> Network<float>::mean_output(ConstMatrixRef<float>, std::int64_t) const;
template Matrix<double> Network<double>::mean_output(ConstMatrixRef<double>, std::int64_t) const;
template Matrix<float> Network<float>::mean_field(ConstMatrixRef<float>) const;
template Matrix<double> Network<double>::mean_field(ConstMatrixRef<double>) const;
template Matrix<float> Network<float>::predict(ConstMatrixRef<float>, std::int64_t) const;
template Matrix<double> Network<double>::predict(ConstMatrixRef<double>, std::int64_t) const;

}  // namespace uwm
