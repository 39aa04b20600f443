#include <array>

#include "handles.hpp"
#include "pickling.hpp"

// The learner: a step of training in two calls, for a loop that Python runs.

namespace uwm::python {

namespace {

constexpr const char* learner_doc = R"(
Makes the steps of ``train`` one at a time: your own loop gives the inputs, acts, and tells the reward.

It costs little more per step than ``train``, and updates the same parameters by the same numbers. Rules and optimizers written
in Python are called back. The network is trained in place; parameters that you change in between are used from then on.

Args:
    net: Network, trained in place.
    rule: Rule.
    optimizer: SGD, Adam or another Optimizer.

Raises:
    ValueError: the optimizer does not fit the network, or a parameter is NaN or infinite.
    TypeError: an argument of another kind, or of a class with a method of its own that nothing would call.

A pickle or a copy has network, rule and optimizer, and begins with a ``forward``.

>>> import numpy as np, uwm
>>> net = uwm.Network([2, 8, 1], seed=2)
>>> learner = uwm.Learner(net, uwm.UnbiasedWeightMax(), uwm.Adam(0.02))
>>> inputs = np.random.default_rng(0).choice([-1.0, 1.0], size=(1000, 16, 2))
>>> rewards = []
>>> for x in inputs:
...     sample = learner.forward(x)
...     right = sample.actions == (x[:, 0] == x[:, 1])
...     reward = np.where(right, 1.0, -1.0)
...     learner.learn(reward)
...     rewards.append(reward.mean())
>>> float(np.mean(rewards[-100:])) > 0.8
True
)";

constexpr const char* forward_doc = R"(
Draws the actions of every unit for a batch of inputs, as ``Network.forward`` does, and keeps them for ``learn``.

Args:
    x: (batch, n_in), finite numbers; converted to the network's dtype. One observation, (n_in,), is a batch of one.

Returns:
    Sample; it is yours to keep.

Raises:
    ValueError: x has another shape or is empty, or holds NaN or infinity; nothing is changed then.
    TypeError: x is no array of real numbers.
    DivergenceError: a parameter, a logit or an action is not finite. The network is then unchanged; no sample is left to learn from.
    RuntimeError: the learner or the network is in use.

>>> import numpy as np, uwm
>>> learner = uwm.Learner(uwm.Network([3, 4, 1]), uwm.WeightMax(), uwm.Adam())
>>> learner.forward(np.ones((5, 3))).output.shape
(5, 1)
)";

constexpr const char* learn_doc = R"(
Makes one update from the latest sample.

Args:
    reward: (batch,), a baseline already subtracted; for a batch of one also a number.

Raises:
    ValueError: no ``forward`` came before, or reward has another shape, is not finite or out of the network's range.
    TypeError: reward is no array of real numbers.
    DivergenceError: the gradient or a parameter would leave the finite numbers.
    RuntimeError: the learner, the network or the optimizer is in use.

Network and optimizer are unchanged after an error, also one that a rule or an optimizer written in Python raises.

>>> import numpy as np, uwm
>>> optimizer = uwm.Adam()
>>> learner = uwm.Learner(uwm.Network([3, 4, 1]), uwm.WeightMax(), optimizer)
>>> sample = learner.forward(np.ones((5, 3)))
>>> learner.learn(np.ones(5))
>>> optimizer.steps
1
)";

/// The learner of one precision, and the memory of its calls.
template <class T>
struct Calls {
  Calls(Network<T>& net, const Rule& rule, Optimizer& optimizer) : learner(net, rule, optimizer) {}

  /// Memory for a sample that Python may keep. What Python holds no longer is used again.
  std::shared_ptr<Sample<T>> record() {
    for (auto& kept : records)
      if (kept != nullptr && kept.use_count() == 1) return kept;
    std::swap(records[0], records[1]);
    return records[0] = std::make_shared<Sample<T>>();
  }

  Learner<T> learner;
  Matrix<T> x;
  Vector<double> reward;
  std::array<std::shared_ptr<Sample<T>>, 2> records;  // a loop holds the previous sample while it draws the next
};

