"""The settings of a comparison: everything that its results depend on."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import uwm

DEFAULT_RULES = (
    "reinforce",
    "ste",
    "weight_max",
    "unbiased_weight_max",
    "unbiased_weight_max_two_sided",
)
CLASSIFICATION = {
    "hidden": (64,),
    "episodes": 200_000,
    "batch_size": 16,
    "learning_rate": 0.003,
}
FIRST_RATE, LAST_RATE = 0.02, 0.002
NOT_SETTINGS = ("version", "unfinished", "search")  # what else a settings file holds


@dataclass(frozen=True)
class Settings:
    """What to compare, and how. The defaults are those of `uwm compare` on the multiplexer.

    rules: names of built-in rules, or rule objects, a `uwm.Rule` of one's own for instance.
    learning_rate: one number, or one per layer; None stands for 0.02 in the first layer, falling by
    a constant factor to 0.002 in the last. Every rule uses it, except for those that learning_rates
    gives rates of their own.
    episodes: samples of a run; a step takes batch_size of them.
    seeds: runs of each rule, with the seeds first_seed, first_seed + 1 and so on.
    baseline: None, "running-mean" or a number; baselines gives rules one of their own.
    rates_from: a few words for tables: where learning_rates and baselines are from.

    Raises ValueError or TypeError for values that make no sense, naming the setting.

    >>> Settings(hidden=(8,), seeds=3).seed_range
    range(0, 3)
    """

    task: str = "multiplexer"
    address_bits: int = 3
    hidden: Sequence[int] = (64, 32)
    rules: Sequence[str | uwm.Rule] = DEFAULT_RULES
    episodes: int = 200_000
    batch_size: int = 1
    learning_rate: float | Sequence[float] | None = None
    learning_rates: Mapping[str, float | Sequence[float]] = field(default_factory=dict)
    seeds: int = 10
    first_seed: int = 0
    baseline: str | float | None = None
    baselines: Mapping[str, str | float | None] = field(default_factory=dict)
    rates_from: str = ""
    optimizer: str = "adam"
    units: str = "binary"
    dtype: str = "float32"

    @classmethod
    def for_task(cls, task: str, **settings: Any) -> Settings:
        """Return the task's default settings, changed by those given."""
        defaults = {} if task == "multiplexer" else CLASSIFICATION
        return cls(task=task, **{**defaults, **settings})

    def __post_init__(self) -> None:
        if not isinstance(self.task, str):
            raise TypeError(f"task: expected a name, got {self.task!r}")
        for name in ("address_bits", "episodes", "batch_size", "seeds"):
            whole_number(name, getattr(self, name), 1)
        whole_number("first_seed", self.first_seed, 0)
        if self.first_seed + self.seeds > 2**64:
            raise ValueError(f"first_seed: expected seeds below 2**64, got {self.first_seed}")
        for name in ("hidden", "rules"):
            value = getattr(self, name)
            if isinstance(value, str) or not isinstance(value, Sequence):
                raise TypeError(f"{name}: expected a sequence, got {value!r}")
            object.__setattr__(self, name, tuple(value))
        for size in self.hidden:
            whole_number("hidden", size, 1)
        self._check_rules()
        one_of("optimizer", self.optimizer, ("adam", "sgd"))
        one_of("units", self.units, ("binary", "bipolar"))
        one_of("dtype", self.dtype, ("float32", "float64"))
        for value in (self.baseline, *self.baselines.values()):
            if isinstance(value, str):
                one_of("baseline", value, ("running-mean",))
            elif value is not None:
                finite("baseline", value)

    def _check_rules(self) -> None:
        for rule in self.rules:
            if isinstance(rule, str):
                one_of("rules", rule, uwm.RULES)
            elif not isinstance(rule, uwm.Rule):
                raise TypeError(f"rules: expected names or uwm.Rule objects, got {rule!r}")
        names = self.rule_names
        if not names:
            raise ValueError("rules: expected at least one rule, got none")
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(f"rules: {twice[0]!r} is given twice")
        for what in ("learning_rates", "baselines"):
            values = getattr(self, what)
            if not isinstance(values, Mapping):
                raise TypeError(
                    f"{what}: expected {what.replace('learning_', '')} by rule, got {values!r}"
                )
            for rule in values:
                one_of(what, rule, names)
        for name in names:
            rates = self.rates(name)
            for rate in rates if isinstance(rates, tuple) else (rates,):
                if not finite("learning_rate", rate) > 0:
                    raise ValueError(f"learning_rate: expected a number above 0, got {rate}")
            if isinstance(rates, tuple) and len(rates) != len(self.hidden) + 1:
                raise ValueError(
                    "learning_rate: expected one number,"
                    f" or {len(self.hidden) + 1} (one per layer), got {len(rates)}"
                )

    @property
    def rule_names(self) -> tuple[str, ...]:
        """The rules by name."""
        return tuple(rule if isinstance(rule, str) else str(rule.name) for rule in self.rules)

    @property
    def seed_range(self) -> range:
        """The seeds, one run of every rule with each."""
        return range(self.first_seed, self.first_seed + self.seeds)

    @property
    def steps(self) -> int:
        """Updates of one run."""
        return math.ceil(self.episodes / self.batch_size)

    def rates(self, rule: str) -> float | tuple[float, ...]:
        """Return the learning rate, or rates of each layer, that a rule uses."""
        rates = self.learning_rates.get(rule, self.learning_rate)
        if rates is None:
            falling = np.geomspace(FIRST_RATE, LAST_RATE, len(self.hidden) + 1).tolist()
            return tuple(float(f"{rate:.3g}") for rate in falling)
        return tuple(rates) if isinstance(rates, Sequence) and not isinstance(rates, str) else rates

    def baseline_of(self, rule: str) -> str | float | None:
        """Return the baseline that a rule uses."""
        return self.baselines.get(rule, self.baseline)

    def describe(self) -> str:
        """Return one line for titles: units, batch, optimizer, learning rates, seeds."""
        sizes = ", ".join(str(size) for size in self.hidden)
        rates = self.rates("")
        words = ", ".join(f"{r:g}" for r in (rates if isinstance(rates, tuple) else (rates,)))
        if self.learning_rates:
            words = "learning rates per rule"
        plural = "s" if self.seeds > 1 else ""
        return (
            f"[{sizes}] hidden units, batch size {self.batch_size}, "
            f"{'Adam' if self.optimizer == 'adam' else 'SGD'} ({words}), {self.seeds} seed{plural}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON can hold them."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values["rules"] = list(self.rule_names)
        values["learning_rate"] = self.rates("")
        values["learning_rates"] = dict(self.learning_rates)
        values["baselines"] = dict(self.baselines)
        return values


def read_settings(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the settings in a JSON file, a comparison's own settings.json for instance.

    Raises OSError if it cannot be read, ValueError if it holds anything else.
    """
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: not a JSON file: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path}: expected a JSON object of settings")
    names = [field.name for field in dataclasses.fields(Settings)]
    for name in values:
        if name not in NOT_SETTINGS:
            try:
                one_of("setting", name, names)
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from None
    return {name: value for name, value in values.items() if name not in NOT_SETTINGS}


def whole_number(name: str, value: object, least: int) -> int:
    """Return value if it is an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}: expected a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{name}: expected at least {least}, got {value}")
    return value


def finite(name: str, value: object) -> float:
    """Return value if it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{name}: expected a finite number, got {value}")
    return value


def one_of(name: str, value: object, known: Sequence[str]) -> None:
    """Raise ValueError listing the known values if value is none of them."""
    if value not in known:
        raise ValueError(f"{name}: unknown {value!r}, expected one of {', '.join(known)}")
