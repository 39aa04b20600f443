"""Agents that were broken off go on from their checkpoint bit for bit."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

pytest.importorskip("gymnasium")

import gymnasium

import uwm.rl
from uwm.experiments import agent_training
from uwm.experiments.cells import Context
from uwm.experiments.progress import Monitor
from uwm.experiments.reinforcement import AgentRequest, compare_agents
from uwm.report.film import write_film


def needs(package: str) -> pytest.MarkDecorator:
    missing = importlib.util.find_spec(package) is None
    return pytest.mark.skipif(missing, reason=f"{package} is not installed")


def request(environment: str, preset: str = "default", **length: int | None) -> AgentRequest:
    asked = {"episodes": None, "total_timesteps": None, **length}
    return AgentRequest(environment, "weight_max", 3, preset=preset, **asked)


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A context whose agents keep a checkpoint at the end of each episode."""
    monkeypatch.setattr(agent_training, "KEEP_EVERY", -1.0)
    return Context(checkpoints=tmp_path / "checkpoints")


def breaking_off(every: int) -> Callable[..., None]:
    """What keeps a checkpoint and then ends the work, at every so many episodes."""
    keep, kept = agent_training.keep, 0

    def keep_and_break(*args: Any) -> None:
        nonlocal kept
        keep(*args)
        kept += 1
        if kept % every == 0:
            raise RuntimeError("the machine has gone")

    return keep_and_break


@pytest.mark.parametrize(
    "asked",
    [
        request("CartPole-v1", episodes=40),
        request("CartPole-v1", total_timesteps=777),
        request("CartPole-v1", "published", episodes=40),  # acts before it learns
        request("CartPole-v1", "published_traces", total_timesteps=777),
        request("Acrobot-v1", episodes=5),
        request("MountainCarContinuous-v0", total_timesteps=4000),
        request("FrozenLake-v1", episodes=40),
        pytest.param(request("LunarLander-v3", episodes=8), marks=needs("Box2D")),
        pytest.param(request("LunarLander-v3", "published", episodes=8), marks=needs("Box2D")),
        pytest.param(request("MinAtar/Breakout-v1", episodes=40), marks=needs("minatar")),
        pytest.param(request("MinAtar/Asterix-v1", episodes=40), marks=needs("minatar")),
    ],
    ids=lambda r: f"{r.environment}-{r.preset}-{r.episodes or r.total_timesteps}",
)
def test_an_agent_goes_on_bit_for_bit(
    asked: AgentRequest, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = asked(Context())
    assert undisturbed.status == "done"
    assert undisturbed.result is not None
    episodes = len(undisturbed.result["returns"])
    monkeypatch.setattr(agent_training, "keep", breaking_off(every=3))
    folder = context.checkpoints
    assert folder is not None
    for _ in range(episodes // 3):
        found = asked(context)
        assert "the machine has gone" in found.reason
        assert len(list(folder.iterdir())) == 1
    found = asked(context)
    assert found.result == undisturbed.result
    assert found.about["seconds"] > 0
    assert not list(folder.iterdir())


def test_progress_counts_what_earlier_processes_have_done(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request("CartPole-v1", episodes=30)
    monkeypatch.setattr(agent_training, "keep", breaking_off(every=11))
    told: list[int] = []
    listening = Context(
        monitor=Monitor(lambda event: told.append(event.step)), checkpoints=context.checkpoints
    )
    for status in ("failed", "failed", "done"):
        told.clear()
        assert asked(listening).status == status
    assert min(told) >= 22 and told[-1] == 30


class Remembers(gymnasium.Env):  # type: ignore[misc]
    """An environment of one's own: its episodes become longer and longer."""

    observation_space: ClassVar[Any] = gymnasium.spaces.Box(-1, 1, (2,))
    action_space: ClassVar[Any] = gymnasium.spaces.Discrete(2)

    def __init__(self) -> None:
        self.length = self.left = 0
        self.unpicklable = (each for each in ())

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.length += 1
        self.left = self.length
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.left -= 1
        return np.ones(2, np.float32), 1.0, self.left == 0, False, {}


def test_in_an_environment_of_ones_own_an_agent_begins_anew(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gymnasium.envs.registration, "registry", dict(gymnasium.registry))
    gymnasium.register("Remembers-v0", Remembers)
    asked = request("Remembers-v0", episodes=9)
    with monkeypatch.context() as patched:
        patched.setattr(agent_training, "keep", breaking_off(every=6))
        assert asked(context).status == "failed"
    assert context.checkpoints is not None and not context.checkpoints.exists()
    found = asked(context)
    assert found.result is not None and found.result["returns"] == [*range(1, 10)]


def test_a_damaged_checkpoint_is_left_aside(context: Context) -> None:
    asked = request("CartPole-v1", episodes=5)
    assert context.checkpoints is not None
    context.checkpoints.mkdir()
    (context.checkpoints / f"{asked.cell.key}.safetensors").write_bytes(b"no checkpoint")
    assert asked(context).result == asked(Context()).result


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The environments that are made and not closed, all of the id Remembers-v0."""
    found: list[Any] = []

    class Counted(Remembers):
        metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 30}

        def __init__(self, **options: Any) -> None:
            super().__init__()
            self.render_mode = options.get("render_mode")
            found.append(self)

        def render(self) -> Any:
            return np.zeros((2, 2, 3), np.uint8)

        def close(self) -> None:
            found.remove(self)

    monkeypatch.setattr(gymnasium.envs.registration, "registry", dict(gymnasium.registry))
    gymnasium.register("Remembers-v0", Counted)
    return found


def test_environments_are_closed(opened: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    compare_agents("Remembers-v0", seeds=2, episodes=2, jobs=1)
    assert not opened
    monkeypatch.setattr(Remembers, "step", lambda env, action: 1 / 0)
    assert request("Remembers-v0", episodes=2)(Context()).status == "failed"
    assert not opened
    with pytest.raises(ValueError, match="discount"):
        uwm.rl.Agent("Remembers-v0", discount=2)
    with pytest.raises(ValueError, match="env must have the agent's observations"):
        uwm.rl.Agent("CartPole-v1").set_env("Remembers-v0")
    assert not opened


def test_evaluation_and_films_close_their_environments(opened: list[Any], tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    agent = uwm.rl.Agent("Remembers-v0")
    agent.evaluate(episodes=2)
    agent.evaluate("Remembers-v0", episodes=2)
    agent.evaluate(agent.env, episodes=2)
    write_film(agent, "Remembers-v0", str(tmp_path / "film.gif"))
    assert opened == [agent.env.unwrapped]


def test_a_checkpoint_of_another_environment_leaves_none_open(
    opened: list[Any], tmp_path: Path
) -> None:
    file = tmp_path / "agent.safetensors"
    uwm.rl.Agent("CartPole-v1").save(file, extra={"environment": "{}"})
    assert agent_training.resumed(file, lambda: uwm.rl.Agent("Remembers-v0")) is None
    assert not opened
