"""Bias, cosine and noise-to-signal of rules on a task, of one network or along its training."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import uwm
from uwm.analysis import (
    Estimate,
    RuleStatistics,
    SampledStatistics,
    can_differentiate,
    count_activities,
    exact_gradient,
    exact_statistics,
    inputs_and_reward,
    sampled_statistics,
)
from uwm.analysis.exact import LIMIT, Reward
from uwm.analysis.sampling import check_task
from uwm.checks import finite, one_of, whole_number
from uwm.experiments.comparison import (
    digest_of,
    make_task,
    new_baseline,
    new_network,
    new_optimizer,
    title_of,
)
from uwm.experiments.named import rule_or_estimator
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
from uwm.experiments.settings import Settings, read_json
from uwm.files import locked, replace_file
from uwm.reference.arrays import Array
from uwm.reference.random import PARAMETERS, normals

RULES = (
    "reinforce",
    "ste",
    "weight_max",
    "unbiased_weight_max_one_sided",
    "unbiased_weight_max_two_sided",
    "unbiased_weight_max",
)
REWARD_SAMPLES = 2**14
MOST_CHECKPOINTS = 100_000
TABLE, PLOT = "gradients.csv", "gradients.png"

Listener = Callable[[str, int, int], object]


@dataclass(frozen=True)
class Measurement:
    """A rule's statistics in one layer after so many episodes of training.

    Each `Estimate` has a value and a 95% interval, which is a point where nothing was sampled.
    method: "enumerated" or "sampled". gradient: "exact", or the rule whose mean stands for it.
    evaluations: forward passes, each with a reward, that one update takes.
    """

    episode: int
    layer: int
    rule: str
    relative_bias: Estimate
    cosine: Estimate
    noise_to_signal: Estimate
    gradient_norm: Estimate
    method: str
    gradient: str
    samples: int
    evaluations: int

    @property
    def noise_per_reward(self) -> float:
        """Noise-to-signal times the root of the rewards of an update: at equal rewards."""
        return self.noise_to_signal.value * math.sqrt(self.evaluations)

    def as_dict(self) -> dict[str, Any]:
        """Return the measurement as one flat record, None for what is not known."""
        values: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Estimate):
                values[field.name] = known(value.value)
                values[f"{field.name}_low"] = known(value.low)
                values[f"{field.name}_high"] = known(value.high)
            else:
                values[field.name] = value
        values["noise_per_reward"] = known(self.noise_per_reward)
        return values


@dataclass(frozen=True)
class GradientStudy:
    """The result of `gradients`: measurements, and the mean reward at each checkpoint."""

    title: str
    settings: dict[str, Any]
    measurements: tuple[Measurement, ...]
    rewards: dict[int, float]

    @property
    def layers(self) -> tuple[int, ...]:
        """The hidden layers, from 0; the output if there is none (all rules are the same there)."""
        return tuple(range(max(1, len(self.settings["sizes"]) - 2)))

    def select(self, *, layer: int, rule: str | None = None) -> tuple[Measurement, ...]:
        """Return the measurements of a layer, of one rule or of all."""
        return tuple(m for m in self.measurements if m.layer == layer and rule in (None, m.rule))

    def write(self, folder: str | os.PathLike[str], *, plot: bool = True) -> list[Path]:
        """Write settings.json, gradients.csv and gradients.png; return their paths.

        Measurements with the same settings that the folder holds already, of other rules, stay.
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
            rows = [m.as_dict() for m in made.measurements]
            write_json(folder / SETTINGS, made.settings)
            table = csv_text(list(rows[0]), [list(row.values()) for row in rows])
            replace_file(folder / TABLE, table.encode())
        paths = [folder / SETTINGS, folder / TABLE]
        if plot:
            from uwm.experiments.gradient_plot import gradient_plot

            paths += draw(folder / PLOT, lambda: gradient_plot(made))
        return paths


def merged(new: GradientStudy, folder: Path) -> GradientStudy | None:
    """Return the study with the folder's rules, too; None if they do not go together."""
    if not any((folder / name).exists() for name in (SETTINGS, TABLE)):
        return new
    try:
        there = read_json(folder / SETTINGS)
        here = json.loads(json.dumps(new.settings))
        if {**there, "rules": None} != {**here, "rules": None}:
            return None
        found = [read_measurement(row) for row in read_rows(folder / TABLE)]
    except UNREADABLE:
        return None
    kept = [m for m in found if m.rule not in here["rules"]]
    rules = list(dict.fromkeys([*(m.rule for m in kept), *here["rules"]]))
    ordered = sorted((*kept, *new.measurements), key=lambda m: (m.episode, rules.index(m.rule)))
    return GradientStudy(new.title, {**new.settings, "rules": rules}, tuple(ordered), new.rewards)


def read_measurement(row: dict[str, str]) -> Measurement:
    """Return the measurement of a line of gradients.csv."""

    def number(name: str) -> float:
        return float(row[name]) if row[name] else math.nan

    values: dict[str, Any] = {}
    for name in (field.name for field in dataclasses.fields(Measurement)):
        if f"{name}_low" in row:
            values[name] = Estimate(number(name), number(f"{name}_low"), number(f"{name}_high"))
        else:
            whole = name in ("episode", "layer", "samples", "evaluations")
            values[name] = int(row[name]) if whole else row[name]
    return Measurement(**values)


