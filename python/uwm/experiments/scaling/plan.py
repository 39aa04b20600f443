"""Which networks are measured against the number of units, and how."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from uwm.checks import finite, instance, sequence, whole_number
from uwm.experiments.settings import MOST_LAYERS, Settings

AXES = ("width", "depth")
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
        from uwm.analysis.sampling import GROUPS  # NumPy, which the command's help does without

        instance("settings", self.settings, Settings, "uwm.experiments.Settings")
        for name, most in (("widths", MOST_UNITS), ("depths", MOST_LAYERS)):
            values = sequence(name, getattr(self, name))
            self._set(name, tuple(whole_number(name, value, 1, most) for value in values))
        self._set("layers", whole_number("layers", self.layers, 1, MOST_LAYERS))
        self._set("width", whole_number("width", self.width, 1, MOST_UNITS))
        self._set("samples", whole_number("samples", self.samples, 2 * GROUPS))
        self._set("target", finite("target", self.target))
        factors = sequence("factors", self.factors)
        self._set("factors", tuple(finite("factors", factor, above=0) for factor in factors))
        if not self.factors:
            raise ValueError("factors must be at least one number, got none")
        if not self.sizes:
            raise ValueError("widths and depths must hold at least one size, got none")

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def sizes(self) -> list[tuple[str, tuple[int, ...]]]:
        """Every network's axis and hidden layers."""
        wide = [("width", (width,) * self.layers) for width in self.widths]
        return wide + [("depth", (self.width,) * depth) for depth in self.depths]

    def as_dict(self) -> dict[str, Any]:
        """Return the settings, and under `plan` the rest, as JSON can hold them."""
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        settings = own.pop("settings")
        return {**settings.as_dict(), "plan": own}

    def describe(self) -> str:
        """Return the settings that the results depend on in one line."""
        s = self.settings
        return (
            f"{self.layers} hidden layers against width, {self.width} units each against depth,"
            f" batch size {s.batch_size}, {s.episodes:,} episodes at the best of"
            f" {len(self.factors)} learning rates, {s.seeds} seed{'s' if s.seeds > 1 else ''}"
        )
