"""Compare rules as teachers of an agent: every rule with every seed, in parallel processes."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import uwm
from uwm.checks import whole_number
from uwm.experiments.cells import DIVERGED, FAILED, INTERRUPTED, Cell, Context, Found, Row
from uwm.experiments.compute import Record, Study, computer
from uwm.experiments.identity import rule_identity
from uwm.experiments.progress import Listener, Progress, interrupted, nobody
from uwm.experiments.runs import Unfinished, reason_of
from uwm.experiments.store import Store
from uwm.formats import known
from uwm.rules import canonical, resolve

KIND = "agent"
MOST_SEEDS = 1_000_000


@dataclass(frozen=True)
class AgentRequest:
    """An agent to be trained: in which environment, by which rule, with which seed, how long.

    It is a cell's work.
    """

    environment: str
    rule: str
    seed: int
    episodes: int | None
    total_timesteps: int | None
    preset: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def agent(self) -> Any:
        """Return the agent, which has learned nothing yet."""
        from uwm.rl import Agent

        return Agent(
            self.environment,
            rule=resolve(self.rule),
            seed=self.seed,
            preset=self.preset,
            **self.settings,
        )

    @property
    def cell(self) -> Cell:
        """The agent's training as a cell."""
        spec = {
            "uwm": uwm.__version__,
            "environment": self.environment,
            **rule_identity(self.rule, resolve(self.rule)),
            "preset": self.preset,
            "settings": dict(self.settings),
            "episodes": self.episodes,
            "total_timesteps": self.total_timesteps,
            "seed": self.seed,
        }
        return Cell(KIND, spec, self)

    def __call__(self, context: Context) -> Found:
        """Train the agent, and return what it has earned."""
        stopped = False

        def report(done: int, wanted: int, mean_return: float) -> bool:
            nonlocal stopped
            event = Progress(self.rule, self.seed, done, wanted, mean_return)
            stopped = not context.tell(event)
            return not stopped

        try:
            log = self.agent().learn(self.total_timesteps, episodes=self.episodes, progress=report)
        except KeyboardInterrupt:
            context.monitor.stop()
            return Found(INTERRUPTED, reason=INTERRUPTED)
        except Exception as error:
            trace = "".join(traceback.format_exception(error))
            status = DIVERGED if isinstance(error, uwm.DivergenceError) else FAILED
            return Found(status, None, reason_of(error, self.rule), trace)
        whole = self.episodes is not None and len(log) >= self.episodes
        if stopped and not whole:
            return Found(INTERRUPTED, reason=INTERRUPTED)
        return Found(result=self._result(log))

    def _result(self, log: Any) -> dict[str, Any]:
        return {
            "mean_return": known(log.mean_return),
            "last_100": known(log.last(100)),
            "returns": log.returns.tolist(),
            "lengths": log.lengths.tolist(),
            "steps": log.steps.tolist(),
        }


