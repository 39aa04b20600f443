#include <pybind11/stl/filesystem.h>

#include <algorithm>
#include <array>
#include <utility>

#include "handles.hpp"
#include "uwm/actor_critic.hpp"

// The agent of uwm.rl. The Python package checks environments and settings; this class steps.

namespace uwm::python {

namespace {

constexpr const char* actor_critic_doc = R"(
The engine of ``uwm.rl.Agent``: an actor of stochastic units and a critic, which learn from any number of environments.

Args:
    n_observations: numbers in an observation.
    actions: n, for one of n actions; or a pair (low, high) of arrays, for an action of several numbers.
    rule: Rule.
    settings: a ``uwm.rl.Settings``, or another object with these attributes.
    seed: of initial weights and draws.
    environments: how many.

Raises:
    ValueError, TypeError: a setting of another kind or out of its range.

>>> import numpy as np, uwm
>>> from uwm._core import ActorCritic
>>> from uwm.rl.settings import Settings
>>> agent = ActorCritic(3, 2, uwm.WeightMax(), Settings(), seed=1)
>>> action = agent.act(np.zeros(3))
>>> agent.observe(1.0, np.ones(3), False, True)
1
>>> agent.ended
[(0, 1.0, 1)]
)";

constexpr const char* act_doc = R"(
Draws an action.

Args:
    observation: (n,) for one environment, or (environments, n). Where an episode goes on, that which ``observe`` was given.

Returns:
    for one of n actions an int, or an int64 array (environments,); else a float32 array (k,) or (environments, k).

Raises:
    ValueError: another shape, NaN or infinity, no ``observe`` in between, or a rule that is not linear in the reward.
    DivergenceError: a logit left the finite numbers.
)";

constexpr const char* observe_doc = R"(
Learns from what came of the latest action.

Args:
    reward, terminated, truncated: a number and two flags, or arrays (environments,).
    next_observation: as in ``act``; of an episode that has ended, the last one.

Returns:
    how many episodes ended; ``ended`` lists them.

Raises:
    ValueError: another shape, NaN or infinity, no ``act`` before.
    DivergenceError: a parameter left the finite numbers, or would have.
)";

constexpr const char* predict_doc = R"(
The actions for observations (batch, n): int64 (batch,) or float32 (batch, k). Nothing is learned.

deterministic: whether each unit takes its more probable action, and the output the most probable class or the mean.
)";

constexpr const char* save_doc = R"(
Writes the agent and all that its learning depends on as one safetensors file, and `extra`, a dict of arrays and texts.
)";

constexpr const char* restore_doc = R"(
Takes over what ``save`` wrote, from an agent made with the same arguments. Returns what is in the file beside the actor.

Raises:
    OSError: the file cannot be read.
    FileError: it is damaged, or of another agent; nothing is changed then.
)";

/// One of these names, as the enum that counts them.
template <class Enum, std::size_t N>
Enum one_of(const py::object& object, const char* name, const std::array<const char*, N>& names) {
  const std::string given = text(object, name);
  std::string all;
  for (std::size_t i = 0; i < N; ++i) {
    if (given == names[i]) return static_cast<Enum>(i);
    all += std::string(i == 0 ? "'" : i + 1 == N ? " or '" : ", '") + names[i] + "'";
  }
  throw ValueError(std::string(name) + " must be " + all + ", got '" + given + "'");
}

/// Hidden layers, none of them for an empty list.
std::vector<Index> hidden_from(const py::object& object) {
  auto sizes = sizes_from(object);
  for (const Index n : sizes)
    if (n < 1) throw ValueError("every number in hidden must be at least 1, got " + std::to_string(n));
  return sizes;
}

