"""The training of one agent, which goes on bit for bit after it was ended by whatever it was."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import uwm
from uwm.experiments.environment_state import restore_environment, state_of_environment

if TYPE_CHECKING:
    from uwm.rl import Agent, Log

KEEP_EVERY = 60.0  # seconds between two checkpoints
LATEST = 100  # episodes whose mean return is told
CURVES = ("returns", "lengths", "steps")

Listen = Callable[[int, int, float], bool]


@dataclass(eq=False)
class Trained:
    """An agent in training, and what its episodes have brought so far.

    steps: the agent's, at the end of each episode. seconds: that it took, but for what this process
    has not added yet.
    """

    agent: Agent
    returns: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def log(self) -> Log:
        """The episodes that have ended."""
        from uwm.rl import Log

        return Log(self.returns, self.lengths, self.steps)


def train_agent(
    new: Callable[[], Agent],
    *,
    episodes: int | None,
    total_timesteps: int | None,
    listen: Listen,
    file: Path | None = None,
) -> Trained | None:
    """Train a new agent, or go on with the one in the file; None if `listen` says no.

    new: makes the agent, in an environment that nobody else has: it is closed at the end.
    episodes, total_timesteps: how long, one of the two. file: for a checkpoint every minute, at
    the end of an episode; None for none.
    listen(done, wanted, mean_return): called about ten times a second.

    >>> import uwm.rl
    >>> new = lambda: uwm.rl.Agent("CartPole-v1", seed=1)
    >>> done = train_agent(new, episodes=3, total_timesteps=None, listen=lambda *told: True)
    >>> len(done.log)
    3
    """
    from uwm.rl.environments import closed_at_end

    state = (None if file is None else resumed(file, new)) or Trained(new())
    with closed_at_end(state.agent.env):
        return _trained(state, episodes, total_timesteps, listen, file)


def _trained(
    state: Trained,
    episodes: int | None,
    total_timesteps: int | None,
    listen: Listen,
    file: Path | None,
) -> Trained | None:
    wanted = episodes or total_timesteps or 0
    before = len(state.returns) if episodes else state.agent.num_timesteps
    started = kept = time.monotonic()

    def ended(agent: Agent, episode: dict[str, Any]) -> None:
        nonlocal kept
        state.returns.append(episode["return"])
        state.lengths.append(episode["length"])
        state.steps.append(episode["timesteps"])
        if file is not None and time.monotonic() - kept > KEEP_EVERY:
            kept = time.monotonic()
            keep(file, state, state.seconds + kept - started)

    def progress(done: int, left: int, mean_return: float) -> bool:
        latest = state.returns[-LATEST:]  # those of earlier processes, too
        return listen(before + done, wanted, float(np.mean(latest)) if latest else mean_return)

    if before < wanted:
        length = {"episodes" if episodes else "total_timesteps": wanted - before}
        state.agent.learn(**length, callback=ended, progress=progress)
    if (len(state.returns) if episodes else state.agent.num_timesteps) < wanted:
        return None
    state.seconds += time.monotonic() - started
    if file is not None:
        file.unlink(missing_ok=True)
    return state


def resumed(file: Path, new: Callable[[], Agent]) -> Trained | None:
    """Return what a checkpoint holds; None if there is none, or it is damaged."""
    from uwm.rl import load
    from uwm.rl.environments import closed_on_error

    try:
        extra = uwm.load(file).extra
        env = new().env
        with closed_on_error(env):
            restore_environment(env, str(extra["environment"]))
            lists = {name: np.asarray(extra[name]).tolist() for name in CURVES}
            seconds = float(np.asarray(extra["seconds"]).item())
            agent = load(file, env=env)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Trained(agent, **lists, seconds=seconds)


def keep(file: Path, state: Trained, seconds: float) -> None:
    """Write a checkpoint, if the environment allows it.

    Training goes on without one where the disk is full, for instance.
    """
    environment = state_of_environment(state.agent.env)
    if environment is None:
        return
    curves = {name: np.array(getattr(state, name)) for name in CURVES}
    extra = {**curves, "seconds": np.array([seconds]), "environment": environment}
    with suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        state.agent.save(file, extra=extra)