@dataclass(frozen=True, eq=False)
class AgentRun:
    """What an agent has earned: a `uwm.rl.Log`, and the seconds that it took."""

    rule: str
    seed: int
    log: Any
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers of the run, as JSON can hold them."""
        return {
            "rule": self.rule,
            "seed": self.seed,
            "mean_return": self.log.mean_return,
            "last_100": self.log.last(100),
            "returns": self.log.returns.tolist(),
            "lengths": self.log.lengths.tolist(),
            "steps": self.log.steps.tolist(),
            "seconds": self.seconds,
        }


@dataclass(frozen=True, eq=False)
class AgentComparison:
    """The results of `compare_agents`: finished runs, rule by rule and seed by seed, and others."""

    environment: str
    preset: str
    rules: tuple[str, ...]
    seeds: tuple[int, ...]
    episodes: int | None
    total_timesteps: int | None
    settings: Mapping[str, Any]
    runs: tuple[AgentRun, ...]
    unfinished: tuple[Unfinished, ...] = ()
    record: Record | None = field(default=None, compare=False)

    def of(self, rule: str) -> tuple[AgentRun, ...]:
        """Return the runs of one rule."""
        return tuple(run for run in self.runs if run.rule == rule)

    def describe(self) -> str:
        """Return one line for titles."""
        amount = (
            f"{self.episodes:,} episodes" if self.episodes else f"{self.total_timesteps:,} steps"
        )
        own = "".join(f", {name} {value}" for name, value in self.settings.items())
        seeds = f"{len(self.seeds)} seed{'s' if len(self.seeds) > 1 else ''}"
        return f"{amount}, {seeds}, preset {self.preset}{own}"


def checked_length(
    episodes: int | None, total_timesteps: int | None
) -> tuple[int | None, int | None]:
    """Return the two numbers, one of them None; raise ValueError unless one says how long."""
    if (episodes is None) == (total_timesteps is None):
        raise ValueError("one of episodes and total_timesteps must be given")
    if episodes is None:
        return None, whole_number("total_timesteps", total_timesteps, 1)
    return whole_number("episodes", episodes, 1), None


def compare_agents(
    environment: str,
    *,
    rules: Sequence[str] = ("unbiased_weight_max",),
    seeds: int = 5,
    first_seed: int = 0,
    episodes: int | None = None,
    total_timesteps: int | None = None,
    preset: str = "default",
    settings: Mapping[str, Any] | None = None,
    store: Store | str | os.PathLike[str] | None = None,
    fresh: bool = False,
    executor: Any = None,
    jobs: int | None = None,
    progress: Listener = nobody,
) -> AgentComparison:
    """Train an agent with every rule and every seed and return what they earned.

    environment: an id of gymnasium. rules: names, or `mine.py:MyRule`. episodes, total_timesteps:
    how long, one of the two. preset, settings: as in `uwm.rl.Agent`. store, fresh, jobs: as in
    `compare`. executor: by default processes, for environments are Python.
    progress(event): called with a `Progress` whose steps are episodes or steps, and whose reward is
    the mean return of the last 100 episodes; when it returns False, all runs stop, as on Ctrl-C.

    Raises ValueError or TypeError for wrong settings, ImportError for a missing package, and
    `uwm.Interrupted` when stopped: its `result` is the AgentComparison of what was finished.

    >>> result = compare_agents("CartPole-v1", rules=["ste"], seeds=1, episodes=3, jobs=1)
    >>> len(result.runs[0].log)
    3
    """
    whole_number("seeds", seeds, 1, MOST_SEEDS)
    settings = dict(settings or {})
    names = tuple(dict.fromkeys(canonical("rules", rule) for rule in rules))
    if not names:
        raise ValueError("rules must hold at least one rule, got none")
    episodes, total_timesteps = checked_length(episodes, total_timesteps)
    first_seed = whole_number("first_seed", first_seed, 0)
    numbers = tuple(range(first_seed, first_seed + seeds))
    requests = [
        AgentRequest(environment, rule, seed, episodes, total_timesteps, preset, settings)
        for seed in numbers  # outermost: stopped early, all rules have had as many
        for rule in names
    ]
    for request in requests[: len(names)]:
        request.agent()  # refuses now what every run would refuse
    described = describe_study(environment, names, numbers, requests[0])
    study = Study("rl", environment, described)
    default = "threads" if jobs == 1 or len(requests) == 1 else "processes"
    with computer(
        study,
        store=store,
        fresh=fresh,
        executor=executor,
        jobs=jobs,
        progress=progress,
        default=default,
    ) as computing:
        rows, stopped = computing.compute([request.cell for request in requests])
    results = [outcome(request, row) for request, row in zip(requests, rows, strict=True)]
    ordered = [each for rule in range(len(names)) for each in results[rule :: len(names)]]
    comparison = AgentComparison(
        environment,
        preset,
        names,
        numbers,
        episodes,
        total_timesteps,
        settings,
        tuple(result for result in ordered if isinstance(result, AgentRun)),
        tuple(result for result in ordered if isinstance(result, Unfinished)),
        computing.record(),
    )
    if stopped:
        raise interrupted(comparison, f"{len(comparison.runs)} runs were finished")
    return comparison


def describe_study(
    environment: str, rules: Sequence[str], seeds: Sequence[int], one: AgentRequest
) -> dict[str, Any]:
    """Return all settings of a comparison as JSON can hold them; `one` is any of its requests."""
    return {
        "environment": environment,
        "rules": list(rules),
        "seeds": list(seeds),
        "preset": one.preset,
        "settings": dict(one.settings),
        "episodes": one.episodes,
        "total_timesteps": one.total_timesteps,
    }


Outcome = AgentRun | Unfinished


def outcome(request: AgentRequest, row: Row) -> Outcome:
    """Return what an agent has earned, or why there is nothing."""
    if row.result is None:
        diverged = row.status == DIVERGED
        return Unfinished(request.rule, request.seed, row.reason, diverged, row.traceback)
    from uwm.rl import Log

    log = Log(*(np.array(row.result[name]) for name in ("returns", "lengths", "steps")))
    return AgentRun(request.rule, request.seed, log, float(row.about["seconds"]))


def interquartile_mean(values: ArrayLike) -> float:
    """Return the mean of the middle half of some numbers (Agarwal et al., 2021).

    >>> interquartile_mean([0, 1, 2, 100])
    1.5
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = len(ordered)
    edges = np.clip(
        np.minimum(np.arange(1, n + 1), 0.75 * n) - np.maximum(np.arange(n), 0.25 * n), 0, 1
    )
    return float(edges @ ordered / edges.sum())


def bootstrap_interval(values: ArrayLike) -> tuple[float, float]:
    """Return a 95% interval of the interquartile mean, by drawing runs anew (percentiles).

    NaN for a single number.

    >>> low, high = bootstrap_interval([1.0, 2.0, 3.0, 4.0])
    >>> 1 <= low <= 2.5 <= high <= 4
    True
    """
    array = np.asarray(values, dtype=np.float64)
    if len(array) < 2:
        return math.nan, math.nan
    rng = np.random.default_rng(0)
    drawn = array[rng.integers(len(array), size=(BOOTSTRAPS, len(array)))]
    means = [interquartile_mean(row) for row in drawn]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
