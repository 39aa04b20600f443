"""How a rule's noise, learning and cost change with the number of units.

Two axes: the width of the hidden layers at a fixed number of layers, and the number of layers at a
fixed width. Learning rates that suit one size do not suit another, so every rule is trained at
every size with the same few multiples of the settings' rates, and its best multiple counts.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import uwm
from uwm.analysis import sampled_statistics
from uwm.analysis.sampling import GROUPS
from uwm.checks import finite, sequence, whole_number
from uwm.experiments.comparison import (
    MOST_JOBS,
    Request,
    Run,
    available_cores,
    chosen_task,
    digest_of,
    new_baseline,
    new_network,
    new_optimizer,
    train_all,
)
from uwm.experiments.results import (
    SETTINGS,
    UNREADABLE,
    csv_text,
    draw,
    make_folder,
    make_room,
    origin,
    read_rows,
    write_json,
)
from uwm.experiments.settings import MOST_LAYERS, SIMD_GROUPS, Settings, read_json
from uwm.experiments.statistics import student_t
from uwm.files import locked, replace_file
from uwm.tasks import Task

AXES = ("width", "depth")
TABLE, PLOT = "scaling.csv", "scaling.png"
MOST_UNITS = 2**31 - 1
TRAINER = "unbiased_weight_max"  # of the networks whose noise is measured after training


@dataclass(frozen=True)
class Plan:
    """What to measure.

    settings: task, rules, seeds, and of the training runs episodes, batch size, learning rates and
    baseline; its hidden layers are not used. widths: units of each of `layers` hidden layers.
    depths: numbers of hidden layers of `width` units. factors: the multiples of the learning rates
    that are tried. samples: for the noise, per network. trained: measure the noise once more, on
    networks that TRAINER has trained. target: the mean reward whose first crossing counts.

    Raises ValueError or TypeError for values that make no sense.

    >>> Plan(Settings(), widths=(8, 16), depths=(1,)).sizes
    [('width', (8, 8)), ('width', (16, 16)), ('depth', (32,))]
    """

    settings: Settings
    widths: Sequence[int] = (8, 16, 32, 64, 128, 256, 512, 1024)
    depths: Sequence[int] = (1, 2, 3, 4, 5)
    layers: int = 2
    width: int = 32
    factors: Sequence[float] = (3.0, 1.0, 0.3, 0.1)
    samples: int = 8192
    trained: bool = False
    target: float = 0.5

    def __post_init__(self) -> None:
        for name, most in (("widths", MOST_UNITS), ("depths", MOST_LAYERS)):
            values = sequence(name, getattr(self, name))
            self._set(name, tuple(whole_number(name, value, 1, most) for value in values))
        self._set("layers", whole_number("layers", self.layers, 1, MOST_LAYERS))
        self._set("width", whole_number("width", self.width, 1, MOST_UNITS))
        self._set("samples", whole_number("samples", self.samples, 2 * GROUPS))
        self._set("target", finite("target", self.target))
        factors = sequence("factors", self.factors)
        self._set("factors", tuple(finite("factors", factor) for factor in factors))
        for factor in self.factors:
            if not factor > 0:
                raise ValueError(f"factors: expected numbers above 0, got {factor}")
        if not self.factors:
            raise ValueError("factors: expected at least one number, got none")
        if not self.sizes:
            raise ValueError("widths, depths: expected at least one size, got none")

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def sizes(self) -> list[tuple[str, tuple[int, ...]]]:
        """Every network's axis and hidden layers."""
        wide = [("width", (width,) * self.layers) for width in self.widths]
        return wide + [("depth", (self.width,) * depth) for depth in self.depths]

    def describe(self) -> str:
        """Return the settings that the results depend on in one line."""
        s = self.settings
        return (
            f"{self.layers} hidden layers against width, {self.width} units each against depth,"
            f" batch size {s.batch_size}, {s.episodes:,} episodes at the best of"
            f" {len(self.factors)} learning rates, {s.seeds} seed{'s' if s.seeds > 1 else ''}"
        )