def gradients(
    settings: Settings | None = None,
    rules: Sequence[Any] = RULES,
    *,
    network: uwm.Network | None = None,
    scale: float | None = None,
    method: str | None = None,
    samples: int = 2**16,
    reference: Any = None,
    checkpoints: int = 0,
    progress: Listener | None = None,
) -> GradientStudy:
    """Measure rules on a task: see Measurement.

    settings: the task and the network, and for checkpoints how to train it: the one rule, episodes,
    batch size, learning rates. first_seed is the seed of everything. Default: the multiplexer with
    2 address bits, [6, 4] hidden units.
    rules: names, as `rule_or_estimator` takes them, rules, or estimators.
    network: instead of a new one; it is not changed.
    scale: give the network normal weights of this deviation instead of those it starts with.
    method: "exact" enumerates every input and activity, "sampled" draws `samples` of them; by
    default the first if there are at most 2^24. Estimators that are no rules are always sampled.
    Where sampling, the exact gradient is still taken for the truth if it is feasible, and
    otherwise the mean of the reference, see `sampled_statistics`.
    checkpoints: measure before training, and this many times along it.
    progress(what, done, total) is called as the work goes on.

    Raises ValueError or TypeError for settings that make no sense or do not fit.

    >>> settings = Settings(address_bits=1, hidden=(3,), rules=("ste",), first_seed=1)
    >>> study = gradients(settings, ["ste", "unbiased_weight_max"])
    >>> [m.relative_bias.value < 1e-9 for m in study.select(layer=0)]
    [False, True]
    """
    if settings is None:
        settings = Settings(address_bits=2, hidden=(6, 4), rules=("unbiased_weight_max",))
    if len(settings.rules) != 1:
        raise ValueError(f"expected one rule to train with, got {len(settings.rules)}")
    samples = whole_number("samples", samples, 20)
    checkpoints = whole_number("checkpoints", checkpoints, 0, MOST_CHECKPOINTS)
    if method is not None:
        one_of("method", method, ("exact", "sampled"))
    objects = [rule_or_estimator(rule) if isinstance(rule, str) else rule for rule in rules]
    if reference is None or isinstance(reference, str):
        reference = rule_or_estimator(reference or "unbiased_weight_max")
    names = [name_of(rule) for rule in objects]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"rules: {name!r} is given twice")
    task, seed = make_task(settings), settings.first_seed
    net = new_network(settings, task, seed) if network is None else network.copy()
    if net.sizes[1:-1] != tuple(settings.hidden):
        raise ValueError(
            f"hidden: expected the network's {list(net.sizes[1:-1])}, got {list(settings.hidden)}"
        )
    if scale is not None:
        rescale(net, scale, seed)
    check_task(net, task)
    if net.output == "gaussian":
        raise ValueError("expected a network with a Bernoulli or softmax output, got gaussian")
    parameters = digest(net)
    listener: Listener = progress if progress is not None else lambda what, done, total: None

    ends = [0]
    if checkpoints:
        ends = [round(settings.steps * k / checkpoints) for k in range(checkpoints + 1)]
    trainer = Trainer(settings, net, task, listener)
    measurements: list[Measurement] = []
    rewards: dict[int, float] = {}
    for end in dict.fromkeys(ends):
        trainer.train_until(end)
        episode = end * settings.batch_size
        rewards[episode] = mean_reward(net, task, seed)
        # What a running mean would have come to stands for it.
        baseline = rewards[episode] if isinstance(settings.baseline, str) else settings.baseline
        found = measure(
            net,
            task,
            objects,
            method=method,
            samples=samples,
            reference=reference,
            seed=seed,
            baseline=baseline or 0.0,
            listener=listener,
        )
        measurements.extend(dataclasses.replace(m, episode=episode) for m in found)
    described = settings.as_dict()
    train_with = described.pop("rules")[0]
    described.update(
        rules=names,
        train_with=train_with,
        sizes=list(net.sizes),
        scale=scale,
        checkpoints=checkpoints,
        samples=samples,
        method=method,
        reference=name_of(reference),
        parameters_sha256=parameters,
        **origin(digest_of(settings, task)),
    )
    return GradientStudy(title_of(settings), described, tuple(measurements), rewards)


