// An agent as a file: the actor and its optimizer as uwm::save writes them, and the rest by name.

#include <cstring>

#include "uwm/actor_critic.hpp"
#include "uwm/checkpoint.hpp"
#include "uwm/error.hpp"
#include "work/message.hpp"

namespace uwm {

namespace {

using Layers = std::vector<LayerGradient<float>>;

const std::string prefix = "agent.";

template <class M>
Array array_of(const M& m) {
  using T = typename M::Scalar;
  const std::vector<T> numbers(m.data(), m.data() + m.size());
  if constexpr (M::ColsAtCompileTime == 1) return Array(numbers);
  return Array(numbers, {static_cast<std::uint64_t>(m.rows()), static_cast<std::uint64_t>(m.cols())});
}

/// Reads arrays by name, each of the size that it must have.
class Reader {
 public:
  explicit Reader(const Extra& extra) : extra_(extra) {}

  template <class T>
  std::vector<T> numbers(const std::string& name, std::size_t size) const {
    const auto found = extra_.find(prefix + name);
    const Array* array = found == extra_.end() ? nullptr : std::get_if<Array>(&found->second);
    require(array != nullptr, "it has no ", name);
    auto read = array->numbers<T>();
    require(read.size() == size, name, " must have ", size, " numbers, got ", read.size());
    return read;
  }

  template <class M>
  void into(const std::string& name, M& target) const {
    using T = typename M::Scalar;
    const auto read = numbers<T>(name, static_cast<std::size_t>(target.size()));
    std::copy(read.begin(), read.end(), target.data());
    require(target.allFinite(), name, " must be finite");
  }