@dataclass(frozen=True)
class Point:
    """One rule at one size with one seed.

    noise: of the first layer's update at initialisation, sqrt(trace of the covariance) / |gradient|
    (see `uwm.analysis.RuleStatistics`); noise_trained: the same after training, NaN if not asked
    for. factor: the multiple of the learning rates that the size learned best with. The rest is of
    the training run: episodes_to_target is infinite if the target was not reached; all are NaN if
    every run diverged.
    """

    axis: str
    width: int
    depth: int
    rule: str
    seed: int
    noise: float
    noise_trained: float
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


@dataclass(frozen=True)
class Exponent:
    """The slope of log noise against log number of units, and half of its 95% interval."""

    slope: float
    margin: float


@dataclass(frozen=True, eq=False)
class Scaling:
    """The results of `measure_scaling`."""

    plan: Plan
    title: str
    points: tuple[Point, ...]
    task_sha256: str | None = None

    def of(self, rule: str, axis: str) -> dict[int, list[Point]]:
        """Return a rule's points along an axis, by width or depth, one per seed."""
        found: dict[int, list[Point]] = {}
        for point in self.points:
            if (point.rule, point.axis) == (rule, axis):
                found.setdefault(point.width if axis == "width" else point.depth, []).append(point)
        return found

    def exponent(self, rule: str, axis: str = "width", quantity: str = "noise") -> Exponent:
        """Return how a quantity grows with the number of hidden units: by this power.

        NaN for fewer than three points.
        """
        points = [p for p in self.points if (p.rule, p.axis) == (rule, axis)]
        return fit_exponent([p.units for p in points], [getattr(p, quantity) for p in points])

    def write(self, folder: str | os.PathLike[str], *, plot: bool = True) -> list[Path]:
        """Write settings.json, scaling.csv, and scaling.png if wanted; return their paths.

        Points of the same settings that the folder holds already, of other rules or sizes, stay.
        Files of other settings move into a sub-folder, `earlier-1` or the next number. A picture
        that cannot be drawn is a warning.
        """
        folder = Path(folder)
        make_folder(folder)
        with locked(folder):
            made = merged(self, folder)
            if made is None:
                make_room(folder, (SETTINGS, TABLE, PLOT))
                made = self
            (folder / PLOT).unlink(missing_ok=True)
            rows = [[getattr(point, name) for name in COLUMNS] for point in made.points]
            write_json(folder / SETTINGS, described(made))
            replace_file(folder / TABLE, csv_text(list(COLUMNS), rows).encode())
        paths = [folder / SETTINGS, folder / TABLE]
        if plot:
            from uwm.experiments.plot import scaling_curves

            paths += draw(folder / PLOT, lambda: scaling_curves(made))
        return paths


COLUMNS = tuple(field.name for field in dataclasses.fields(Point))


def described(found: Scaling) -> dict[str, Any]:
    """Return settings.json: the settings, the plan, and what else the results depend on."""
    plan = found.plan
    own = {f.name: getattr(plan, f.name) for f in dataclasses.fields(plan) if f.name != "settings"}
    return {**plan.settings.as_dict(), **origin(found.task_sha256), "plan": own}


def merged(new: Scaling, folder: Path) -> Scaling | None:
    """Return the results with the folder's points, too; None if they do not go together."""
    if not any((folder / name).exists() for name in (SETTINGS, TABLE)):
        return new
    try:
        there = read_json(folder / SETTINGS)
        if identity(there) != identity(json.loads(json.dumps(described(new)))):
            return None
        points = {point.key: point for point in map(read_point, read_rows(folder / TABLE))}
        rules = [rule for rule in there["rules"] if rule not in new.plan.settings.rule_names]
        settings = dataclasses.replace(
            new.plan.settings, rules=(*rules, *new.plan.settings.rules), learning_rates={}
        )
        sizes: dict[str, Any] = {name: sorted({*there["plan"][name], *getattr(new.plan, name)})
                 for name in ("widths", "depths")}  # fmt: skip
        plan = dataclasses.replace(new.plan, settings=settings, **sizes)
    except UNREADABLE:
        return None
    points.update({point.key: point for point in new.points})
    return Scaling(plan, new.title, tuple(points.values()), new.task_sha256)


