#include "handles.hpp"

namespace uwm::python {

namespace {

/// The engine's rule, or TypeError for a subclass that does not define unit_rewards.
const Rule& engine(const RuleHandle& self) {
  if (self.engine == nullptr)
    throw py::type_error("a subclass of uwm.Rule must define unit_rewards(self, net, sample, reward)");
  return *self.engine;
}

py::list unit_rewards(const RuleHandle& self, const NetworkHandle& net, const SampleHandle& sample,
                      const py::object& reward) {
  const Rule& rule = engine(self);
  return visit(net, [&](const auto& n) {
    using T = Scalar<decltype(n)>;
    const auto& s = sample_of<T>(sample);
    const Vector<double> r = vector<double>(reward, "reward");
    auto rewards = std::make_shared<UnitRewards<T>>();
    {
      const Use use = Use::reading(net);
      const WithoutGil release;
      check_sample(n, s, r);
      rule.unit_rewards(n, s, r, *rewards);
    }
    py::list list;
    for (const auto& t : rewards->layers) list.append(view(t, keep(rewards), true));
    return list;
  });
}

std::vector<LayerGradientHandle> gradient_of(const py::object& self, const NetworkHandle& net,
                                             const SampleHandle& sample, const py::object& reward) {
  self.cast<const RuleHandle&>();
  return visit(net, [&](const auto& n) {
    using T = Scalar<decltype(n)>;
    const auto& s = sample_of<T>(sample);
    const auto r = std::make_shared<Vector<double>>(vector<double>(reward, "reward"));
    check_sample(n, s, *r);
    UnitRewards<T> rewards;
    read_unit_rewards(self.attr("unit_rewards")(net, sample, view(*r, keep(r), true)), s, rewards);
    auto g = std::make_shared<Gradient<T>>();
    const Use use = Use::reading(net);
    gradient(n, s, rewards, *g);
    check_gradient(*g);
    std::vector<LayerGradientHandle> layers;
    for (const auto& layer : g->layers)
      layers.emplace_back(view(layer.weight, keep(g), true), view(layer.bias, keep(g), true));
    return layers;
  });
}

/// Each built-in rule is a Python class of its own.
template <int tag>
struct Builtin : RuleHandle {};

template <int tag>
Builtin<tag> built_in(std::shared_ptr<const Rule> rule) {
  Builtin<tag> handle;
  handle.engine = std::move(rule);
  return handle;
}

}  // namespace

void bind_rules(py::module_& module) {
  py::class_<LayerGradientHandle>(module, "LayerGradient", R"(
A direction of ascent for one layer: what ``Rule.gradient`` returns a list of and ``Optimizer.step`` takes.

>>> import numpy as np, uwm
>>> uwm.LayerGradient(np.zeros((4, 3)), np.zeros(4)).weight.shape
(4, 3)
)")
      .def(py::init([](const py::object& weight, const py::object& bias) {
             return LayerGradientHandle(real_array(weight, "weight"), real_array(bias, "bias"));
           }),
           py::arg("weight"), py::arg("bias"))
      .def_readonly("weight", &LayerGradientHandle::weight, "(n_out, n_in)")
      .def_readonly("bias", &LayerGradientHandle::bias, "(n_out,)")
      .def("__repr__", [](const LayerGradientHandle& self) {
        return "<uwm.LayerGradient of shape " + shape_of(self.weight) + ">";
      });

  py::class_<RuleHandle>(module, "Rule", R"(
A learning rule: the way in which it hands the reward down, one reward T_i per unit.

Every rule's update is the batch mean of T_i (h_i - p_i) h_m / temperature. A rule of your own is a subclass that defines
``unit_rewards`` (an ``__init__`` of its own calls ``super().__init__()``); ``train``, ``gradient`` and ``uwm.analysis`` take it like a built-in one.

>>> import numpy as np, uwm
>>> class Halved(uwm.Rule):
...     name = "halved"
...     def unit_rewards(self, net, sample, reward):
...         return [np.outer(reward, np.full(h.shape[1], 0.5)) for h in sample.activations]
>>> net = uwm.Network([2, 3, 1])
>>> sample = net.forward(np.ones((4, 2)))
>>> Halved().gradient(net, sample, np.ones(4))[0].weight.shape
(3, 2)
)")
      .def(py::init<>())
      .def_property_readonly(
          "name",
          [](const py::object& self) {
            const auto& handle = self.cast<const RuleHandle&>();
            return handle.engine ? handle.engine->name() : type_name(self);
          },
          "Its name on the command line and in results; of a subclass, by default, the name of the class.")
      .def("unit_rewards", &unit_rewards, py::arg("net"), py::arg("sample"), py::arg("reward"), R"(
One reward per unit and sample.

Args:
    net: the network that drew the sample.
    sample: from ``net.forward`` or ``net.clamp``.
    reward: (batch,), a baseline already subtracted.

Returns:
    list of arrays (batch, n_l) in the network's dtype, first hidden layer to output; the output layer's is the reward in
    every column.

Raises:
    ValueError: shapes do not fit, the sample is of a network of another dtype, or a number is NaN or infinite.
    TypeError: reward is no array of real numbers.

>>> import numpy as np, uwm
>>> net = uwm.Network([2, 3, 1])
>>> sample = net.forward(np.ones((4, 2)))
>>> [t.shape for t in uwm.UnbiasedWeightMax().unit_rewards(net, sample, np.ones(4))]
[(4, 3), (4, 1)]
)")
      .def("gradient", &gradient_of, py::arg("net"), py::arg("sample"), py::arg("reward"), R"(
The rule's update: the batch mean of T_i (h_i - p_i) h_m / temperature, in the direction of ascent.

Args, raises: as ``unit_rewards``.

Returns:
    list of LayerGradient in the network's dtype, first hidden layer to output.

>>> import numpy as np, uwm
>>> net = uwm.Network([2, 3, 1])
>>> g = uwm.Reinforce().gradient(net, net.forward(np.ones((4, 2))), np.ones(4))
>>> g[0].weight.shape, g[0].bias.shape
((3, 2), (3,))
)")
      .def("__repr__", [](const py::object& self) {
        self.cast<const RuleHandle&>();
        return "<uwm." + type_name(self) + ">";
      });

  py::class_<Builtin<0>, RuleHandle>(module, "Reinforce", R"(
REINFORCE (Williams, 1992): T_i = R for every unit. Unbiased; its variance grows with the number of units.

>>> import uwm
>>> uwm.Reinforce().name
'reinforce'
)")
      .def(py::init([] { return built_in<0>(std::make_shared<Reinforce>()); }));
  py::class_<Builtin<1>, RuleHandle>(module, "StraightThrough", R"(
Straight-through backpropagation (Bengio, Leonard and Courville, 2013): T_i = c_i q_i sum_j w_ji T_j (h_j - p_j), twice that for
bipolar units. Biased: right to first order in the weights only.

>>> import uwm
>>> uwm.StraightThrough().name
'ste'
)")
      .def(py::init([] { return built_in<1>(std::make_shared<StraightThrough>()); }));
  py::class_<Builtin<2>, RuleHandle>(module, "WeightMax", R"(
Weight Maximization (Chung, arXiv 2010.09770): a hidden unit is paid the growth of its outgoing weights,
T_i = h_i sum_j |w_ji|^(norm-1) sgn(w_ji) T_j (h_j - p_j), with h_i as it is encoded, 0 / 1 or -1 / +1. Biased: right to first
order in the weights for norm 2, and not even that for others.

Args:
    norm: p >= 1 of the p-norm of the outgoing weights.

Raises:
    ValueError: norm below 1 or not finite.

>>> import uwm
>>> uwm.WeightMax(norm=2).name
'weight_max'
)")
      .def(py::init([](double norm) { return built_in<2>(std::make_shared<WeightMax>(norm)); }), py::arg("norm") = 2.0)
      .def_property_readonly(
          "norm", [](const Builtin<2>& self) { return static_cast<const WeightMax&>(*self.engine).norm(); },
          "p of the p-norm.");
  py::class_<Builtin<3>, RuleHandle>(module, "UnbiasedWeightMax", R"(
Unbiased Weight Maximization (Chung, arXiv 2307.13270), in four unbiased forms.

With kappa_ji how much likelier unit j's action would have been had unit i of the layer below chosen otherwise, and, over the
units j of the layer above in a fixed order,

    A_i = sum_j (prod_{k<j} kappa_ki) (1 - kappa_ji) T_j        lambda_i = prod_j kappa_ji,

- posterior-weighted (the default): T_i = q_i (q_i A_i - (1 - q_i) B_i) / (q_i + (1 - q_i) lambda_i), B_i the same comparison
  seen from the flipped side;
- ``blended``: the same with A_i and B_i mixed with (1 - lambda_i) R and -(1 - lambda_i) R, with a share
  that goes from 0 to 1 as a flip of unit i moves the probabilities of more units j; the least variance once weights have grown;
- ``two_sided``: T_i = q_i A_i;
- ``one_sided``: T_i = A_i if the unit fired, else 0.

Args:
    two_sided, one_sided, blended: choose another form than the default.

Raises:
    ValueError: more than one is true.

>>> import uwm
>>> uwm.UnbiasedWeightMax(two_sided=True).name
'unbiased_weight_max_two_sided'
)")
      .def(py::init([](bool two_sided, bool one_sided, bool blended) {
             if (two_sided + one_sided + blended > 1)
               throw ValueError("two_sided, one_sided and blended exclude each other, got more than one");
             using Form = UnbiasedWeightMax::Form;
             const Form form = two_sided   ? Form::two_sided
                               : one_sided ? Form::one_sided
                               : blended   ? Form::blended
                                           : Form::posterior;
             return built_in<3>(std::make_shared<UnbiasedWeightMax>(form));
           }),
           py::kw_only(), py::arg("two_sided") = false, py::arg("one_sided") = false, py::arg("blended") = false);
  py::class_<Builtin<4>, RuleHandle>(module, "FlipDifference", R"(
T_i = q_i sum_j (1 - kappa_ji) T_j: two-sided Unbiased Weight Maximization without its products. Biased: it ignores the joint
effects of the units above.

>>> import uwm
>>> uwm.FlipDifference().name
'flip_difference'
)")
      .def(py::init([] { return built_in<4>(std::make_shared<FlipDifference>()); }));
  py::class_<Builtin<5>, RuleHandle>(module, "PosteriorReinforce", R"(
T_i = R q_i (1 - lambda_i) / (q_i + (1 - q_i) lambda_i): REINFORCE with the unit's own action averaged out given the layer
above. Unbiased and bounded, but still one global reward.

>>> import uwm
>>> uwm.PosteriorReinforce().name
'posterior_reinforce'
)")
      .def(py::init([] { return built_in<5>(std::make_shared<PosteriorReinforce>()); }));
}

}  // namespace uwm::python
