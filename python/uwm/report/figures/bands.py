"""A mean over seeds as a line, with its interval as a band or the seeds as thin lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from uwm.experiments.spread import margin
from uwm.report.figures.style import FAINT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

FEWEST_FOR_BAND = 5  # seeds: an interval of fewer is wider than anything that is seen


def shown(seeds: int) -> str:
    """Return what the lines of a picture mean."""
    if seeds < 2:
        return "one seed"
    if seeds < FEWEST_FOR_BAND:
        return "thick: mean over seeds, thin: each seed"
    return "line: mean over seeds, band: its 95% interval"


def draw_band(
    axes: Axes,
    x: ArrayLike,
    curves: NDArray[np.float64],
    colour: str,
    *,
    marker: str = "",
    logarithmic: bool = False,
    possible: tuple[float, float] = (-np.inf, np.inf),
) -> Any:
    """Draw the mean of the rows and its 95% interval as a band; return the line.

    Below FEWEST_FOR_BAND rows the rows themselves are drawn as thin lines instead of the interval.
    logarithmic: the geometric mean and its interval, for an axis that will be logarithmic.
    possible: between what the quantity can lie; the band ends there.
    """
    rows = np.log(curves) if logarithmic else curves
    mean, half = rows.mean(axis=0), margin(rows)
    middle, low, high = mean, mean - half, mean + half
    if logarithmic:
        middle, low, high = np.exp(middle), np.exp(low), np.exp(high)
    (line,) = axes.plot(x, middle, color=colour, linewidth=1.8, marker=marker, markersize=3.5)
    if len(curves) >= FEWEST_FOR_BAND:
        low, high = np.clip(low, *possible), np.clip(high, *possible)
        axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    elif len(curves) > 1:
        axes.plot(x, curves.T, color=colour, linewidth=0.6, alpha=0.5)
    return line


def tidy(axes: Axes) -> None:
    """Give a panel its grid and take away its box."""
    axes.grid(color=FAINT, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