 private:
  const Extra& extra_;
};

/// Calls f(name, array) for each array of some layers.
template <class L, class F>
void for_each_array(const std::string& name, L& layers, F f) {
  for (std::size_t l = 0; l < layers.size(); ++l) {
    f(text(name, ".", l, ".weight"), layers[l].weight);
    f(text(name, ".", l, ".bias"), layers[l].bias);
  }
}

/// The same for all traces.
template <class T, class F>
void for_each_trace(const std::string& name, T& traces, F f) {
  for (Index k = 0; k < traces.environments(); ++k) for_each_array(text(name, ".", k), traces.of(k), f);
}

std::vector<Layers> moments_of(const Adam& adam) {
  const auto* moments = std::get_if<Optimizer::Moments<float>>(&adam.state());
  return moments == nullptr ? std::vector<Layers>{} : *moments;
}

}  // namespace

Extra ActorCritic::state() const {
  Extra extra;
  const auto keep = [&](const std::string& name, const auto& m) { extra.emplace(prefix + name, array_of(m)); };
  const auto numbers = [&]<class T>(const std::string& name, const std::vector<T>& v) {
    extra.emplace(prefix + name, Array(v));
  };
  const auto moments = moments_of(critic_.optimizer());
  numbers("environments", std::vector<std::int64_t>{environments_});
  numbers("counts", std::vector<std::int64_t>{timesteps_, episodes_, static_cast<std::int64_t>(predictions_),
                                              critic_.optimizer().steps(), static_cast<std::int64_t>(moments.size()),
                                              observation_statistics_.count(), return_statistics_.count(), dead_step_});
  std::vector<std::uint8_t> phases;
  for (const Phase phase : phase_) phases.push_back(static_cast<std::uint8_t>(phase));
  numbers("phase", phases);
  numbers("length", length_);
  keep("total", total_);
  keep("discounted", discounted_);
  keep("observation", observation_);
  keep("input", input_);
  keep("observation_mean", observation_statistics_.mean());
  keep("observation_squares", observation_statistics_.squares());
  keep("return_mean", return_statistics_.mean());
  keep("return_squares", return_statistics_.squares());
  for_each_array("critic", critic_.parameters().layers(), keep);
  for (std::size_t m = 0; m < moments.size(); ++m) for_each_array(text("critic_moment", m), moments[m], keep);
  for_each_trace("actor_trace", traces_, keep);
  for_each_trace("critic_trace", critic_.traces(), keep);
  return extra;
}

void ActorCritic::restore_state(const Extra& state) {
  const Reader reader(state);
  const auto read = [&](const std::string& name, auto& m) { reader.into(name, m); };
  const auto statistics = [&](RunningStatistics& target, const std::string& name, std::int64_t count) {
    Vector<double> mean = target.mean(), squares = mean;
    read(name + "_mean", mean);
    read(name + "_squares", squares);
    target.restore(count, mean, squares);
  };
  set_environments(reader.numbers<std::int64_t>("environments", 1)[0]);
  const auto n = static_cast<std::size_t>(environments_);
  const auto counts = reader.numbers<std::int64_t>("counts", 8);
  timesteps_ = counts[0];
  episodes_ = counts[1];
  predictions_ = static_cast<std::uint64_t>(counts[2]);
  statistics(observation_statistics_, "observation", counts[5]);
  statistics(return_statistics_, "return", counts[6]);
  dead_step_ = counts[7] != 0;
  const auto phases = reader.numbers<std::uint8_t>("phase", n);
  for (std::size_t k = 0; k < n; ++k) {
    require(phases[k] <= static_cast<std::uint8_t>(Phase::rests), "phase must be 0, 1 or 2");
    phase_[k] = static_cast<Phase>(phases[k]);
  }
  length_ = reader.numbers<std::int64_t>("length", n);
  read("total", total_);
  read("discounted", discounted_);
  read("observation", observation_);
  read("input", input_);
  for_each_array("critic", critic_.parameters().layers(), read);
  require(counts[4] == 0 || counts[4] == 2, "the critic's optimizer must have 0 or 2 moments, got ", counts[4]);
  Optimizer::Moments<float> moments(static_cast<std::size_t>(counts[4]), critic_.traces().of(0));
  for (std::size_t m = 0; m < moments.size(); ++m) for_each_array(text("critic_moment", m), moments[m], read);
  critic_.optimizer().restore(counts[3], moments.empty() ? Optimizer::State() : Optimizer::State(std::move(moments)));
  for_each_trace("actor_trace", traces_, read);
  for_each_trace("critic_trace", critic_.traces(), read);
}

void ActorCritic::save(const std::filesystem::path& path, const Extra& extra) const {
  require(!acted_, "an agent must be saved after observe, not between act and observe");
  require(settings_.order == Settings::Order::learn_first || phase_[0] != Phase::runs,
          "an agent with the order act_first must be saved between two episodes");
  Extra all = state();
  for (const auto& [name, value] : extra) {
    require(!name.starts_with(prefix), "names in extra must not begin with ", prefix, ", got ", name);
    all.emplace(name, value);
  }
  uwm::save(path, *actor_, {.optimizer = &adam_, .extra = std::move(all)});
}

Extra ActorCritic::restore(const std::filesystem::path& path) {
  Checkpoint found = load(path);
  ActorCritic restored = *this;
  try {
    const auto* net = std::get_if<Network<float>>(&found.net);
    require(net != nullptr && net->sizes() == actor_->sizes() && net->units() == actor_->units() &&
                net->output().name() == actor_->output().name(),
            "its network is not this agent's actor");
    require(dynamic_cast<const Adam*>(found.optimizer.get()) != nullptr, "it has no Adam of an agent");
    restored.restore_state(found.extra);
    restored.adam_.restore(found.optimizer->steps(), found.optimizer->state());
    restored.adam_.check(*net);
    *restored.actor_ = *net;
  } catch (const ValueError& error) {
    throw FileError(text(path.string(), " must be a file of an agent with these settings: ", error.what()));
  }
  *this = restored;  // a copy, since others may hold views of the parameters
  return std::move(found.extra);
}

}  // namespace uwm
