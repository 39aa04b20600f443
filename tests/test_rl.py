"""The agent in environments whose returns and TD errors are known by hand."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import uwm

gym = pytest.importorskip("gymnasium")

import uwm.rl  # noqa: E402

# Observation, reward, terminated, truncated after each step of one episode; an episode begins at 0.
TERMINATED = [(1.0, 1.0, False, False), (2.0, 2.0, True, False)]
TRUNCATED = [(3.0, 0.5, False, True)]


class Scripted(gym.Env):  # type: ignore[misc]
    """Goes through the episodes of a script, again and again, whatever the actions."""

    observation_space = gym.spaces.Box(-10, 10, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, *script: list[tuple[float, float, bool, bool]]) -> None:
        self.script = script or (TERMINATED, TRUNCATED)
        self.episode = -1
        self.step_number = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.episode = (self.episode + 1) % len(self.script)
        self.step_number = 0
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, *rest = self.script[self.episode][self.step_number]
        self.step_number += 1
        return np.full(1, observation, np.float32), *rest, {}


# A critic V = w x + b; nothing is normalised.
BY_HAND: dict[str, Any] = {
    "critic_hidden": [],
    "critic_trace": 0.5,
    "discount": 0.5,
    "normalize_observations": False,
    "scale_rewards": False,
}


def plain_agent(env: Any, w: float = 1.0, b: float = 0.5, **settings: Any) -> uwm.rl.Agent:
    agent = uwm.rl.Agent(env, **{**BY_HAND, **settings})
    agent.critic.layers[0].weight = [[w]]
    agent.critic.layers[0].bias = [b]
    return agent


def values(agent: uwm.rl.Agent) -> tuple[float, float]:
    layer = agent.critic.layers[0]
    return float(layer.weight[0, 0]), float(layer.bias[0])


def weights(agent: uwm.rl.Agent) -> list[Any]:
    return [layer.weight for layer in (*agent.actor.layers, *agent.critic.layers)]


class Critic:
    """V = w x + b by TD(0.5) with bounded steps, in plain Python; an environment's column."""

    def __init__(self, w: float, b: float) -> None:
        self.w, self.b = w, b
        self.z = [0.0, 0.0]

    def value(self, x: float) -> float:
        return self.w * x + self.b

    def see(self, x: float) -> None:
        self.z = [0.25 * self.z[0] + x, 0.25 * self.z[1] + 1]

    def change(self, delta: float) -> tuple[float, float]:
        alpha = min(1, 1 / (max(abs(delta), 1) * (abs(self.z[0]) + abs(self.z[1]))))
        return alpha * delta * self.z[0], alpha * delta * self.z[1]

    def forget(self) -> None:
        self.z = [0.0, 0.0]


def by_hand(truncation: str) -> tuple[list[float], tuple[float, float]]:
    """TD errors and the critic after the two scripted episodes."""
    critic = Critic(1.0, 0.5)
    errors = []
    for episode in (TERMINATED, TRUNCATED):
        x = 0.0
        for after, reward, terminated, truncated in episode:
            critic.see(x)
            over = terminated or (truncated and truncation == "terminate")
            delta = reward + (0 if over else 0.5 * critic.value(after)) - critic.value(x)
            delta = 0.0 if truncated and truncation == "skip" else delta
            dw, db = critic.change(delta)
            critic.w, critic.b = critic.w + dw, critic.b + db
            errors.append(delta)
            x = after
        critic.forget()
    return errors, (critic.w, critic.b)


@pytest.mark.parametrize("truncation", ["bootstrap", "terminate", "skip"])
def test_td_errors_are_those_computed_by_hand(truncation: str) -> None:
    agent = plain_agent(Scripted(), truncation=truncation)
    errors = []
    for steps in (1, 2, 3):
        agent.learn(total_timesteps=1)
        errors.append(float(agent._engine.td_error[0]))
        assert agent.num_timesteps == steps
    wanted, critic = by_hand(truncation)
    assert errors == pytest.approx(wanted, abs=1e-6)
    assert values(agent) == pytest.approx(critic, abs=1e-6)


