"""The agent in a pool of EnvPool, whose environments step together in C++."""

from __future__ import annotations

import itertools
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import uwm

gym = pytest.importorskip("gymnasium")
envpool = pytest.importorskip("envpool", reason="no EnvPool: pip install 'uwm[envpool]'")

import uwm.rl  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:.*precision lowered by casting:UserWarning")


MANUAL = Path(__file__).parents[1] / "docs" / "rl.md"


def pool(env_id: str = "CartPole-v1", num_envs: int = 4, **options: Any) -> Any:
    return envpool.make(env_id, env_type="gymnasium", num_envs=num_envs, **options)


class Recorded(gym.vector.VectorWrapper):  # type: ignore[misc]
    """Keeps what each step of a pool returned."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.steps: list[Any] = []

    def step(self, actions: Any) -> Any:
        self.steps.append(self.env.step(actions))
        return self.steps[-1]

    def episodes(self) -> list[tuple[float, int]]:
        """Return and length of each episode, from the rewards and ends of the steps."""
        found = []
        totals, lengths = np.zeros(self.num_envs), np.zeros(self.num_envs, int)
        resting = np.zeros(self.num_envs, bool)
        for _, reward, terminated, truncated, _ in self.steps:
            totals += reward
            lengths += ~resting
            resting = terminated | truncated
            found += zip(totals[resting].tolist(), lengths[resting].tolist(), strict=True)
            totals[resting] = lengths[resting] = 0
        return found


@pytest.mark.parametrize("limit", [500, 15])  # most episodes terminate; most are truncated
def test_the_log_has_the_episodes_of_the_pool(limit: int) -> None:
    env = Recorded(pool(num_envs=16, max_episode_steps=limit))
    agent = uwm.rl.Agent(env)
    log = agent.learn(episodes=60)
    assert list(zip(log.returns, log.lengths, strict=True)) == env.episodes()
    steps = 16 * len(env.steps)
    dead = sum((over[2] | over[3]).sum() for over in env.steps[:-1])
    assert agent.num_timesteps == steps - dead


def test_a_pool_resets_in_the_step_after_the_end() -> None:
    """What the agent relies on: the last observation comes with the end, rows are in order."""
    env = Recorded(pool(num_envs=32, max_episode_steps=12))
    uwm.rl.Agent(env).learn(total_timesteps=1500)
    kinds = set()
    for before, after in itertools.pairwise(env.steps):
        x, _, terminated, truncated, info = before
        assert list(info["env_id"]) == list(range(32))
        fallen = (np.abs(x[:, 0]) > 2.4) | (np.abs(x[:, 2]) > 12 * np.pi / 180)
        assert np.array_equal(fallen[~truncated], terminated[~truncated])
        assert (info["elapsed_step"][truncated] == 12).all()
        over = terminated | truncated
        assert (np.abs(after[0][over]) <= 0.05).all()
        assert not (after[1][over].any() or after[2][over].any() or after[3][over].any())
        kinds |= {"terminated"} if terminated.any() else set()
        kinds |= {"truncated"} if truncated.any() else set()
    assert kinds == {"terminated", "truncated"}


@pytest.mark.parametrize(
    "env_id",
    ["Acrobot-v1", "MountainCarContinuous-v0", "Pendulum-v1", "LunarLander-v3", "FrozenLake-v1"],
)
def test_pools_of_other_spaces(env_id: str) -> None:
    agent = uwm.rl.Agent(pool(env_id))
    agent.learn(total_timesteps=900)
    assert 900 <= agent.num_timesteps < 904


def test_the_seeds_are_those_of_the_pool() -> None:
    def returns(seed: int) -> list[float]:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*seed.*")
            return list(uwm.rl.Agent(pool(seed=seed), seed=7).learn(episodes=8).returns)

    assert returns(1) == returns(1) != returns(2)


def test_an_agent_of_a_pool_begins_anew_after_an_error() -> None:
    def stop(agent: uwm.rl.Agent, episode: dict[str, Any]) -> None:
        raise ZeroDivisionError

    env = Recorded(pool())
    agent = uwm.rl.Agent(env)
    with pytest.raises(ZeroDivisionError):
        agent.learn(episodes=1, callback=stop)
    agent.learn(total_timesteps=1)
    assert list(env.steps[-1][4]["elapsed_step"]) == [1, 1, 1, 1]


def test_an_agent_of_a_pool_is_saved_evaluated_and_moved(tmp_path: Path) -> None:
    agent = uwm.rl.Agent(pool(), hidden=[8])
    agent.learn(episodes=3)
    assert agent.env_id is None
    with pytest.raises(ValueError, match="evaluate must be given an env"):
        agent.evaluate()
    assert len(agent.evaluate("CartPole-v1", episodes=2)) == 2
    agent.save(tmp_path / "agent.safetensors")
    again = uwm.rl.load(tmp_path / "agent.safetensors", env=pool(num_envs=2))
    assert len(again.learn(episodes=2)) == 2


def test_pools_that_do_not_step_as_one_are_refused() -> None:
    with pytest.raises(ValueError, match=r"all its environments at once.* batch_size=2 and"):
        uwm.rl.Agent(pool(batch_size=2))
    with pytest.raises(ValueError, match="one player in each environment"):
        uwm.rl.Agent(pool(max_num_players=2))


def test_rules_and_seeds_share_a_pool() -> None:
    def returns(pool_seed: int) -> list[list[float]]:
        agents = [
            uwm.rl.Agent("Acrobot-v1", rule=rule, seed=seed)
            for rule in ("unbiased_weight_max", "reinforce")
            for seed in range(2)
        ]
        env = pool("Acrobot-v1", seed=pool_seed, max_episode_steps=200)
        logs = uwm.rl.learn_together(agents, env, episodes=3)
        assert all(log.steps[-1] == log.lengths.sum() for log in logs)
        return [list(log.returns) for log in logs]

    first = returns(1)
    assert returns(1) == first
    assert {len(log) for log in first} == {3}


def test_cartpole_is_learned_in_a_pool() -> None:
    log = uwm.rl.Agent(pool(num_envs=8, seed=1), seed=1).learn(total_timesteps=100_000)
    assert log.last(50) > 300


@pytest.mark.skipif(not MANUAL.exists(), reason="the manual is not here")
def test_the_examples_of_the_manual_run() -> None:
    page = MANUAL.read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    for code in re.findall(r"^```python no-run\n(.*?)^```", page, re.M | re.S):
        exec(compile(code, str(MANUAL), "exec"), names)
    assert len(names["test"]) == 3
    assert [len(log) for log in names["logs"]] == [5] * 10
