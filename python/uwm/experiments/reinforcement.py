"""Compare rules as teachers of an agent: every rule with every seed, in parallel processes."""

from __future__ import annotations

import dataclasses
import os
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import uwm
from uwm.checks import whole_number
from uwm.experiments.agent_training import train_agent
from uwm.experiments.cells import DIVERGED, FAILED, INTERRUPTED, Cell, Context, Found, Row
from uwm.experiments.compute import Record, Study, computer
from uwm.experiments.identity import is_built_in, rule_identity
from uwm.experiments.progress import Listener, Progress, interrupted, nobody
from uwm.experiments.runs import Unfinished, by_rule, reason_of
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

    def check(self) -> None:
        """Raise what no agent can be made of."""
        from uwm.rl.environments import closed_at_end

        with closed_at_end(self.agent().env):
            pass

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

        def listen(done: int, wanted: int, mean_return: float) -> bool:
            return context.tell(Progress(self.rule, self.seed, done, wanted, mean_return))

        try:
            file = None
            # A rule of one's own may remember things that no checkpoint holds.
            if context.checkpoints is not None and is_built_in(resolve(self.rule)):
                file = context.checkpoints / f"{self.cell.key}.safetensors"
            done = train_agent(
                self.agent,
                episodes=self.episodes,
                total_timesteps=self.total_timesteps,
                listen=listen,
                file=file,
            )
        except KeyboardInterrupt:
            context.monitor.stop()
            return Found(INTERRUPTED, reason=INTERRUPTED)
        except Exception as error:
            trace = "".join(traceback.format_exception(error))
            status = DIVERGED if isinstance(error, uwm.DivergenceError) else FAILED
            return Found(status, None, reason_of(error, self.rule), trace)
        if done is None:
            return Found(INTERRUPTED, reason=INTERRUPTED)
        return Found(result=self._result(done.log), about={"seconds": round(done.seconds, 6)})

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
    runs: tuple[AgentRun, ...] = ()
    unfinished: tuple[Unfinished, ...] = ()
    record: Record | None = field(default=None, compare=False)

    def requests(self) -> list[AgentRequest]:
        """Return all runs to be made: stopped early, all rules have had as many seeds."""
        length = self.episodes, self.total_timesteps
        return [
            AgentRequest(self.environment, rule, seed, *length, self.preset, self.settings)
            for seed in self.seeds
            for rule in self.rules
        ]

    def with_results(
        self, results: Sequence[AgentRun | Unfinished], record: Record
    ) -> AgentComparison:
        """Return the comparison with the results of its requests."""
        ordered = by_rule(results, len(self.rules))
        return dataclasses.replace(
            self,
            runs=tuple(each for each in ordered if isinstance(each, AgentRun)),
            unfinished=tuple(each for each in ordered if isinstance(each, Unfinished)),
            record=record,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return what was asked for, as JSON can hold it."""
        return {
            "environment": self.environment,
            "preset": self.preset,
            "rules": list(self.rules),
            "seeds": list(self.seeds),
            "episodes": self.episodes,
            "total_timesteps": self.total_timesteps,
            "settings": dict(self.settings),
        }

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
    names = tuple(dict.fromkeys(canonical("rules", rule) for rule in rules))
    if not names:
        raise ValueError("rules must hold at least one rule, got none")
    first_seed = whole_number("first_seed", first_seed, 0)
    asked = AgentComparison(
        environment,
        preset,
        names,
        tuple(range(first_seed, first_seed + seeds)),
        *checked_length(episodes, total_timesteps),
        dict(settings or {}),
    )
    requests = asked.requests()
    for request in requests[: len(names)]:
        request.check()  # refuses now what every run would refuse
    study = Study("rl", environment, asked.as_dict())
    if executor is None:
        executor = "threads" if jobs == 1 or len(requests) == 1 else "processes"
    with computer(
        study, store=store, fresh=fresh, executor=executor, jobs=jobs, progress=progress
    ) as computing:
        rows, stopped = computing.compute([request.cell for request in requests])
    results = [outcome(request, row) for request, row in zip(requests, rows, strict=True)]
    comparison = asked.with_results(results, computing.record())
    if stopped:
        raise interrupted(comparison, f"{len(comparison.runs)} runs were finished")
    return comparison


Outcome = AgentRun | Unfinished


def outcome(request: AgentRequest, row: Row) -> Outcome:
    """Return what an agent has earned, or why there is nothing."""
    if row.result is None:
        diverged = row.status == DIVERGED
        return Unfinished(request.rule, request.seed, row.reason, diverged, row.traceback)
    from uwm.rl import Log

    log = Log(row.result["returns"], row.result["lengths"], row.result["steps"])
    return AgentRun(request.rule, request.seed, log, float(row.about["seconds"]))