ActorCriticSettings settings_from(const py::object& given, std::uint64_t seed) {
  const auto get = [&](const char* name) -> py::object { return given.attr(name); };
  const auto number = [&](const char* name) { return real_number(get(name), name); };
  ActorCriticSettings s;
  s.hidden = hidden_from(get("hidden"));
  s.units = units_from_string(text(get("units"), "units"));
  s.temperature = one_or_more(get("temperature"), "temperature");
  s.initial_gain = gain_from(get("initial_gain"));
  s.sigma = number("sigma");
  s.reference_class = flag(get("reference_class"), "reference_class");
  s.trace = number("actor_trace");
  s.trace_form =
      one_of<ActorCriticSettings::TraceForm, 2>(get("trace_form"), "trace_form", {"accumulating", "product"});
  s.learning_rate = rates_from(get("actor_rate"));
  s.beta1 = number("actor_beta1");
  s.beta2 = number("actor_beta2");
  s.critic.hidden = hidden_from(get("critic_hidden"));
  s.critic.units = one_of<CriticSettings::Units, 2>(get("critic_units"), "critic_units", {"layer_norm", "softplus"});
  s.critic.trace = number("critic_trace");
  if (!get("critic_rate").is_none()) s.critic.learning_rate = rates_from(get("critic_rate"));
  s.critic.beta1 = number("critic_beta1");
  s.critic.beta2 = number("critic_beta2");
  s.critic.overshoot = number("overshoot");
  s.discount = number("discount");
  s.normalize_observations = flag(get("normalize_observations"), "normalize_observations");
  s.scale_rewards = flag(get("scale_rewards"), "scale_rewards");
  s.truncation =
      one_of<ActorCriticSettings::Truncation, 3>(get("truncation"), "truncation", {"bootstrap", "terminate", "skip"});
  s.order = one_of<ActorCriticSettings::Order, 2>(get("order"), "order", {"learn_first", "act_first"});
  s.seed = seed;
  return s;
}

ActionSpace space_from(const py::object& actions) {
  if (!py::isinstance<py::tuple>(actions))
    return DiscreteActions{static_cast<Index>(whole_bits(actions, "actions", 30))};
  const auto bounds = py::reinterpret_borrow<py::tuple>(actions);
  if (bounds.size() != 2) throw ValueError("actions must be a number or a pair (low, high)");
  return BoxActions{vector<float>(bounds[0], "low"), vector<float>(bounds[1], "high")};
}

/// The numbers of a matrix of the shape that is wanted, from whatever has such. One row may have a shape of (n,).
template <class T>
void read_rows(const py::object& object, const char* name, Matrix<T>& out) {
  const auto array = numbers<T>(object, name);
  const bool single = array.ndim() == 1 && out.rows() == 1 && array.shape(0) == out.cols();
  const bool several = array.ndim() == 2 && array.shape(0) == out.rows() && array.shape(1) == out.cols();
  if (!single && !several) {
    const std::string rows = out.rows() == 1 ? "" : std::to_string(out.rows()) + ", ";
    const std::string shape = "(" + rows + std::to_string(out.cols()) + (out.rows() == 1 ? ",)" : ")");
    throw ValueError(std::string(name) + " must have shape " + shape + ", got " + shape_of(array));
  }
  std::copy_n(array.data(), array.size(), out.data());
}

struct ActorCriticHandle : Handle {
  ActorCriticHandle(py::object net, std::shared_ptr<ActorCritic> a)
      : agent(std::move(a)), actor(std::move(net)), actor_lease(actor.cast<const NetworkHandle&>().lease) {
    resize();
  }

  void resize() {
    const Index n = agent->environments();
    observation.resize(n, agent->actor()->n_inputs());
    reward.resize(static_cast<std::size_t>(n));
    terminated.resize(reward.size());
    truncated.resize(reward.size());
  }

  std::shared_ptr<ActorCritic> agent;
  py::object actor;  ///< the Python object of the network that the agent trains
  std::shared_ptr<Lease> lease = std::make_shared<Lease>("agent"), actor_lease;
  Matrix<float> observation;
  std::vector<double> reward;
  std::vector<char> terminated, truncated;
};

struct ActorLease {
  std::shared_ptr<Lease> lease;
};

/// Calls f(agent) without the GIL, alone with the agent. Ctrl-C in a rule written in Python is KeyboardInterrupt.
template <class F>
void alone(const ActorCriticHandle& self, F f) {
  const Use use = Use::changing(self), using_actor = Use::changing(ActorLease{self.actor_lease});
  try {
    const WithoutGil release;
    f(*self.agent);
  } catch (const StopTraining&) {
    PyErr_SetNone(PyExc_KeyboardInterrupt);
    throw py::error_already_set();
  }
}

