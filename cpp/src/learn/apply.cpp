// One update of a network's parameters: made whole, or undone where a number would leave the precision's range.

#include "learn/apply.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "kernels/kernels.hpp"
#include "work/grain.hpp"
#include "work/message.hpp"

namespace uwm {

namespace {

template <class T>
T largest(const auto& x) {
  return kernels::active<T>().max_abs(x.size(), x.data());
}

template <class T>
T largest(const LayerGradient<T>& g) {
  return std::max(largest<T>(g.weight), largest<T>(g.bias));
}

template <class T>
T largest(const Layer<T>& layer) {
  return std::max(largest<T>(layer.weight), largest<T>(layer.bias));
}

/// A number up to this one is far from overflow: a product of two, 1e24 or 1e300, does not overflow either.
template <class T>
constexpr T calm = sizeof(T) == 4 ? T(1e12) : T(1e150);

template <class T>
void copy_parameters(const std::vector<Layer<T>>& from, std::vector<Layer<T>>& to) {
  for (std::size_t l = 0; l < to.size(); ++l) {
    to[l].weight = from[l].weight;
    to[l].bias = from[l].bias;
  }
}

}  // namespace

/// Makes one update of a network by an optimizer, or none.
template <class T>
class ParameterUpdate {
 public:
  ParameterUpdate(Optimizer& optimizer, Network<T>& net, const Gradient<T>& gradient, Threads* threads)
      : optimizer_(optimizer),
        net_(net),
        whole_(gradient),
        layers_(net.layers()),
        gradient_(gradient.layers),
        threads_(threads) {}

  std::string make(Watch watch, const std::function<void()>& meanwhile) {
    bool calm_so_far = true;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const T most = largest<T>(gradient_[l]);
      if (!std::isfinite(most)) return text("the gradient of layer ", l, " must be finite, but holds NaN or infinity");
      calm_so_far = calm_so_far && most <= calm<T> && rate(l) <= static_cast<double>(calm<T>);
    }
    if (optimizer_.whole_network() ||
        !(calm_so_far && (watch == Watch::gradient || first_beyond(calm<T>) == layers_.size())))
      return apply_or_undo(meanwhile);
    meanwhile();
    apply();
    return "";
  }

 private:
  using Moments = Optimizer::Moments<T>;

  double rate(std::size_t l) const { return optimizer_.rate(net_, l); }

  /// The first layer with a parameter or moment beyond the limit. The number of layers if there is none.
  std::size_t first_beyond(T limit) const {
    const auto* moments = std::get_if<Moments>(&optimizer_.state_);
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      bool within = largest<T>(layers_[l]) <= limit;
      if (moments != nullptr)
        for (const auto& moment : *moments) within = within && largest<T>(moment[l]) <= limit;
      if (!within) return l;
    }
    return layers_.size();
  }

  std::string apply_or_undo(const std::function<void()>& meanwhile) {
    const auto layers = layers_;
    const auto state = optimizer_.state_;
    const auto steps = optimizer_.steps_;
    const auto undo = [&] {
      copy_parameters<T>(layers, layers_);
      optimizer_.state_ = state;
      optimizer_.steps_ = steps;
    };
    try {
      apply();
      const std::size_t l = first_beyond(std::numeric_limits<T>::max());
      if (l == layers_.size()) {
        meanwhile();
        return "";
      }
      undo();
      return why_refused(l);
    } catch (...) {
      undo();
      throw;
    }
  }

  std::string why_refused(std::size_t l) const {
    if (optimizer_.whole_network())
      return text("the optimizer's update of layer ", l, " must be finite, but holds NaN or infinity");
    return text("the update of layer ", l, " must stay within ", sizeof(T) == 4 ? "float32" : "float64",
                ", but overflows: the learning rate is ", rate(l), " and the gradient goes up to ",
                largest<T>(gradient_[l]));
  }

  void apply() {
    if (optimizer_.whole_network())
      optimizer_.update_network(net_, whole_);
    else
      apply_to_elements();
    ++optimizer_.steps_;
  }

  void apply_to_elements() {
    if (std::holds_alternative<std::monostate>(optimizer_.state_)) optimizer_.state_ = zeros();
    auto& moments = std::get<Moments>(optimizer_.state_);
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      apply(l, moments, [](auto& layer) -> auto& { return layer.weight; });
      apply(l, moments, [](auto& layer) -> auto& { return layer.bias; });
    }
  }

  template <class Array>
  void apply(std::size_t l, Moments& moments, Array array) {
    const auto& g = array(gradient_[l]);
    split(threads_, g.size(), grain_of(update_cost), [&](Index begin, Index end, int) {
      T* of_piece[Optimizer::max_moments] = {};
      for (std::size_t k = 0; k < moments.size(); ++k) of_piece[k] = array(moments[k][l]).data() + begin;
      optimizer_.update(Optimizer::Update<T>{end - begin, g.data() + begin, of_piece, array(layers_[l]).data() + begin,
                                             rate(l), optimizer_.steps_ + 1});
    });
  }

  Moments zeros() const {
    Moments made(optimizer_.n_moments(), std::vector<LayerGradient<T>>(layers_.size()));
    for (auto& moment : made)
      for (std::size_t l = 0; l < layers_.size(); ++l) {
        moment[l].weight.setZero(layers_[l].weight.rows(), layers_[l].weight.cols());
        moment[l].bias.setZero(layers_[l].bias.size());
      }
    return made;
  }

  Optimizer& optimizer_;
  Network<T>& net_;
  const Gradient<T>& whole_;
  std::vector<Layer<T>>& layers_;
  const std::vector<LayerGradient<T>>& gradient_;
  Threads* threads_;
};

template <class T>
std::string apply_gradient(Optimizer& optimizer, Network<T>& net, const Gradient<T>& gradient, Watch watch,
                           Threads* threads, const std::function<void()>& meanwhile) {
  return ParameterUpdate<T>(optimizer, net, gradient, threads).make(watch, meanwhile);
}

template std::string apply_gradient(Optimizer&, Network<float>&, const Gradient<float>&, Watch, Threads*,
                                    const std::function<void()>&);
template std::string apply_gradient(Optimizer&, Network<double>&, const Gradient<double>&, Watch, Threads*,
                                    const std::function<void()>&);

}  // namespace uwm
