"""Compare rules as teachers of an agent: every rule with every seed, in parallel processes."""

from __future__ import annotations

import multiprocessing
import queue
import signal
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import uwm
from uwm.checks import whole_number
from uwm.experiments.build import number_of_jobs
from uwm.experiments.progress import Listener, Monitor, Progress, interrupted, nobody
from uwm.experiments.runs import INTERRUPTED, Unfinished
from uwm.rules import canonical, resolve

MOST_SEEDS = 1_000_000
LOOK_AROUND = 0.2  # seconds


@dataclass(frozen=True)
class AgentRequest:
    """An agent to be trained: in which environment, by which rule, with which seed, how long."""

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
    jobs: int | None = None,
    progress: Listener = nobody,
) -> AgentComparison:
    """Train an agent with every rule and every seed and return what they earned.

    environment: an id of gymnasium. rules: names, or `mine.py:MyRule`. episodes, total_timesteps:
    how long, one of the two. preset, settings: as in `uwm.rl.Agent`. jobs: processes at a time, by
    default one per core. progress(event): called with a `Progress` whose steps are episodes or
    steps, and whose reward is the mean return of the last 100 episodes; when it returns False, all
    runs stop, as on Ctrl-C.

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
    monitor = Monitor(progress)
    results = train_agents(requests, len(names), number_of_jobs(jobs), monitor)
    ordered = [
        results[k] for rule in range(len(names)) for k in range(rule, len(requests), len(names))
    ]
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
    )
    if monitor.stopped:
        raise interrupted(comparison, f"{len(comparison.runs)} runs were finished")
    return comparison


Outcome = AgentRun | Unfinished


def train_agents(
    requests: Sequence[AgentRequest], rules: int, jobs: int, monitor: Monitor
) -> list[Outcome]:
    """Train all agents and return what they earned; the first `rules` are one of each rule."""
    for request in requests[:rules]:
        request.agent()  # refuses now what every run would refuse
    if min(jobs, len(requests)) == 1:
        return run_here(requests, monitor)
    return run_apart(requests, min(jobs, len(requests)), monitor)


def train_agent(request: AgentRequest, tell: Listener) -> Outcome:
    """Train one agent; `tell` may return False to stop it."""
    stopped = False

    def report(done: int, wanted: int, mean_return: float) -> bool:
        nonlocal stopped
        event = Progress(request.rule, request.seed, done, wanted, mean_return)
        stopped = tell(event) is False
        return not stopped

    started = time.monotonic()
    try:
        log = request.agent().learn(
            request.total_timesteps, episodes=request.episodes, progress=report
        )
    except KeyboardInterrupt:
        return Unfinished(request.rule, request.seed, INTERRUPTED)
    except Exception as error:
        diverged = isinstance(error, uwm.DivergenceError)
        reason = str(error) or type(error).__name__
        return Unfinished(request.rule, request.seed, reason, diverged)
    finished = not stopped or _is_whole(request, log)
    if not finished:
        return Unfinished(request.rule, request.seed, INTERRUPTED)
    return AgentRun(request.rule, request.seed, log, time.monotonic() - started)


def _is_whole(request: AgentRequest, log: Any) -> bool:
    return request.episodes is not None and len(log) >= request.episodes


def run_here(requests: Sequence[AgentRequest], monitor: Monitor) -> list[Outcome]:
    """Train all agents in this process, one after the other."""
    results: list[Outcome] = []
    for request in requests:
        if monitor.stopped:
            results.append(Unfinished(request.rule, request.seed, INTERRUPTED))
            continue
        results.append(train_agent(request, monitor.tell))
        if isinstance(results[-1], Unfinished) and results[-1].reason == INTERRUPTED:
            monitor.stop()
    return results


_events: Any = None
_stop: Any = None


def _begin_process(events: Any, stop: Any) -> None:
    """Keep what a process tells the main one by; Ctrl-C is the main one's matter."""
    global _events, _stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _events, _stop = events, stop


def _tell_main(event: Progress) -> bool:
    _events.put(event)
    return not _stop.is_set()


def _train_apart(request: AgentRequest) -> Outcome:
    return train_agent(request, _tell_main)


def run_apart(requests: Sequence[AgentRequest], jobs: int, monitor: Monitor) -> list[Outcome]:
    """Train all agents in processes of their own, `jobs` at a time."""
    context = multiprocessing.get_context("spawn")
    events: Any = context.Queue()
    stop = context.Event()
    results: dict[int, Outcome] = {}
    with ProcessPoolExecutor(
        jobs, mp_context=context, initializer=_begin_process, initargs=(events, stop)
    ) as pool:
        pending: dict[Future[Outcome], int] = {
            pool.submit(_train_apart, request): k for k, request in enumerate(requests)
        }
        while pending:
            try:
                _hand_on(events, monitor)
                if monitor.stopped:
                    stop.set()
                    for future in pending:
                        future.cancel()
                done = wait(pending, timeout=LOOK_AROUND, return_when=FIRST_COMPLETED).done
                for future in done:
                    k = pending.pop(future)
                    if not future.cancelled():
                        results[k] = future.result()
            except KeyboardInterrupt:
                monitor.stop()
        _hand_on(events, monitor)
    return [
        results.get(k) or Unfinished(request.rule, request.seed, INTERRUPTED)
        for k, request in enumerate(requests)
    ]


def _hand_on(events: Any, monitor: Monitor) -> None:
    """Tell the listener what the processes have told."""
    while True:
        try:
            monitor.tell(events.get_nowait())
        except queue.Empty:
            return