py::object actions_object(const Actions& actions, bool single) {
  if (actions.value.size() > 0) {
    const auto kept = std::make_shared<Matrix<float>>(actions.value);
    const py::object all = view(*kept, keep(kept), true);
    return single ? py::object(all[py::int_(0)]) : all;
  }
  if (single) return py::int_(actions.choice[0]);
  py::array_t<std::int64_t> all(static_cast<py::ssize_t>(actions.choice.size()));
  std::copy(actions.choice.begin(), actions.choice.end(), all.mutable_data());
  return all;
}

bool is_single(const ActorCriticHandle& self, const py::object& observation) {
  if (self.agent->environments() != 1) return false;
  if (py::isinstance<py::array>(observation)) return py::reinterpret_borrow<py::array>(observation).ndim() == 1;
  return py::array(observation).ndim() == 1;
}

py::object act(ActorCriticHandle& self, const py::object& observation) {
  read_rows(observation, "observation", self.observation);
  alone(self, [&](ActorCritic& agent) { agent.act(self.observation); });
  return actions_object(self.agent->latest_actions(), is_single(self, observation));
}

/// One number for each environment, or a single one.
template <class T, class Convert>
void read_each(const py::object& object, const char* name, std::vector<T>& out, Convert convert) {
  const bool scalar = !py::isinstance<py::array>(object) || py::reinterpret_borrow<py::array>(object).ndim() == 0;
  if (scalar && !py::isinstance<py::sequence>(object)) {
    if (out.size() != 1) throw ValueError(std::string(name) + " must have shape (" + std::to_string(out.size()) + ",)");
    out[0] = convert(object);
    return;
  }
  const py::array array = py::array(object);
  if (array.ndim() != 1 || static_cast<std::size_t>(array.shape(0)) != out.size())
    throw ValueError(std::string(name) + " must have shape (" + std::to_string(out.size()) + ",), got " +
                     shape_of(array));
  if (array.dtype().kind() == 'b' && sizeof(T) == 1) {
    for (std::size_t k = 0; k < out.size(); ++k)
      out[k] = static_cast<T>(*static_cast<const char*>(array.data(static_cast<py::ssize_t>(k))));
  } else {
    for (std::size_t k = 0; k < out.size(); ++k) out[k] = convert(array[py::int_(k)]);
  }
}

double reward_from(const py::object& object) {
  return PyFloat_Check(object.ptr()) ? PyFloat_AS_DOUBLE(object.ptr()) : real_number(object, "reward");
}

std::size_t observe(ActorCriticHandle& self, const py::object& reward, const py::object& next_observation,
                    const py::object& terminated, const py::object& truncated) {
  read_rows(next_observation, "next_observation", self.observation);
  read_each(reward, "reward", self.reward, &reward_from);
  read_each(terminated, "terminated", self.terminated, [](const py::object& o) { return char(flag(o, "terminated")); });
  read_each(truncated, "truncated", self.truncated, [](const py::object& o) { return char(flag(o, "truncated")); });
  alone(self,
        [&](ActorCritic& agent) { agent.observe(self.reward, self.observation, self.terminated, self.truncated); });
  return self.agent->ended().size();
}

py::object predict(const ActorCriticHandle& self, const py::object& observation, const py::object& deterministic) {
  const Matrix<float> x = matrix<float>(observation, "observation");
  const bool by_mean = flag(deterministic, "deterministic");
  Actions actions;
  alone(self, [&](ActorCritic& agent) { agent.predict(x, by_mean, actions); });
  return actions_object(actions, false);
}

std::unique_ptr<ActorCriticHandle> make(const py::object& n_observations, const py::object& actions,
                                        const py::object& rule, const py::object& given, const py::object& seed,
                                        const py::object& environments) {
  const auto settings = settings_from(given, seed_from(seed));
  const auto space = space_from(actions);
  auto net =
      ActorCritic::make_actor(static_cast<Index>(whole_bits(n_observations, "n_observations", 30)), space, settings);
  const py::object actor = py::cast(NetworkHandle{net});
  const auto n = static_cast<Index>(whole_bits(environments, "environments", 30));
  return std::make_unique<ActorCriticHandle>(
      actor, std::make_shared<ActorCritic>(net, space, rule_from(rule, actor), settings, n));
}

/// A view of the critic's parameters, which lives as long as the agent's.
NetworkHandle critic_of(const ActorCriticHandle& self) {
  return {std::shared_ptr<Network<float>>(self.agent, &self.agent->critic().parameters())};
}