def test_the_log_has_the_returns_lengths_and_steps_of_the_script() -> None:
    log = plain_agent(Scripted()).learn(episodes=4)
    assert list(log.returns) == [3.0, 0.5, 3.0, 0.5]
    assert list(log.lengths) == [2, 1, 2, 1]
    assert list(log.steps) == [2, 3, 5, 6]
    assert log.mean_return == 1.75
    assert log.last(1) == 0.5


def vector(mode: str) -> Any:
    """Two environments: the first as scripted, the second with the episodes the other way round."""
    return gym.vector.SyncVectorEnv(
        [lambda: Scripted(TERMINATED, TRUNCATED), lambda: Scripted(TRUNCATED, TERMINATED)],
        autoreset_mode=gym.vector.AutoresetMode[mode],
    )


@pytest.mark.parametrize("mode", ["NEXT_STEP", "SAME_STEP", "DISABLED"])
def test_vector_environments_in_every_autoreset_mode(mode: str) -> None:
    agent = plain_agent(vector(mode))
    log = agent.learn(episodes=6)
    per_episode = sorted(zip(log.returns, log.lengths, strict=True))
    assert per_episode == [(0.5, 1)] * 3 + [(3.0, 2)] * 3
    assert agent.num_timesteps >= 9  # the dead steps of NEXT_STEP are not counted


@pytest.mark.parametrize("mode", ["NEXT_STEP", "SAME_STEP", "DISABLED"])
def test_the_last_observation_of_a_vector_episode_is_learned_from(mode: str) -> None:
    agent = plain_agent(vector(mode))
    agent.learn(total_timesteps=2)
    # The second environment was truncated at 3: 0.5 + 0.5 V(3) - V(0), with V(x) = x + 0.5.
    errors = [1 + 0.5 * 1.5 - 0.5, 0.5 + 0.5 * 3.5 - 0.5]
    assert list(agent._engine.td_error) == pytest.approx(errors, abs=1e-6)
    traces = [Critic(1.0, 0.5), Critic(1.0, 0.5)]
    changes = []
    for critic, delta in zip(traces, errors, strict=True):
        critic.see(0.0)
        changes.append(critic.change(delta))
    mean = np.mean(changes, axis=0)
    assert values(agent) == pytest.approx((1 + mean[0], 0.5 + mean[1]), abs=1e-6)


def test_the_dead_step_of_next_step_teaches_nothing() -> None:
    agent = plain_agent(vector("NEXT_STEP"))
    agent.learn(total_timesteps=2)
    before = agent.num_timesteps
    agent.learn(total_timesteps=1)  # the first terminates while the second rests
    assert agent.num_timesteps == before + 1
    assert agent._engine.td_error[1] == 0
    assert agent._engine.td_error[0] != 0


def together(n: int) -> Any:
    return gym.vector.SyncVectorEnv([Scripted] * n)


@pytest.mark.parametrize("preset", ["default", "published"])
@pytest.mark.parametrize("length", [{"total_timesteps": 50}, {"episodes": 30}])
def test_agents_learn_together_as_each_does_alone(preset: str, length: dict[str, int]) -> None:
    def made(seed: int, rule: str) -> uwm.rl.Agent:
        env = Scripted()
        env.spec = gym.spec("CartPole-v1")  # of which there are published settings
        return uwm.rl.Agent(env, rule=rule, seed=seed, preset=preset)

    rules = ("unbiased_weight_max", "ste", "reinforce")
    agents = [made(seed, rule) for seed, rule in enumerate(rules)]
    logs = uwm.rl.learn_together(agents, together(3), **length)
    for seed, (agent, log) in enumerate(zip(agents, logs, strict=True)):
        other = made(seed, rules[seed])
        alone = other.learn(**length)
        for name in ("returns", "lengths", "steps"):
            assert np.array_equal(getattr(log, name), getattr(alone, name))
        assert all(map(np.array_equal, weights(agent), weights(other)))
        agent.learn(episodes=2)  # in its own environment again


