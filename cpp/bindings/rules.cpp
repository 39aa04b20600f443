#include "handles.hpp"
#include "pickling.hpp"

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
    read_unit_rewards(self.attr("unit_rewards")(net, sample, view(*r, keep(r), true)), s, *r, rewards);
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

LayerGradientHandle make_layer_gradient(const py::object& weight, const py::object& bias) {
  const py::array w = real_array(weight, "weight"), b = real_array(bias, "bias");
  if (w.ndim() != 2) throw ValueError("weight must have 2 dimensions, got shape " + shape_of(w));
  if (b.ndim() != 1 || b.shape(0) != w.shape(0))
    throw ValueError("bias must have shape (" + std::to_string(w.shape(0)) + ",), as many as weight has rows, got " +
                     shape_of(b));
  return {w, b};
}

/// Each built-in rule is a Python class of its own.
template <class Engine>
struct Builtin : RuleHandle {};

template <class Engine, class... Args>
Builtin<Engine> built_in(Args... args) {
  Builtin<Engine> handle;
  handle.engine = std::make_shared<Engine>(args...);
  return handle;
}

/// How a rule of the engine becomes the Python object of its class; a rule that is of another class gives none.
using Wrap = std::optional<py::object> (*)(const std::shared_ptr<const Rule>&);

std::vector<Wrap>& wraps() {
  static std::vector<Wrap> all;
  return all;
}

/// Binds the class of a built-in rule, by which `make_rule` finds it.
template <class Engine>
py::class_<Builtin<Engine>, RuleHandle> bind_rule(py::module_& module, const char* name, const char* doc) {
  wraps().push_back([](const std::shared_ptr<const Rule>& rule) -> std::optional<py::object> {
    if (dynamic_cast<const Engine*>(rule.get()) == nullptr) return std::nullopt;
    Builtin<Engine> handle;
    handle.engine = rule;
    return py::cast(std::move(handle));
  });
  return py::class_<Builtin<Engine>, RuleHandle>(module, name, doc);
}

py::object make_python_rule(const std::string& name) {
  const std::shared_ptr<const Rule> rule = make_rule(name);
  for (const Wrap wrap : wraps())
    if (auto object = wrap(rule)) return *object;
  throw py::type_error("the rule '" + name + "' has no Python class");
}

py::list python_rule_infos() {
  py::list list;
  for (const RuleInfo& rule : rule_infos())
    list.append(py::make_tuple(rule.name, py::tuple(py::cast(rule.aliases)), rule.unbiased, rule.description));
  return list;
}

/// A rule without settings.
template <class Engine>
void bind_plain(py::module_& module, const char* name, const char* doc) {
  auto cls = bind_rule<Engine>(module, name, doc);
  cls.def(py::init([] { return built_in<Engine>(); }));
  cls.def("__repr__", [name = "uwm." + std::string(name)](const py::object& self) {
    return constructor_form<Builtin<Engine>>(self, name, "");
  });
  picklable(
      cls, [](const Builtin<Engine>&) { return py::tuple(); }, [](const py::tuple&) { return built_in<Engine>(); });
}

double norm_of(const Builtin<WeightMax>& self) { return static_cast<const WeightMax&>(*self.engine).norm(); }

FlipForm form_of(const Builtin<UnbiasedWeightMax>& self) {
  return static_cast<const UnbiasedWeightMax&>(*self.engine).form();
}

}  // namespace