struct LearnerHandle : Handle {
  LearnerHandle(py::object net_object, py::object rule_object, py::object optimizer_object)
      : net(std::move(net_object)),
        rule(std::move(rule_object)),
        optimizer(std::move(optimizer_object)),
        network(network_from(net, "Learner")),
        own_rule(rule_from(rule, net, "Learner")),
        own_optimizer(optimizer_from(optimizer, net, "Learner")),
        updated(optimizer.cast<const OptimizerHandle&>()),
        calls(visit(network, [this](auto& n) -> Either<Calls> {
          using T = Scalar<decltype(n)>;
          const Use using_net = Use::reading(network), using_optimizer = Use::reading(updated);
          return std::make_shared<Calls<T>>(n, *own_rule, *own_optimizer);
        })) {}

  py::object net, rule, optimizer;  ///< as they were given
  const NetworkHandle& network;     ///< held by the object above, as the optimizer's is
  std::shared_ptr<const Rule> own_rule;
  std::shared_ptr<Optimizer> own_optimizer;
  const OptimizerHandle& updated;
  Either<Calls> calls;
  bool in_use = false;  ///< the GIL guards it
};

/// One call at a time, also by the rule or optimizer that the learner itself calls: they work on its sample.
class Turn {
 public:
  explicit Turn(LearnerHandle& learner) : in_use_(learner.in_use) {
    if (in_use_)
      throw std::runtime_error("the learner is in use by another thread, or by the rule or optimizer that it calls");
    in_use_ = true;
  }
  ~Turn() { in_use_ = false; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  bool& in_use_;
};

SampleHandle forward(LearnerHandle& self, const py::object& x) {
  const Turn turn(self);
  return std::visit(
      [&](const auto& calls) -> SampleHandle {
        read_observations(x, calls->x);
        auto record = calls->record();
        const Use using_net = Use::changing(self.network);
        const WithoutGil release;
        *record = calls->learner.forward(calls->x);
        return {std::move(record)};
      },
      self.calls);
}

/// One number per sample; a number alone for a batch of one.
void read_reward(const py::object& reward, Index batch, Vector<double>& out) {
  const bool number = PyFloat_Check(reward.ptr()) || PyLong_Check(reward.ptr());
  if (batch != 1 || !number) return read_array(reward, "reward", out);
  out.resize(1);
  out[0] = real_number(reward, "reward");
}

void learn(LearnerHandle& self, const py::object& reward) {
  const Turn turn(self);
  std::visit(
      [&](const auto& calls) {
        const Index batch = calls->learner.sample().batch();
        if (batch > 0) read_reward(reward, batch, calls->reward);  // without a sample, learn() refuses every reward
        const Use using_net = Use::changing(self.network), using_optimizer = Use::changing(self.updated);
        try {
          const WithoutGil release;
          calls->learner.learn(calls->reward);
        } catch (const StopTraining&) {  // Ctrl-C in a rule or optimizer written in Python
          PyErr_SetNone(PyExc_KeyboardInterrupt);
          throw py::error_already_set();
        }
      },
      self.calls);
}

}  // namespace

void bind_learner(py::module_& module) {
  py::class_<LearnerHandle> cls(module, "Learner", learner_doc);
  cls.def(py::init<py::object, py::object, py::object>(), py::arg("net"), py::arg("rule"), py::arg("optimizer"))
      .def("forward", &forward, py::arg("x"), forward_doc)
      .def("learn", &learn, py::arg("reward"), learn_doc)
      .def_property_readonly(
          "net", [](const LearnerHandle& self) { return self.net; }, "The Network, as it was given.")
      .def_property_readonly(
          "rule", [](const LearnerHandle& self) { return self.rule; }, "The Rule.")
      .def_property_readonly(
          "optimizer", [](const LearnerHandle& self) { return self.optimizer; }, "The Optimizer.")
      .def("__repr__", [](const py::object& self) {
        const auto& handle = self.cast<const LearnerHandle&>();
        return constructor_form<LearnerHandle>(self, "uwm.Learner",
                                               std::string(py::repr(handle.net)) + ", " +
                                                   std::string(py::repr(handle.rule)) + ", " +
                                                   std::string(py::repr(handle.optimizer)));
      });
  picklable(
      cls, [](const LearnerHandle& self) { return py::make_tuple(self.net, self.rule, self.optimizer); },
      [](const py::tuple& state) {
        return LearnerHandle(item<py::object>(state, 0, 3), item<py::object>(state, 1, 3),
                             item<py::object>(state, 2, 3));
      });
}

}  // namespace uwm::python