py::list ended(const ActorCriticHandle& self) {
  py::list list;
  for (const auto& [environment, total, length] : self.agent->ended())
    list.append(py::make_tuple(environment, total, length));
  return list;
}

py::array td_error(const ActorCriticHandle& self) {
  const auto kept = std::make_shared<Vector<double>>(self.agent->td_error());
  return view(*kept, keep(kept), true);
}

py::tuple statistics(const RunningStatistics& of) {
  py::list deviations;
  for (Index i = 0; i < of.mean().size(); ++i) deviations.append(of.deviation(i));
  const auto mean = std::make_shared<Vector<double>>(of.mean());
  return py::make_tuple(of.count(), view(*mean, keep(mean), true), py::array(deviations));
}

void bind_calls(py::class_<ActorCriticHandle>& cls) {
  cls.def("act", &act, py::arg("observation"), act_doc)
      .def("observe", &observe, py::arg("reward"), py::arg("next_observation"), py::arg("terminated"),
           py::arg("truncated"), observe_doc)
      .def("predict", &predict, py::arg("observation"), py::kw_only(), py::arg("deterministic") = false, predict_doc)
      .def(
          "begin", [](const ActorCriticHandle& self) { alone(self, [](ActorCritic& agent) { agent.begin(); }); },
          "Gives up the episodes that are under way: the next observations begin new ones.")
      .def(
          "set_environments",
          [](ActorCriticHandle& self, const py::object& n) {
            const auto environments = static_cast<Index>(whole_bits(n, "n", 30));
            alone(self, [&](ActorCritic& agent) { agent.set_environments(environments); });
            self.resize();
          },
          py::arg("n"), "Other environments from now on, this many. Episodes under way are given up.")
      .def(
          "save",
          [](const ActorCriticHandle& self, const std::filesystem::path& path, const py::dict& extra) {
            const Extra values = extra_from(extra);
            alone(self, [&](ActorCritic& agent) { agent.save(path, values); });
          },
          py::arg("path"), py::arg("extra"), save_doc)
      .def(
          "restore",
          [](ActorCriticHandle& self, const std::filesystem::path& path) {
            Extra extra;
            alone(self, [&](ActorCritic& agent) { extra = agent.restore(path); });
            self.resize();
            return extra_object(extra);
          },
          py::arg("path"), restore_doc);
}

void bind_properties(py::class_<ActorCriticHandle>& cls) {
  cls.def_property_readonly(
         "environments", [](const ActorCriticHandle& self) { return self.agent->environments(); }, "How many.")
      .def_property(
          "dead_step", [](const ActorCriticHandle& self) { return self.agent->dead_step(); },
          [](const ActorCriticHandle& self, const py::object& value) {
            self.agent->set_dead_step(flag(value, "dead_step"));
          },
          "Whether the step after the end of an episode does nothing but begin the next one.")
      .def_property_readonly(
          "timesteps", [](const ActorCriticHandle& self) { return self.agent->timesteps(); },
          "Steps that were learned from.")
      .def_property_readonly(
          "episodes", [](const ActorCriticHandle& self) { return self.agent->episodes(); }, "Episodes that ended.")
      .def_property_readonly("ended", &ended,
                             "(environment, sum of rewards, length) of each episode that the latest observe ended.")
      .def_property_readonly("td_error", &td_error, "What the latest observe taught, (environments,).")
      .def_property_readonly(
          "actor", [](const ActorCriticHandle& self) { return self.actor; }, "The Network that acts.")
      .def_property_readonly("critic", &critic_of, "A Network that holds the critic's parameters.")
      .def_property_readonly(
          "observation_statistics",
          [](const ActorCriticHandle& self) { return statistics(self.agent->observation_statistics()); },
          "How many observations there were, their mean and their deviation.")
      .def_property_readonly(
          "return_statistics",
          [](const ActorCriticHandle& self) { return statistics(self.agent->return_statistics()); },
          "The same of the discounted sums of past rewards.");
}

}  // namespace

void bind_rl(py::module_& module) {
  py::class_<ActorCriticHandle> cls(module, "ActorCritic", actor_critic_doc);
  cls.def(py::init(&make), py::arg("n_observations"), py::arg("actions"), py::arg("rule"), py::arg("settings"),
          py::kw_only(), py::arg("seed") = 0, py::arg("environments") = 1);
  bind_calls(cls);
  bind_properties(cls);
}

}  // namespace uwm::python