void bind_rules(py::module_& module) {
  py::class_<LayerGradientHandle> layer_gradient(module, "LayerGradient", R"(
A direction of ascent for one layer: what ``Rule.gradient`` returns a list of and ``Optimizer.step`` takes.

>>> import numpy as np, uwm
>>> uwm.LayerGradient(np.zeros((4, 3)), np.zeros(4)).weight.shape
(4, 3)

Raises:
    ValueError: another shape than (n_out, n_in) and (n_out,).
    TypeError: no real numbers.
)");
  layer_gradient.def(py::init(&make_layer_gradient), py::arg("weight"), py::arg("bias"))
      .def_readonly("weight", &LayerGradientHandle::weight, "(n_out, n_in)")
      .def_readonly("bias", &LayerGradientHandle::bias, "(n_out,)")
      .def("__repr__", [](const LayerGradientHandle& self) {
        return "<uwm.LayerGradient of shape " + shape_of(self.weight) + ">";
      });
  picklable(
      layer_gradient, [](const LayerGradientHandle& self) { return py::make_tuple(self.weight, self.bias); },
      [](const py::tuple& state) {
        return make_layer_gradient(item<py::object>(state, 0, 2), item<py::object>(state, 1, 2));
      });

  py::class_<RuleHandle> rule(module, "Rule", R"(
A learning rule: the way in which it hands the reward down, one reward T_i per unit.

Every rule's update is the batch mean of T_i (h_i - p_i) h_m / temperature. A rule of your own is a subclass that defines
``unit_rewards`` (an ``__init__`` of its own calls ``super().__init__()``); ``train``, ``gradient`` and ``uwm.analysis`` take it like a built-in one.

>>> import numpy as np, uwm
>>> class Halved(uwm.Rule):
...     name = "halved"
...     def unit_rewards(self, net, sample, reward):
...         hidden = [np.outer(reward, np.full(h.shape[1], 0.5)) for h in sample.activations[:-1]]
...         return [*hidden, np.outer(reward, np.ones(net.sizes[-1]))]
>>> net = uwm.Network([2, 3, 1])
>>> sample = net.forward(np.ones((4, 2)))
>>> Halved().gradient(net, sample, np.ones(4))[0].weight.shape
(3, 2)
)");
  rule.def(py::init<>())
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
    every column. The built-in rules give finite numbers: one too large for the dtype becomes the largest of its sign.

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

Args, raises: as ``unit_rewards``; ValueError too where the gradient is too large for the dtype.

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
        return "<" + class_name(self) + ">";
      });
  picklable(rule, [](const RuleHandle&) { return py::tuple(); }, [](const py::tuple&) { return RuleHandle(); });

  bind_plain<Reinforce>(module, "Reinforce", R"(
REINFORCE (Williams, 1992): T_i = R for every unit. Unbiased; its variance grows with the number of units.

>>> import uwm
>>> uwm.Reinforce().name
'reinforce'
)");
  bind_plain<StraightThrough>(module, "StraightThrough", R"(
Straight-through backpropagation (Bengio, Leonard and Courville, 2013): T_i = c_i q_i sum_j w_ji T_j (h_j - p_j), twice that for
bipolar units. Biased: right to first order in the weights only.

>>> import uwm
>>> uwm.StraightThrough().name
'ste'
)");
  auto weight_max = bind_rule<WeightMax>(module, "WeightMax", R"(
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
)");
  weight_max
      .def(py::init([](const py::object& norm) { return built_in<WeightMax>(real_number(norm, "norm")); }),
           py::arg("norm") = 2.0)
      .def_property_readonly("norm", &norm_of, "p of the p-norm.")
      .def("__repr__", [](const py::object& self) {
        const double norm = norm_of(self.cast<const Builtin<WeightMax>&>());
        return constructor_form<Builtin<WeightMax>>(self, "uwm.WeightMax", "norm=" + repr_of(norm));
      });
  picklable(
      weight_max, [](const Builtin<WeightMax>& self) { return py::make_tuple(norm_of(self)); },
      [](const py::tuple& state) { return built_in<WeightMax>(item<double>(state, 0, 1)); });

  auto unbiased = bind_rule<UnbiasedWeightMax>(module, "UnbiasedWeightMax", R"(
Unbiased Weight Maximization (Chung, arXiv 2307.13270), in four unbiased forms.

With kappa_ji how much likelier unit j's action would have been had unit i of the layer below chosen otherwise, and, over the
units j of the layer above in a fixed order,

    A_i = sum_j (prod_{k<j} kappa_ki) (1 - kappa_ji) T_j        lambda_i = prod_j kappa_ji,

- ``"posterior"`` (the default): T_i = q_i (q_i A_i - (1 - q_i) B_i) / (q_i + (1 - q_i) lambda_i), B_i the same
  comparison seen from the flipped side;
- ``"blended"``: the same with A_i and B_i mixed with (1 - lambda_i) R and -(1 - lambda_i) R, with a share that goes from
  0 to 1 as a flip of unit i moves the probabilities of more units j; the least variance once weights have grown;
- ``"two_sided"``: T_i = q_i A_i;
- ``"one_sided"``: T_i = A_i if the unit fired, else 0.

Args:
    form: one of these names.

Raises:
    ValueError, TypeError: form is no such name.

>>> import uwm
>>> uwm.UnbiasedWeightMax("two_sided").name
'unbiased_weight_max_two_sided'
)");
  unbiased
      .def(py::init([](const py::object& form) {
             return built_in<UnbiasedWeightMax>(form_from_string(text(form, "form")));
           }),
           py::arg("form") = "posterior")
      .def_property_readonly(
          "form", [](const Builtin<UnbiasedWeightMax>& self) { return to_string(form_of(self)); }, "As given.")
      .def("__repr__", [](const py::object& self) {
        const FlipForm form = form_of(self.cast<const Builtin<UnbiasedWeightMax>&>());
        return constructor_form<Builtin<UnbiasedWeightMax>>(
            self, "uwm.UnbiasedWeightMax",
            form == FlipForm::posterior ? "" : std::string(py::repr(py::str(to_string(form)))));
      });
  picklable(
      unbiased, [](const Builtin<UnbiasedWeightMax>& self) { return py::make_tuple(to_string(form_of(self))); },
      [](const py::tuple& state) {
        return built_in<UnbiasedWeightMax>(form_from_string(item<std::string>(state, 0, 1)));
      });
  bind_plain<FlipDifference>(module, "FlipDifference", R"(
T_i = q_i sum_j (1 - kappa_ji) T_j: two-sided Unbiased Weight Maximization without its products. Biased: it ignores the joint
effects of the units above.

>>> import uwm
>>> uwm.FlipDifference().name
'flip_difference'
)");
  bind_plain<PosteriorReinforce>(module, "PosteriorReinforce", R"(
T_i = R q_i (1 - lambda_i) / (q_i + (1 - q_i) lambda_i): REINFORCE with the unit's own action averaged out given the layer
above. Unbiased and bounded, but still one global reward.

>>> import uwm
>>> uwm.PosteriorReinforce().name
'posterior_reinforce'
)");

  module.def("make_rule", &make_python_rule, py::arg("name"), "A built-in rule by its name or an alias.");
  module.def("rule_infos", &python_rule_infos, "Name, aliases, whether unbiased, and a line on each built-in rule.");
}

}  // namespace uwm::python