def identity(values: dict[str, Any]) -> dict[str, Any]:
    """Return of settings.json what points of one table have in common."""
    level = values["simd_level"]
    kept = {k: v for k, v in values.items() if k not in ("rules", "learning_rates", "rates_from")}
    plan = {k: v for k, v in values["plan"].items() if k not in ("widths", "depths")}
    group = next((group[0] for group in SIMD_GROUPS if level in group), level)
    # The networks measured after training have the trainer's best rates if it takes part.
    trainer = plan["trained"] and TRAINER in values["rules"]
    return {**kept, "simd_level": group, "plan": plan, "trainer": trainer}


def read_point(row: dict[str, str]) -> Point:
    """Return the point of a line of scaling.csv."""
    whole, words = ("width", "depth", "seed"), ("axis", "rule")
    values: dict[str, Any] = {
        name: row[name] if name in words else int(row[name]) if name in whole else float(row[name])
        for name in COLUMNS
    }
    return Point(**values)


def measure_scaling(
    plan: Plan,
    *,
    task: Task | None = None,
    jobs: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Scaling:
    """Measure every rule at every size.

    task, jobs: as in `compare`. progress(line): told of every network measured and run made.

    Raises as `compare` does, KeyboardInterrupt on Ctrl-C.

    >>> settings = Settings(address_bits=1, rules=("ste",), episodes=40, seeds=1)
    >>> plan = Plan(settings, widths=(4,), depths=(), factors=(1,), samples=2048)
    >>> found = measure_scaling(plan)
    >>> found.points[0].noise > 1
    True
    """
    jobs = available_cores() if jobs is None else whole_number("jobs", jobs, 1, MOST_JOBS)
    settings, title, task = chosen_task(plan.settings, task)
    plan = dataclasses.replace(plan, settings=settings)
    tell = progress or (lambda line: None)

    cells = [(axis, hidden, seed) for axis, hidden in plan.sizes for seed in settings.seed_range]
    runs = learn(plan, task, cells, jobs, tell)
    best = {
        (hidden, rule): best_factor(plan, runs, hidden, rule)
        for _, hidden in plan.sizes
        for rule in settings.rule_names
    }

    def measure(
        cell: tuple[str, tuple[int, ...], int],
    ) -> tuple[dict[str, float], dict[str, float]]:
        axis, hidden, seed = cell
        here = dataclasses.replace(settings, hidden=hidden, learning_rates={})
        net = new_network(here, task, seed)
        start = noises(net, task, settings.rules, plan.samples)
        after = dict.fromkeys(start, math.nan)
        if plan.trained:
            trained(net, task, scaled(here, best.get((hidden, TRAINER), plan.factors[0])))
            after = noises(net, task, settings.rules, plan.samples)
        tell(f"noise: {axis}, {list(hidden)}, seed {seed}")
        return start, after

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        measured = dict(zip(cells, pool.map(measure, cells), strict=True))

    points = []
    for axis, hidden, seed in cells:
        start, after = measured[axis, hidden, seed]
        for rule in settings.rule_names:
            factor = best[hidden, rule]
            run = runs.get((hidden, rule, factor, seed))
            points.append(
                Point(
                    axis=axis,
                    width=hidden[0],
                    depth=len(hidden),
                    rule=rule,
                    seed=seed,
                    noise=start[rule],
                    noise_trained=after[rule],
                    factor=factor,
                    mean_reward=run.mean_reward if run else math.nan,
                    final_reward=run.final_reward if run else math.nan,
                    episodes_to_target=episodes_to(plan.target, run) if run else math.nan,
                    microseconds_per_step=1e6 / run.steps_per_second if run else math.nan,
                )
            )
    return Scaling(plan, title, tuple(points), digest_of(settings, task))


Runs = dict[tuple[tuple[int, ...], str, float, int], Run]


def learn(
    plan: Plan,
    task: Task,
    cells: Sequence[tuple[str, tuple[int, ...], int]],
    jobs: int,
    tell: Callable[[str], None],
) -> Runs:
    """Train every rule at every size, with every multiple of the rates and every seed."""
    wanted = {
        (hidden, rule, factor, seed): Request(
            scaled(dataclasses.replace(plan.settings, hidden=hidden, learning_rates={}), factor),
            task, rule, seed,
        )
        for _, hidden, seed in cells
        for rule in plan.settings.rules
        for factor in plan.factors
    }  # fmt: skip
    keys = [
        (hidden, rule if isinstance(rule, str) else str(rule.name), factor, seed)
        for hidden, rule, factor, seed in wanted
    ]
    ended = 0

    def finished(k: int, run: object) -> None:
        nonlocal ended
        ended += 1
        hidden, rule, factor, seed = keys[k]
        reward = f"mean reward {run.mean_reward:.3f}" if isinstance(run, Run) else "diverged"
        which = f"{rule}, {list(hidden)}, rates x {factor:g}, seed {seed}"
        tell(f"{ended} of {len(keys)}: {which}: {reward}")

    found, interrupted = train_all(list(wanted.values()), jobs=jobs, finished=finished)
    if interrupted:
        raise KeyboardInterrupt
    return {key: run for key, run in zip(keys, found, strict=True) if isinstance(run, Run)}


def scaled(settings: Settings, factor: float) -> Settings:
    """Return the settings with every learning rate multiplied."""
    rates = settings.rates("")
    more = tuple(factor * r for r in rates) if isinstance(rates, tuple) else factor * rates
    return dataclasses.replace(settings, learning_rate=more)


def best_factor(plan: Plan, runs: Runs, hidden: tuple[int, ...], rule: str) -> float:
    """Return the multiple of the rates with the highest mean reward over the seeds."""

    def value(factor: float) -> float:
        found = [runs.get((hidden, rule, factor, seed)) for seed in plan.settings.seed_range]
        finished = [run.mean_reward for run in found if run is not None]
        return float(np.mean(finished)) if len(finished) == len(found) else -math.inf

    return max(plan.factors, key=value)


def episodes_to(target: float, run: Run) -> float:
    """Return after how many episodes the reward of a twentieth of a run first reached the target.

    Infinite if it never did.
    """
    window = max(1, len(run.rewards) // 20)
    mean = np.convolve(run.rewards, np.full(window, 1 / window), mode="valid")
    reached = np.flatnonzero(mean >= target)
    return float(run.episodes[reached[0] + window - 1]) if len(reached) else math.inf


def trained(net: uwm.Network, task: Task, settings: Settings) -> None:
    """Train a network with TRAINER."""
    uwm.train(
        net,
        uwm.rule(TRAINER),
        new_optimizer(settings, TRAINER),
        task,
        steps=settings.steps,
        batch_size=settings.batch_size,
        baseline=new_baseline(settings, TRAINER),
        threads=1,
    )


def noises(
    net: uwm.Network, task: Task, rules: Sequence[str | uwm.Rule], samples: int
) -> dict[str, float]:
    """Return the noise-to-signal of each rule's update of the first layer."""
    objects = [uwm.rule(rule) if isinstance(rule, str) else rule for rule in rules]
    found = sampled_statistics(net, objects, task, samples=samples, seed=net.seed, layers=1)
    return {each.name: each.standard_deviation[0].value for each in found}


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
    rows = [dataclasses.asdict(point) for point in found.points]
    return [
        {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
        for row in rows
    ]
