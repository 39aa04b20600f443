"""The result: a measurement for every rule, layer and checkpoint."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from uwm.analysis import Estimate
from uwm.experiments.compute import Record
from uwm.experiments.runs import Unfinished
from uwm.formats import known


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

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], rule: str) -> Measurement:
        """Return the measurement of a record that `as_dict` made, under this rule's name."""

        def number(name: str) -> float:
            return math.nan if values[name] is None else float(values[name])

        made: dict[str, Any] = {}
        for name in (field.name for field in dataclasses.fields(cls)):
            if f"{name}_low" in values:
                made[name] = Estimate(number(name), number(f"{name}_low"), number(f"{name}_high"))
            else:
                made[name] = values[name]
        return cls(**{**made, "rule": rule})


@dataclass(frozen=True)
class GradientStudy:
    """The result of `gradients`: measurements, and the mean reward at each checkpoint.

    unfinished: rules that an error of their own has ended, with the episode that they came to.
    record: what it is made of.
    """

    title: str
    settings: dict[str, Any]
    measurements: tuple[Measurement, ...]
    rewards: dict[int, float]
    unfinished: tuple[Unfinished, ...] = ()
    record: Record | None = dataclasses.field(default=None, compare=False)

    @property
    def layers(self) -> tuple[int, ...]:
        """The hidden layers, from 0; the output if there is none (all rules are the same there)."""
        return tuple(range(max(1, len(self.settings["sizes"]) - 2)))

    def select(self, *, layer: int, rule: str | None = None) -> tuple[Measurement, ...]:
        """Return the measurements of a layer, of one rule or of all."""
        return tuple(m for m in self.measurements if m.layer == layer and rule in (None, m.rule))
