"""Curves of a group for the screen: a point for many, mean and interval over seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uwm.experiments.cells import DONE, Row
from uwm.experiments.reinforcement import AgentRun
from uwm.experiments.spread import margin
from uwm.report.figures.of_agents import smoothed
from uwm.report.page.sections import Group
from uwm.rl.log import Log

MOST_POINTS = 125  # of a curve; more of them are noise on the screen

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """The curves of a group: x (points,), mean, low, high (points,), lines (seeds, points).

    seeds: of the lines. low and high bound the 95% interval of the mean, NaN for one seed.
    merged: how many recorded points one point is.
    """

    x: Array
    mean: Array
    low: Array
    high: Array
    lines: Array
    seeds: tuple[int, ...]
    merged: int

    @property
    def of(self) -> int:
        """How many seeds the mean is of."""
        return len(self.seeds)


def curves(group: Group) -> Curves | None:
    """Return the curves of a group of runs or agents; None if no row has one."""
    rows = [row for row in group.rows if row.status == DONE and row.result]
    found = agent_lines(rows) if group.rows[0].kind == "agent" else run_lines(rows)
    if found is None:
        return None
    x, lines, seeds, merged = found
    mean, half = lines.mean(axis=0), margin(lines)
    return Curves(x, mean, mean - half, mean + half, lines, tuple(seeds), merged)


Lines = tuple[Array, Array, Sequence[int], int]


def run_lines(rows: Sequence[Row]) -> Lines | None:
    """Return x, a line per seed, the seeds, and how many points became one."""
    found = []
    for row in rows:
        result = row.result or {}
        episodes, rewards = result.get("episodes"), result.get("rewards")
        if episodes and rewards and len(episodes) == len(rewards):
            y = np.array([np.nan if r is None else r for r in rewards], dtype=np.float64)
            found.append((tuple(episodes), y, int(row.spec.get("seed", 0))))
    if not found:
        return None
    grid, _ = Counter(episodes for episodes, _, _ in found).most_common(1)[0]
    found = sorted((f for f in found if f[0] == grid), key=lambda each: each[2])
    x, lines, merged = thinned(np.array(grid, dtype=np.float64), np.stack([y for _, y, _ in found]))
    return x, lines, [seed for _, _, seed in found], merged


def agent_lines(rows: Sequence[Row]) -> Lines | None:
    """Return the same of agents; a point is the mean of the episodes shortly before it."""
    runs = []
    for row in rows:
        result = row.result or {}
        if result.get("returns"):
            log = Log(result["returns"], result["lengths"], result["steps"])
            rule, seed = str(row.spec.get("rule")), int(row.spec.get("seed", 0))
            runs.append(AgentRun(rule, seed, log, 0.0))
    if not runs:
        return None
    runs.sort(key=lambda run: run.seed)
    most = min(int(run.log.steps[-1]) for run in runs)
    at = np.linspace(most / 20, most, MOST_POINTS)
    return at, np.stack([smoothed(run, at) for run in runs]), [run.seed for run in runs], 1


def thinned(ends: Array, lines: Array) -> tuple[Array, Array, int]:
    """Merge windows until at most MOST_POINTS are left; return ends, means, and how many make one.

    ends: where each window ends. lines (curves, windows): the mean of each.

    >>> thinned(np.arange(1.0, 401.0), np.arange(400.0)[None])[1][0, :3].tolist()
    [0.5, 2.5, 4.5]
    """
    every = -(-len(ends) // MOST_POINTS)
    starts = np.arange(0, len(ends), every)
    lengths = np.diff(ends, prepend=0.0)
    sums = np.add.reduceat(lines * lengths, starts, axis=1)
    last = np.minimum(starts + every, len(ends)) - 1
    return ends[last], sums / np.add.reduceat(lengths, starts), every
