#include "handles.hpp"
#include "pickling.hpp"

namespace uwm::python {

namespace {

constexpr const char* layer_gradient_doc = R"(
A direction of ascent for one layer: what ``Rule.gradient`` returns a list of and ``Optimizer.step`` takes.

>>> import numpy as np, uwm
>>> uwm.LayerGradient(np.zeros((4, 3)), np.zeros(4)).weight.shape
(4, 3)

Raises:
    ValueError: another shape than (n_out, n_in) and (n_out,).
    TypeError: no real numbers.
)";

constexpr const char* rule_doc = R"(
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
)";

constexpr const char* unit_rewards_doc = R"(
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
)";

constexpr const char* gradient_doc = R"(
The rule's update: the batch mean of T_i (h_i - p_i) h_m / temperature, in the direction of ascent.

Args, raises: as ``unit_rewards``; ValueError too where the gradient is too large for the dtype.

Returns:
    Gradient: a list of LayerGradient in the network's dtype, first hidden layer to output, that adds and scales.

>>> import numpy as np, uwm
>>> net = uwm.Network([2, 3, 1])
>>> g = uwm.Reinforce().gradient(net, net.forward(np.ones((4, 2))), np.ones(4))
>>> g[0].weight.shape, g[0].bias.shape
((3, 2), (3,))
)";

constexpr const char* input_gradient_doc = R"(
The rule's estimate of d E[R] / d x, the gradient of the expected reward with respect to each input.

Row s is that of sample s alone, no mean over the batch: sum_i T_i (h_i - p_i) w_i / temperature over the units i of the first
layer, with the T_i of ``unit_rewards``. It is right on average if the rule is unbiased. What computed the inputs learns from it.

Args: as ``unit_rewards``.

Returns:
    array (batch, n_in) in the network's dtype.

Raises:
    ValueError, TypeError: as ``unit_rewards``; ValueError too where the gradient is too large for the dtype.

>>> import numpy as np, uwm
>>> net = uwm.Network([2, 3, 1])
>>> sample = net.forward(np.ones((4, 2)))
>>> uwm.UnbiasedWeightMax().input_gradient(net, sample, np.ones(4)).shape
(4, 2)
)";

constexpr const char* both_gradients_doc = R"(
``gradient`` and ``input_gradient`` together: the unit rewards of both are computed once.

Args, raises: as ``gradient``.

Returns:
    tuple of the list that ``gradient`` returns and the array that ``input_gradient`` returns.

>>> import numpy as np, uwm
>>> net = uwm.Network([2, 3, 1])
>>> update, of_x = uwm.Reinforce().both_gradients(net, net.forward(np.ones((4, 2))), np.ones(4))
>>> update[0].weight.shape, of_x.shape
((3, 2), (4, 2))
)";

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

/// Fills `out.unit_rewards` by the rule, whichever side it is written on, and from them what is asked for: the update,
/// the gradient with respect to the input, or both.
template <class T>
void fill_gradients(const py::object& rule, const NetworkHandle& net, const Network<T>& n, const SampleHandle& sample,
                    const py::object& reward, Gradient<T>& out, bool update, Matrix<T>* input) {
  const auto& handle = rule.cast<const RuleHandle&>();
  const bool own = handle.engine == nullptr || overrides<RuleHandle>(rule, {"unit_rewards"});
  const auto& s = sample_of<T>(sample);
  const auto r = std::make_shared<Vector<double>>(vector<double>(reward, "reward"));
  if (own) {
    check_sample(n, s, *r);
    read_unit_rewards(rule.attr("unit_rewards")(net, sample, view(*r, keep(r), true)), s, *r, out.unit_rewards);
  }
  const Use use = Use::reading(net);
  const WithoutGil release;
  if (!own) {
    check_sample(n, s, *r);
    handle.engine->unit_rewards(n, s, *r, out.unit_rewards);
  }
  if (update) {
    gradient(n, s, out.unit_rewards, out);
    check_gradient(out);
  }
  if (input != nullptr) input_gradient(n, s, out.unit_rewards, *input);
}

/// The layers of a gradient, without the memory that the computation took.
template <class T>
py::object layers_of(Gradient<T>& made) {
  const auto kept = std::make_shared<Gradient<T>>();
  kept->layers = std::move(made.layers);
  return gradient_object(kept);
}

py::object gradient_of(const py::object& self, const NetworkHandle& net, const SampleHandle& sample,
                       const py::object& reward) {
  return visit(net, [&](const auto& n) {
    Gradient<Scalar<decltype(n)>> made;
    fill_gradients(self, net, n, sample, reward, made, true, static_cast<Matrix<Scalar<decltype(n)>>*>(nullptr));
    return layers_of(made);
  });
}

