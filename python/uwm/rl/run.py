"""Learning and evaluating, episode after episode."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from uwm import _core
from uwm.checks import is_false, whole_number
from uwm.rl.environments import World
from uwm.rl.log import Log

Progress: TypeAlias = Callable[[int, int, float], object]
EpisodeDone: TypeAlias = Callable[[int, float, int, int, int], bool]

BETWEEN_REPORTS = 0.1  # seconds
STEPS_BETWEEN_LOOKS = 64  # at the clock


class Policy(Protocol):
    """What can be evaluated."""

    def predict(
        self, observation: Any, state: None, episode_start: Any, deterministic: bool
    ) -> tuple[Any, Any]:
        """Return the action for an observation."""


class Reporter:
    """Calls a progress function now and then."""

    def __init__(self, progress: Progress | None, wanted: int, returns: list[float]) -> None:
        self._progress = progress
        self._wanted = wanted
        self._returns = returns
        self._next = time.monotonic() + BETWEEN_REPORTS
        self._steps = 0

    def goes_on(self, done: int, at_end: bool = False) -> bool:
        """Report if it is time, and tell whether to go on."""
        if self._progress is None:
            return True
        self._steps += 1
        if not at_end and (self._steps % STEPS_BETWEEN_LOOKS or time.monotonic() < self._next):
            return True
        self._next = time.monotonic() + BETWEEN_REPORTS
        latest = self._returns[-100:]
        mean = sum(latest) / len(latest) if latest else float("nan")
        return not is_false(self._progress(min(done, self._wanted), self._wanted, mean))


class Episodes:
    """The episodes that an agent ends, from now on."""

    def __init__(self, engine: _core.ActorCritic, episode_done: EpisodeDone | None) -> None:
        self.returns: list[float] = []
        self._lengths: list[int] = []
        self._steps: list[int] = []
        self._engine = engine
        self._episode_done = episode_done
        self._start = engine.timesteps

    def take(self) -> bool:
        """Note the episodes that ended in the latest step, and tell whether to go on."""
        now, goes_on = self._engine.timesteps, True
        first = self._engine.episodes - len(self._engine.ended)
        for k, (environment, total, length) in enumerate(self._engine.ended):
            self.returns.append(total)
            self._lengths.append(length)
            self._steps.append(now)
            if self._episode_done is not None:
                goes_on &= self._episode_done(environment, total, length, first + k + 1, now)
        return goes_on

    def done(self, count_steps: bool) -> int:
        """Return how many steps were taken, or how many episodes have ended."""
        return self._engine.timesteps - self._start if count_steps else len(self.returns)

    def log(self) -> Log:
        """Return the log of the episodes."""
        return Log(self.returns, self._lengths, self._steps)


def length_of(function: str, total_timesteps: int | None, episodes: int | None) -> tuple[int, bool]:
    """Return how long to learn, and whether that counts steps; raise ValueError if it is unclear.

    function: what was called, for messages.
    """
    if (total_timesteps is None) == (episodes is None):
        raise ValueError(f"{function} must be given total_timesteps or episodes, one of the two")
    if total_timesteps is None:
        return whole_number("episodes", episodes, 1), False
    return whole_number("total_timesteps", total_timesteps, 1), True


def learn(
    engine: _core.ActorCritic,
    world: World,
    wanted: int,
    count_steps: bool,
    episode_done: EpisodeDone | None,
    progress: Progress | None,
) -> Log:
    """Step until so many steps or episodes are done, and return the log of the episodes.

    Raises `uwm.Interrupted` on Ctrl-C; its `result` is the log of the episodes so far.
    """
    episodes = Episodes(engine, episode_done)
    reporter = Reporter(progress, wanted, episodes.returns)
    done, goes_on = 0, True
    try:
        while goes_on:
            if world.step(engine):
                goes_on = episodes.take()
            done = episodes.done(count_steps)
            goes_on = goes_on and reporter.goes_on(done) and done < wanted
        reporter.goes_on(done, at_end=True)
    except KeyboardInterrupt as error:
        stop = _core.Interrupted(f"interrupted, {len(episodes.returns)} episodes were finished")
        stop.result = episodes.log()
        raise stop from error
    return episodes.log()


def run_episodes(
    agent: Policy, env: Any, episodes: int, deterministic: bool, seed: int | None
) -> Log:
    """Return the log of so many episodes of a policy that does not learn."""
    returns, lengths, steps = [], [], []
    taken = 0
    for episode in range(episodes):
        observation, _ = env.reset(seed=seed if episode == 0 else None)
        total, length, over = 0.0, 0, False
        while not over:
            action, _ = agent.predict(observation, None, None, deterministic)
            observation, reward, terminated, truncated, _ = env.step(action)
            total += float(reward)
            length += 1
            over = bool(terminated or truncated)
        taken += length
        returns.append(total)
        lengths.append(length)
        steps.append(taken)
    return Log(returns, lengths, steps)