def test_each_of_several_agents_has_its_episodes_and_callback() -> None:
    seen: list[tuple[int, int]] = []

    def callback(agent: uwm.rl.Agent, episode: dict[str, Any]) -> bool:
        seen.append((agent.seed, episode["episode"]))
        return agent.seed != 1 or episode["episode"] < 2

    agents = [uwm.rl.Agent("CartPole-v1", seed=seed) for seed in range(3)]
    env = gym.make_vec("CartPole-v1", num_envs=3, vectorization_mode="sync")
    logs = uwm.rl.learn_together(agents, env, episodes=5, callback=callback, seed=1)
    assert [len(log) for log in logs] == [5, 2, 5]
    assert sorted(seen) == [(s, k) for s in range(3) for k in range(1, (2 if s == 1 else 5) + 1)]
    assert all(log.steps[-1] == log.lengths.sum() for log in logs)
    again = [uwm.rl.Agent("CartPole-v1", seed=seed) for seed in range(3)]
    logs_again = uwm.rl.learn_together(again, env, episodes=5, callback=callback, seed=1)
    assert [list(log.returns) for log in logs_again] == [list(log.returns) for log in logs]


def test_ctrl_c_leaves_the_logs_of_all_agents() -> None:
    def callback(agent: uwm.rl.Agent, episode: dict[str, Any]) -> None:
        if episode["episode"] == 3:
            raise KeyboardInterrupt

    agents = [uwm.rl.Agent(Scripted()) for _ in range(2)]
    with pytest.raises(uwm.Interrupted) as caught:
        uwm.rl.learn_together(agents, together(2), episodes=9, callback=callback)
    assert [len(log) for log in caught.value.result] == [3, 2]
    assert len(agents[0].learn(episodes=2)) == 2


def test_agents_stay_as_they_were_if_one_cannot_join(monkeypatch: pytest.MonkeyPatch) -> None:
    def in_use() -> None:
        raise RuntimeError("the agent is in use by another thread")

    agents = [uwm.rl.Agent(together(1)) for _ in range(2)]
    assert [agent._engine.dead_step for agent in agents] == [True, True]
    monkeypatch.setattr(agents[1], "_give_up", in_use)
    with pytest.raises(RuntimeError, match="in use by another thread"):
        uwm.rl.learn_together(agents, together(2), episodes=1)
    assert [agent._engine.dead_step for agent in agents] == [True, True]


def test_agents_that_do_not_fit_the_environments_are_refused() -> None:
    agents = [uwm.rl.Agent(Scripted()) for _ in range(2)]
    other = uwm.rl.Agent("CartPole-v1")
    several = uwm.rl.Agent(vector("NEXT_STEP"))
    for given, env, said in [
        (agents, together(3), "as many as there are environments, 3, got 2"),
        (agents, Scripted(), "a vector environment with NEXT_STEP"),
        (agents, vector("SAME_STEP"), "a vector environment with NEXT_STEP"),
        ([agents[0]] * 2, together(2), "one of them twice"),
        ([agents[0], other], together(2), "the agents' observations and actions"),
        ([agents[0], several], together(2), "with a single environment, got one with 2 of them"),
    ]:
        with pytest.raises(ValueError, match=said):
            uwm.rl.learn_together(given, env, episodes=1)
    with pytest.raises(TypeError, match="must be a sequence of"):
        uwm.rl.learn_together(["ste", "reinforce"], together(2), episodes=1)  # type: ignore[list-item]
    with pytest.raises(
        ValueError, match="learn_together must be given total_timesteps or episodes"
    ):
        uwm.rl.learn_together(agents, together(2))
    with pytest.raises(TypeError, match="callback must be a function"):
        uwm.rl.learn_together(agents, together(2), episodes=1, callback=3)  # type: ignore[arg-type]


