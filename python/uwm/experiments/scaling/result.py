"""The result: a point for every rule, size and seed, and how points grow with the units."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from uwm.checks import one_of
from uwm.experiments.compute import Record
from uwm.experiments.runs import Unfinished
from uwm.experiments.scaling.plan import AXES, Plan
from uwm.experiments.spread import student_t
from uwm.formats import known


@dataclass(frozen=True)
class Point:
    """One rule at one size with one seed.

    noise_to_signal: of the first layer's update at initialisation, as in
    `uwm.analysis.RuleStatistics`. noise_to_signal_trained: the same after training, NaN if not
    asked for. factor: the multiple of the learning rates that the size learned best with. The rest
    is of the training run: episodes_to_target is infinite if the target was not reached; all are
    NaN if every run diverged. What is not finished is NaN, too.
    """

    axis: str
    width: int
    depth: int
    rule: str
    seed: int
    noise_to_signal: float
    noise_to_signal_trained: float
    factor: float
    mean_reward: float
    final_reward: float
    episodes_to_target: float
    microseconds_per_step: float

    @property
    def key(self) -> tuple[str, int, int, str, int]:
        """What tells the point from the others."""
        return self.axis, self.width, self.depth, self.rule, self.seed

    @property
    def units(self) -> int:
        """The number of hidden units."""
        return self.width * self.depth


QUANTITIES = tuple(field.name for field in dataclasses.fields(Point) if field.type == "float")


@dataclass(frozen=True)
class Exponent:
    """The slope of log noise against log number of units, and half of its 95% interval."""

    slope: float
    margin: float


@dataclass(frozen=True, eq=False)
class Scaling:
    """The results of `measure_scaling`.

    unfinished: runs and measurements that Ctrl-C or an error in a rule or task has ended. record:
    what it is made of.
    """

    plan: Plan
    title: str
    points: tuple[Point, ...]
    task_sha256: str | None = None
    unfinished: tuple[Unfinished, ...] = ()
    record: Record | None = field(default=None, compare=False)

    def of(self, rule: str, axis: str) -> dict[int, list[Point]]:
        """Return a rule's points along an axis, by width or depth, one per seed.

        Raises ValueError for a rule that was not measured, or another axis.
        """
        self._check(rule, axis)
        found: dict[int, list[Point]] = {}
        for point in self.points:
            if (point.rule, point.axis) == (rule, axis):
                found.setdefault(point.width if axis == "width" else point.depth, []).append(point)
        return found

    def exponent(
        self, rule: str, axis: str = "width", quantity: str = "noise_to_signal"
    ) -> Exponent:
        """Return how a quantity grows with the number of hidden units: by this power.

        quantity: a number of `Point`. NaN for fewer than three points.
        Raises ValueError for a rule that was not measured, another axis or another quantity.
        """
        self._check(rule, axis)
        one_of("quantity", quantity, QUANTITIES)
        points = [p for p in self.points if (p.rule, p.axis) == (rule, axis)]
        return fit_exponent([p.units for p in points], [getattr(p, quantity) for p in points])

    def _check(self, rule: str, axis: str) -> None:
        one_of("rule", rule, self.plan.settings.rule_names)
        one_of("axis", axis, AXES)


def fit_exponent(units: Sequence[float], values: Sequence[float]) -> Exponent:
    """Return the least-squares slope of log value against log units, with its 95% interval.

    >>> found = fit_exponent([8, 16, 32, 64], [2.0, 4.0, 8.0, 16.0])
    >>> round(found.slope, 6)
    1.0
    """
    pairs = [(math.log(u), math.log(v)) for u, v in zip(units, values, strict=True)
             if 0 < v < math.inf]  # fmt: skip
    if len({x for x, _ in pairs}) < 2 or len(pairs) < 3:
        return Exponent(math.nan, math.nan)
    x, y = np.array(pairs).T
    x, y = x - x.mean(), y - y.mean()
    slope = float(x @ y / (x @ x))
    freedom = len(pairs) - 2
    error = math.sqrt(float(((y - slope * x) ** 2).sum()) / freedom / float(x @ x))
    return Exponent(slope, student_t(freedom) * error)


def describe_points(found: Scaling) -> list[dict[str, Any]]:
    """Return the points as JSON can hold them: null for what there is not."""
    return [
        {name: known(value) for name, value in dataclasses.asdict(point).items()}
        for point in found.points
    ]