py::array input_gradient_of(const py::object& self, const NetworkHandle& net, const SampleHandle& sample,
                            const py::object& reward) {
  return visit(net, [&](const auto& n) {
    using T = Scalar<decltype(n)>;
    Gradient<T> made;
    const auto input = std::make_shared<Matrix<T>>();
    fill_gradients(self, net, n, sample, reward, made, false, input.get());
    return view(*input, keep(input), true);
  });
}

py::tuple both_gradients_of(const py::object& self, const NetworkHandle& net, const SampleHandle& sample,
                            const py::object& reward) {
  return visit(net, [&](const auto& n) {
    using T = Scalar<decltype(n)>;
    Gradient<T> made;
    const auto input = std::make_shared<Matrix<T>>();
    fill_gradients(self, net, n, sample, reward, made, true, input.get());
    return py::make_tuple(layers_of(made), view(*input, keep(input), true));
  });
}

/// A writable view of a matrix or vector of the layer: get(layer) gives it. It shows memory that the view keeps alive.
template <class Get>
py::array array_of(const LayerGradientHandle& self, Get get) {
  if (const auto* arrays = std::get_if<LayerGradientHandle::Arrays>(&self.held)) return get(*arrays);
  return std::visit([&](const auto& g) { return view(get(g->layers[self.index]), keep(g), true); },
                    std::get<Either<Gradient>>(self.held));
}

py::array weight_of(const LayerGradientHandle& self) {
  return array_of(self, [](const auto& layer) -> const auto& { return layer.weight; });
}

py::array bias_of(const LayerGradientHandle& self) {
  return array_of(self, [](const auto& layer) -> const auto& { return layer.bias; });
}

LayerGradientHandle make_layer_gradient(const py::object& weight, const py::object& bias) {
  const py::array w = real_array(weight, "weight"), b = real_array(bias, "bias");
  if (w.ndim() != 2) throw ValueError("weight must have 2 dimensions, got shape " + shape_of(w));
  if (b.ndim() != 1 || b.shape(0) != w.shape(0))
    throw ValueError("bias must have shape (" + std::to_string(w.shape(0)) + ",), as many as weight has rows, got " +
                     shape_of(b));
  return {w, b};
}

/// A built-in rule: each is a Python class of its own.
template <class R>
struct BuiltIn : RuleHandle {
  explicit BuiltIn(std::shared_ptr<const Rule> rule) { engine = std::move(rule); }
  const R& rule() const { return static_cast<const R&>(*engine); }
};

template <class R, class... Args>
BuiltIn<R> built_in(Args... args) {
  return BuiltIn<R>(std::make_shared<R>(args...));
}

/// The settings of a rule, as Python reads, writes and shows them. A plain rule has none.
template <class R>
struct Settings {
  static constexpr const char* documentation = "";
  static R example() { return R(); }
  static void bind(py::class_<BuiltIn<R>, RuleHandle>& cls) {
    cls.def(py::init([] { return built_in<R>(); }));
  }
  static std::string shown(const R&) { return ""; }
  static py::tuple state(const R&) { return py::tuple(); }
  static BuiltIn<R> from(const py::tuple&) { return built_in<R>(); }
};

template <>
struct Settings<WeightMax> {
  static constexpr const char* documentation = R"(
Args:
    norm: p >= 1 of the p-norm of the outgoing weights.

Raises:
    ValueError: norm below 1 or not finite.
)";
  static WeightMax example() { return WeightMax(2); }
  static void bind(py::class_<BuiltIn<WeightMax>, RuleHandle>& cls) {
    cls.def(py::init([](const py::object& norm) { return built_in<WeightMax>(real_number(norm, "norm")); }),
            py::arg("norm") = 2.0);
    cls.def_property_readonly(
        "norm", [](const BuiltIn<WeightMax>& self) { return self.rule().norm(); }, "p of the p-norm.");
  }
  static std::string shown(const WeightMax& rule) { return "norm=" + repr_of(rule.norm()); }
  static py::tuple state(const WeightMax& rule) { return py::make_tuple(rule.norm()); }
  static BuiltIn<WeightMax> from(const py::tuple& state) { return built_in<WeightMax>(item<double>(state, 0, 1)); }
};

template <>
struct Settings<UnbiasedWeightMax> {
  static constexpr const char* documentation = R"(
Args:
    form: one of these names.

Raises:
    ValueError, TypeError: form is no such name.
)";
  static UnbiasedWeightMax example() { return UnbiasedWeightMax(FlipForm::two_sided); }
  static void bind(py::class_<BuiltIn<UnbiasedWeightMax>, RuleHandle>& cls) {
    cls.def(py::init([](const py::object& form) {
              return built_in<UnbiasedWeightMax>(form_from_string(text(form, "form")));
            }),
            py::arg("form") = "blended");
    cls.def_property_readonly(
        "form", [](const BuiltIn<UnbiasedWeightMax>& self) { return to_string(self.rule().form()); }, "As given.");
  }
  static std::string shown(const UnbiasedWeightMax& rule) {
    return rule.form() == FlipForm::blended ? "" : std::string(py::repr(py::str(to_string(rule.form()))));
  }
  static py::tuple state(const UnbiasedWeightMax& rule) { return py::make_tuple(to_string(rule.form())); }
  static BuiltIn<UnbiasedWeightMax> from(const py::tuple& state) {
    return built_in<UnbiasedWeightMax>(form_from_string(item<std::string>(state, 0, 1)));
  }
};