def measure(
    net: uwm.Network,
    task: Any,
    rules: Sequence[Any],
    *,
    method: str | None,
    samples: int,
    reference: Any,
    seed: int,
    baseline: float,
    listener: Listener,
) -> list[Measurement]:
    """Measure rules on a network: by enumeration those that can be, by sampling the others."""
    enumerated = [rule for rule in rules if not hasattr(rule, "updates")]
    table = listed(net, task)
    size = math.inf if table is None else count_activities(net, table[0])
    if method == "exact" and size > LIMIT:
        raise ValueError(
            f"expected at most {LIMIT} activities to enumerate, all inputs together, got"
            f" {'more' if size == math.inf else size}: sample, or take a smaller task or network"
        )
    truth = None
    if table is not None:
        x, reward = table[0], less(table[1], baseline)
        truth = exact_gradient(net, x, reward) if can_differentiate(net, x) else None
    if method == "sampled" or size > LIMIT:
        enumerated = []
    found: dict[int, list[Measurement]] = {}
    if enumerated:
        exact = exact_statistics(
            net,
            enumerated,
            x,
            reward,
            progress=lambda done, total: listener("activities", done, total),
        )
        for rule, statistics in zip(enumerated, exact, strict=True):
            found[id(rule)] = of_exact(name_of(rule), statistics)
    others = [rule for rule in rules if id(rule) not in found]
    if others:
        sampled = sampled_statistics(
            net,
            others,
            task,
            samples=samples,
            seed=seed,
            baseline=baseline,
            gradient=truth,
            reference=reference,
            progress=lambda done, total: listener("samples", done, total),
        )
        for rule, estimates in zip(others, sampled, strict=True):
            found[id(rule)] = of_samples(estimates)
    return [measurement for rule in rules for measurement in found[id(rule)]]


def listed(net: uwm.Network, task: Any) -> tuple[Array, Reward] | None:
    """All inputs of a task and its reward; None if they, or the activities of one, are too many."""
    if not can_differentiate(net, np.zeros(net.sizes[0])):
        return None
    try:
        return inputs_and_reward(task)
    except ValueError:
        return None


def less(reward: Reward, baseline: float) -> Reward:
    """The reward minus a number."""
    return lambda output: reward(output) - baseline


def of_exact(name: str, found: RuleStatistics) -> list[Measurement]:
    """One measurement per layer, without intervals."""

    def sure(value: float) -> Estimate:
        return Estimate(value, value, value)

    columns = (found.relative_bias, found.cosine, found.standard_deviation, found.gradient_norm)
    return [
        Measurement(
            0,
            ell,
            name,
            sure(bias),
            sure(cosine),
            sure(noise),
            sure(norm),
            "enumerated",
            "exact",
            0,
            1,
        )
        for ell, (bias, cosine, noise, norm) in enumerate(zip(*columns, strict=True))
    ]


def of_samples(found: SampledStatistics) -> list[Measurement]:
    """One measurement per layer, with intervals."""
    columns = (found.relative_bias, found.cosine, found.standard_deviation, found.gradient_norm)
    how = (found.gradient, found.samples, found.evaluations)
    return [
        Measurement(0, ell, found.name, *values, "sampled", *how)
        for ell, values in enumerate(zip(*columns, strict=True))
    ]


class Trainer:
    """Trains a network further and further, with one optimizer and one baseline."""

    def __init__(self, settings: Settings, net: uwm.Network, task: Any, listener: Listener) -> None:
        (rule,) = settings.rules
        self._rule = uwm.rule(rule) if isinstance(rule, str) else rule
        self._settings, self._net, self._task = settings, net, task
        self._optimizer = new_optimizer(settings, name_of(self._rule))
        self._baseline = new_baseline(settings, name_of(self._rule))
        self._listener, self._steps = listener, 0

    def train_until(self, end: int) -> None:
        """Train up to this step, counted from the first call."""
        steps = end - self._steps
        if steps > 0:
            uwm.train(
                self._net,
                self._rule,
                self._optimizer,
                self._task,
                steps=steps,
                batch_size=self._settings.batch_size,
                baseline=self._baseline,
                progress=self._show,
            )
        self._steps = max(end, self._steps)

    def _show(self, step: int, steps: int, reward: float) -> None:
        self._listener("training", self._steps + step, self._settings.steps)


def mean_reward(net: uwm.Network, task: Any, seed: int) -> float:
    """The mean reward of 16,384 episodes; the network's random numbers do not move."""
    copy = net.copy()
    total, rows = 0.0, 1024
    for step in range(REWARD_SAMPLES // rows):
        sample = copy.forward(task.inputs(seed, step, rows))
        total += float(np.sum(task.reward(seed, step, sample)))
    return total / REWARD_SAMPLES


def digest(net: uwm.Network) -> str:
    """Return a digest of a network's parameters: two networks of one size are not the same."""
    found = hashlib.sha256()
    for layer in net.layers:
        found.update(np.ascontiguousarray(layer.weight).tobytes())
        found.update(np.ascontiguousarray(layer.bias).tobytes())
    return found.hexdigest()


def rescale(net: uwm.Network, scale: float, seed: int) -> None:
    """Give a network normal weights of this standard deviation."""
    scale = finite("scale", scale)
    if not scale > 0:
        raise ValueError(f"scale: expected a number above 0, got {scale}")
    for ell, layer in enumerate(net.layers):
        layer.weight = scale * normals(seed, 0, PARAMETERS, ell, *layer.weight.shape)


def name_of(rule: Any) -> str:
    """The name of a rule or estimator; by default that of its class."""
    return str(getattr(rule, "name", type(rule).__name__))


def known(value: float) -> float | None:
    """The number, or None for NaN and infinity, which JSON does not have."""
    return value if math.isfinite(value) else None