class Recorded(Scripted):
    """Keeps the actions that it gets."""

    def __init__(self, space: Any) -> None:
        super().__init__()
        self.action_space = space
        self.actions: list[Any] = []

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.actions.append(action)
        return super().step(action)


def test_actions_are_of_the_action_space() -> None:
    box = gym.spaces.Box(np.array([-2.0, 0.0]), np.array([2.0, 10.0]), dtype=np.float64)
    for space in (gym.spaces.Discrete(3, start=5), box, gym.spaces.Box(-1, 1, (2, 3), np.float32)):
        env = Recorded(space)
        agent = uwm.rl.Agent(env, sigma=3.0)
        agent.learn(total_timesteps=60)
        assert all(space.contains(action) for action in env.actions)
        single, state = agent.predict(np.zeros(1))
        batch, _ = agent.predict(np.zeros((4, 1)), deterministic=True)
        assert space.contains(single)
        assert state is None
        assert all(space.contains(action) for action in batch)


@pytest.mark.parametrize(
    "space",
    [gym.spaces.Discrete(4, start=2), gym.spaces.MultiBinary(3), gym.spaces.Box(0, 1, (2, 3, 4))],
)
def test_observations_of_every_supported_space(space: Any) -> None:
    class Random(Scripted):
        observation_space = space

        def reset(self, **kwargs: Any) -> Any:
            return space.sample(), super().reset(**kwargs)[1]

        def step(self, action: Any) -> Any:
            return space.sample(), *super().step(action)[1:]

    agent = uwm.rl.Agent(Random())
    agent.learn(total_timesteps=20)
    agent.set_env(gym.vector.SyncVectorEnv([Random, Random]))
    agent.learn(total_timesteps=20)
    assert len(agent.predict(np.stack([space.sample() for _ in range(3)]))[0]) == 3


@pytest.mark.parametrize(
    ("observations", "actions", "said"),
    [
        (
            gym.spaces.Dict(x=gym.spaces.Discrete(2)),
            None,
            "got Dict: wrap the environment in Flatten",
        ),
        (gym.spaces.MultiDiscrete([2, 3]), None, "got MultiDiscrete"),
        (gym.spaces.Text(3), None, "got Text"),
        (None, gym.spaces.MultiDiscrete([2, 3]), "got MultiDiscrete"),
        (None, gym.spaces.MultiBinary(2), "got MultiBinary"),
        (None, gym.spaces.Box(0, 9, (1,), np.int32), "got a Box of int32"),
    ],
)
def test_other_spaces_are_refused_by_name(observations: Any, actions: Any, said: str) -> None:
    env = Scripted()
    env.observation_space = observations or env.observation_space
    env.action_space = actions or env.action_space
    with pytest.raises(ValueError, match=said):
        uwm.rl.Agent(env)


