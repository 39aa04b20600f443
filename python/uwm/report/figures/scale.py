"""The scale of numbers of at least 0: linear from 0, logarithmic, or both where 0 is among them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from uwm.analysis import Estimate

ROUNDING = 1e-9  # what is not above it counts as 0
WIDE = 30.0  # largest over smallest, from which on a scale is logarithmic


@dataclass(frozen=True)
class Scale:
    """How an axis shows some numbers.

    kind: "linear", "log", or "symlog": linear from 0 to `step`, and logarithmic above.
    least, most: what the axis shows. below: where an interval ends that goes on below the axis.
    """

    kind: str
    least: float
    most: float
    below: float = 0.0
    step: float = 0.0

    def set(self, axes: Any, which: str) -> None:
        """Give Matplotlib's axis "x" or "y" this scale, with plain numbers."""
        from matplotlib.ticker import FuncFormatter, NullFormatter

        options = {"linthresh": self.step, "linscale": 0.5} if self.kind == "symlog" else {}
        getattr(axes, f"set_{which}scale")(self.kind, **options)
        getattr(axes, f"set_{which}lim")(self.least, self.most)
        if self.kind != "linear":
            axis = getattr(axes, f"{which}axis")
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
            axis.set_minor_formatter(NullFormatter())


def scale_of(estimates: Sequence[Estimate]) -> Scale | None:
    """Return the scale for some numbers and their intervals; None if none of them is above 0.

    >>> exact = [Estimate(x, x, x) for x in (0.0, 5.0, 900.0)]
    >>> [scale_of(some).kind for some in (exact, exact[1:], exact[:2])]
    ['symlog', 'log', 'linear']
    >>> scale_of(exact[:1]) is None
    True
    """
    known = [e for e in estimates if math.isfinite(e.value)]
    ends = [x for e in known for x in (e.value, e.high) if ROUNDING < x < math.inf]
    if not ends:
        return None
    most = max(ends)
    least = min((e.value for e in known if e.value > ROUNDING), default=most)
    if most <= WIDE * least:
        return Scale("linear", 0.0, 1.1 * most)
    power = 10.0 ** math.floor(math.log10(least))
    if any(e.value <= ROUNDING for e in known):
        return Scale("symlog", 0.0, 1.5 * most, step=power)
    return Scale("log", least / 1.5, 1.5 * most, below=least / 100)