/// Binds the class of a built-in rule under the name that the engine gives it, and appends it to `classes`.
template <class R>
void bind_built_in(py::module_& module, py::list& classes) {
  const RuleClass about = R::about();
  const std::string shown = "uwm." + about.name;
  const R example = Settings<R>::example();
  const std::string doc = about.documentation + Settings<R>::documentation + "\n>>> import uwm\n>>> " + shown + "(" +
                          Settings<R>::shown(example) + ").name\n'" + example.name() + "'\n";
  py::class_<BuiltIn<R>, RuleHandle> cls(module, about.name.c_str(), doc.c_str());
  Settings<R>::bind(cls);
  cls.def("__repr__", [shown](const py::object& self) {
    return constructor_form<BuiltIn<R>>(self, shown, Settings<R>::shown(self.cast<const BuiltIn<R>&>().rule()));
  });
  picklable(
      cls, [](const BuiltIn<R>& self) { return Settings<R>::state(self.rule()); },
      [](const py::tuple& state) { return Settings<R>::from(state); });
  classes.append(cls);
}

py::object make_python_rule(const std::string& name) {
  const std::shared_ptr<const Rule> rule = make_rule(name);
  py::object found;
  for_each_class<BuiltInRules>([&]<class R>(std::type_identity<R>) {
    if (!found && dynamic_cast<const R*>(rule.get()) != nullptr) found = py::cast(BuiltIn<R>(rule));
  });
  return found;
}

py::list python_rule_infos() {
  py::list list;
  for (const RuleInfo& rule : rule_infos())
    list.append(py::make_tuple(rule.name, py::tuple(py::cast(rule.aliases)), rule.unbiased, rule.description));
  return list;
}

void bind_layer_gradient(py::module_& module) {
  py::class_<LayerGradientHandle> cls(module, "LayerGradient", layer_gradient_doc);
  cls.def(py::init(&make_layer_gradient), py::arg("weight"), py::arg("bias"))
      .def_property_readonly("weight", &weight_of, "(n_out, n_in)")
      .def_property_readonly("bias", &bias_of, "(n_out,)")
      .def("__repr__", [](const LayerGradientHandle& self) {
        return "<uwm.LayerGradient of shape " + shape_of(weight_of(self)) + ">";
      });
  picklable(
      cls, [](const LayerGradientHandle& self) { return py::make_tuple(weight_of(self), bias_of(self)); },
      [](const py::tuple& state) {
        return make_layer_gradient(item<py::object>(state, 0, 2), item<py::object>(state, 1, 2));
      });
}

void bind_rule(py::module_& module) {
  py::class_<RuleHandle> cls(module, "Rule", rule_doc);
  cls.def(py::init<>())
      .def_property_readonly(
          "name",
          [](const py::object& self) {
            const auto& handle = self.cast<const RuleHandle&>();
            return handle.engine ? handle.engine->name() : type_name(self);
          },
          "Its name on the command line and in results; of a subclass, by default, the name of the class.")
      .def("unit_rewards", &unit_rewards, py::arg("net"), py::arg("sample"), py::arg("reward"), unit_rewards_doc)
      .def("gradient", &gradient_of, py::arg("net"), py::arg("sample"), py::arg("reward"), gradient_doc)
      .def("input_gradient", &input_gradient_of, py::arg("net"), py::arg("sample"), py::arg("reward"),
           input_gradient_doc)
      .def("both_gradients", &both_gradients_of, py::arg("net"), py::arg("sample"), py::arg("reward"),
           both_gradients_doc)
      .def("__repr__", [](const py::object& self) {
        self.cast<const RuleHandle&>();
        return "<" + class_name(self) + ">";
      });
  picklable(cls, [](const RuleHandle&) { return py::tuple(); }, [](const py::tuple&) { return RuleHandle(); });
}

}  // namespace

void bind_rules(py::module_& module) {
  bind_layer_gradient(module);
  bind_rule(module);
  py::list classes;
  for_each_class<BuiltInRules>([&]<class R>(std::type_identity<R>) { bind_built_in<R>(module, classes); });
  module.def("rule_classes", [classes] { return py::tuple(classes); }, "The class of each built-in rule.");
  module.def("rule_infos", &python_rule_infos, "Name, aliases, whether unbiased, and a line on each built-in rule.");
  module.def("make_rule", &make_python_rule, py::arg("name"), "A built-in rule by its name or an alias.");
}

}  // namespace uwm::python