@pytest.mark.parametrize(
    ("error", "said", "arguments"),
    [
        (ValueError, "discount must be between 0 and 1, got 2", {"discount": 2}),
        (ValueError, "the actor's trace must be between 0 and 1, got -1", {"actor_trace": -1}),
        (
            ValueError,
            "truncation must be 'bootstrap', 'terminate' or 'skip', got 'no'",
            {"truncation": "no"},
        ),
        (ValueError, "overshoot must be positive and finite, got 0", {"overshoot": 0}),
        (ValueError, "preset must be one of default, published", {"preset": "best"}),
        (ValueError, "'tuned' is for CartPole-v1, Acrobot-v1, LunarLander-v3", {"preset": "tuned"}),
        (ValueError, "product traces need the rule weight_max", {"trace_form": "product"}),
        (ValueError, "seed must be at least 0, got -1", {"seed": -1}),
        (TypeError, "no setting 'discont'; did you mean 'discount'?", {"discont": 0.9}),
        (TypeError, "sigma must be a number, got True", {"sigma": True}),
        (TypeError, "hidden must be a sequence, got 64", {"hidden": 64}),
        (
            ValueError,
            "every number in critic_hidden must be at least 1, got 0",
            {"critic_hidden": [0]},
        ),
        (TypeError, "rule must be a uwm.Rule, got 3", {"rule": 3}),
    ],
)
def test_settings_out_of_range_are_refused(
    error: type[Exception], said: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(error, match=said.replace("?", r"\?")):
        uwm.rl.Agent(Scripted(), **arguments)


def test_calls_that_do_not_fit_are_refused() -> None:
    agent = uwm.rl.Agent(Scripted())
    with pytest.raises(ValueError, match="total_timesteps or episodes, one of the two"):
        agent.learn()
    with pytest.raises(TypeError, match="progress must be a function or None, got True"):
        agent.learn(9, progress=True)
    with pytest.raises(ValueError, match="total_timesteps must be at least 1, got 0"):
        agent.learn(0)
    with pytest.raises(ValueError, match="act must come before observe"):
        agent.observe(1.0, np.zeros(1), False, False)
    agent.act(np.zeros(1))
    with pytest.raises(ValueError, match="observe must come before the next act"):
        agent.act(np.zeros(1))
    with pytest.raises(ValueError, match=r"next_observation must have shape \(1,\), got \(2,\)"):
        agent._engine.observe(1.0, np.zeros(2), False, False)
    with pytest.raises(ValueError, match="reward must be finite, got nan"):
        agent.observe(float("nan"), np.zeros(1), False, False)
    agent.observe(1.0, np.ones(1), False, False)
    with pytest.raises(ValueError, match="must be the one that observe was given"):
        agent.act(np.zeros(1))
    with pytest.raises(TypeError, match="env must be an id"):
        uwm.rl.Agent(3)
    with pytest.raises(ValueError, match="env must have the agent's observations and actions"):
        agent.set_env("CartPole-v1")
    with pytest.raises(ValueError, match="cannot be made anew"):
        agent.evaluate()


def test_a_rule_of_ones_own_teaches_an_agent() -> None:
    class Own(uwm.Rule):
        def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
            return [np.outer(reward, np.ones(h.shape[1])) for h in sample.activations]

    own, built_in = (uwm.rl.Agent(Scripted(), rule=rule, seed=3) for rule in (Own(), "reinforce"))
    own.learn(total_timesteps=50)
    built_in.learn(total_timesteps=50)
    assert all(
        np.allclose(a, b, atol=1e-4) for a, b in zip(weights(own), weights(built_in), strict=True)
    )


def test_a_rule_that_is_not_linear_in_the_reward_is_refused() -> None:
    class Squared(uwm.Rule):
        def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
            hidden = [np.outer(reward**2, np.ones(h.shape[1])) for h in sample.activations[:-1]]
            return [*hidden, np.outer(reward, np.ones(sample.output.shape[1]))]

    with pytest.raises(ValueError, match="the rule must be linear in the reward"):
        uwm.rl.Agent(Scripted(), rule=Squared()).learn(total_timesteps=1)


def test_a_callback_sees_each_episode_and_stops_learning() -> None:
    seen: list[dict[str, Any]] = []

    def callback(agent: uwm.rl.Agent, episode: dict[str, Any]) -> bool:
        seen.append(episode)
        return len(seen) < 2

    log = plain_agent(Scripted()).learn(episodes=10, callback=callback)
    assert len(log) == 2
    assert seen[0] == {"return": 3.0, "length": 2, "environment": 0, "episode": 1, "timesteps": 2}
    assert seen[1]["episode"] == 2


def test_progress_is_told_of_the_end_and_stops_learning() -> None:
    calls: list[tuple[int, int, float]] = []
    plain_agent(Scripted()).learn(3, progress=lambda *told: calls.append(told))
    assert calls[-1] == (3, 3, 1.75)
    log = plain_agent(Scripted()).learn(10**6, progress=lambda *told: False)
    assert len(log) < 10**6


def test_an_error_in_the_environment_gives_up_the_episode() -> None:
    class Fails(Scripted):
        fails = True

        def step(self, action: Any) -> Any:
            if self.fails:
                raise RuntimeError("out of order")
            return super().step(action)

    env = Fails()
    agent = plain_agent(env)
    with pytest.raises(RuntimeError, match="out of order"):
        agent.learn(episodes=1)
    env.fails = False
    assert list(agent.learn(episodes=2).lengths) == [1, 2]  # reset once more


def test_ctrl_c_leaves_a_log_and_an_agent_that_goes_on() -> None:
    def callback(agent: uwm.rl.Agent, episode: dict[str, Any]) -> None:
        if episode["episode"] == 3:
            raise KeyboardInterrupt

    agent = plain_agent(Scripted())
    with pytest.raises(uwm.Interrupted, match="3 episodes were finished") as stopped:
        agent.learn(episodes=9, callback=callback)
    log: Any = stopped.value.result
    assert list(log.returns) == [3.0, 0.5, 3.0]
    assert len(agent.learn(episodes=2)) == 2


def test_learn_goes_on_within_an_episode() -> None:
    whole, pieces = plain_agent(Scripted()), plain_agent(Scripted())
    log = whole.learn(total_timesteps=9)
    logs = [pieces.learn(total_timesteps=1) for _ in range(9)]
    assert [r for part in logs for r in part.returns] == list(log.returns)
    assert values(whole) == values(pieces)


@pytest.mark.parametrize("preset", ["default", "published", "published_traces", "tuned"])
def test_an_agent_goes_on_from_its_file_bit_for_bit(preset: str, tmp_path: Path) -> None:
    env = gym.make("CartPole-v1")
    agent = uwm.rl.Agent(env, preset=preset, seed=5)
    agent.learn(episodes=20)
    path = tmp_path / "agent.safetensors"
    agent.save(path)
    agent.set_env(env)  # gives up the episode that the last reset began
    agent._world_or_raise().seed(11)
    twin = uwm.rl.load(path, env=gym.make("CartPole-v1"))
    twin._world_or_raise().seed(11)
    assert twin.settings == agent.settings or preset != "default"
    assert (twin.num_timesteps, twin.num_episodes, twin.preset) == (agent.num_timesteps, 20, preset)
    assert list(twin.learn(episodes=15).returns) == list(agent.learn(episodes=15).returns)
    assert all(map(np.array_equal, weights(agent), weights(twin)))
    assert agent._engine.observation_statistics[0] == twin._engine.observation_statistics[0]


def test_a_file_within_an_episode_goes_on_with_the_same_transitions(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((30, 4)).astype(np.float32)
    agent = uwm.rl.Agent("CartPole-v1")
    for k in range(10):
        agent.act(x[k])
        agent.observe(1.0, x[k + 1], False, False)
    agent.save(tmp_path / "a")
    twin = uwm.rl.load(tmp_path / "a")
    for k in range(10, 29):
        assert agent.act(x[k]) == twin.act(x[k])
        for each in (agent, twin):
            each.observe(1.0, x[k + 1], False, k == 20)
        if k == 20:
            x[21] = 0
    assert np.array_equal(agent.actor.layers[0].weight, twin.actor.layers[0].weight)


def test_files_that_are_no_agents_are_refused(tmp_path: Path) -> None:
    uwm.save(tmp_path / "net", uwm.Network([3, 1]))
    with pytest.raises(uwm.FileError, match=r"must be a file of uwm\.rl\.Agent\.save"):
        uwm.rl.load(tmp_path / "net")
    with pytest.raises(FileNotFoundError):
        uwm.rl.load(tmp_path / "nowhere")


def test_the_wrappers_of_gymnasium_work_around_the_agent() -> None:
    env = gym.make("CartPole-v1", max_episode_steps=7)
    env = gym.wrappers.RecordEpisodeStatistics(env)
    log = uwm.rl.Agent(env, seed=2).learn(episodes=5)
    assert list(env.return_queue) == list(log.returns)
    assert max(log.lengths) == 7


def test_one_agent_for_a_loop_of_ones_own_and_learn_do_the_same() -> None:
    made = [gym.make("CartPole-v1") for _ in range(2)]
    by_hand, learned = (uwm.rl.Agent(env, seed=4) for env in made)
    log = learned.learn(episodes=5)
    returns = []
    observation, _ = made[0].reset(seed=4)
    total = 0.0
    while len(returns) < 5:
        observation, reward, terminated, truncated, _ = made[0].step(by_hand.act(observation))
        by_hand.observe(reward, observation, terminated, truncated)
        total += float(reward)
        if terminated or truncated:
            returns.append(total)
            total = 0.0
            observation, _ = made[0].reset()
    assert returns == list(log.returns)


def test_predicting_does_not_touch_learning() -> None:
    quiet, asked = (uwm.rl.Agent("CartPole-v1", seed=6) for _ in range(2))
    logs = []
    for agent in (quiet, asked):
        agent.learn(episodes=5)
        if agent is asked:
            agent.predict(np.ones((50, 4)))
            agent.evaluate(episodes=2, seed=1)
        logs.append(list(agent.learn(episodes=5).returns))
    assert logs[0] == logs[1]


@pytest.mark.parametrize("mode", ["vector_entry_point", "sync"])
def test_an_agent_of_a_vector_environment_is_evaluated_in_a_single_one(mode: str) -> None:
    envs = gym.make_vec("CartPole-v1", num_envs=3, vectorization_mode=mode, max_episode_steps=7)
    log = uwm.rl.Agent(envs).evaluate(episodes=2, seed=1)
    assert list(log.lengths) == [7, 7]


def test_the_wrappers_of_a_vector_environment_are_there_in_evaluation() -> None:
    wrapper = partial(gym.wrappers.TransformReward, func=lambda reward: 3 * reward)
    envs = gym.make_vec("CartPole-v1", num_envs=2, vectorization_mode="sync", wrappers=[wrapper])
    log = uwm.rl.Agent(envs).evaluate(episodes=2, seed=1)
    assert list(log.returns) == list(3 * log.lengths)


def test_stable_baselines3_evaluates_an_agent() -> None:
    evaluation = pytest.importorskip("stable_baselines3.common.evaluation")
    agent = uwm.rl.Agent("CartPole-v1")
    mean, _ = evaluation.evaluate_policy(agent, gym.make("CartPole-v1"), n_eval_episodes=2)
    assert mean > 0


def test_without_gymnasium_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(ImportError, match=r"pip install 'uwm\[rl\]'"):
        uwm.rl.Agent("CartPole-v1")


def test_importing_uwm_imports_no_gymnasium() -> None:
    code = "import sys, uwm; assert 'gymnasium' not in sys.modules; uwm.rl.Settings()"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_cartpole_is_learned(seed: int) -> None:
    agent = uwm.rl.Agent("CartPole-v1", seed=seed)
    assert agent.learn(episodes=300).last(100) >= 400


@pytest.mark.parametrize(
    ("env", "observation", "message"),
    [
        ("CartPole-v1", [1.0, 2.0, 3.0], r"observation must have shape \(4,\), got \(3,\)"),
        ("FrozenLake-v1", 16, "observation must be a whole number from 0 to 15, got 16"),
        ("FrozenLake-v1", 0.5, "observation must be a whole number from 0 to 15, got 0.5"),
    ],
)
def test_an_observation_of_another_space_is_refused(
    env: str, observation: Any, message: str
) -> None:
    agent = uwm.rl.Agent(env)
    with pytest.raises(ValueError, match=message):
        agent.act(observation)
    with pytest.raises(ValueError, match=message):
        agent.predict(observation)
