"""One column of a store's results against another, as PNG."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from uwm.checks import shortened
from uwm.experiments.series import Picture, Series
from uwm.experiments.spread import margin
from uwm.report.figures.bands import FEWEST_FOR_BAND, shown, tidy
from uwm.report.figures.colours import COLOURS, PALETTE, colours
from uwm.report.figures.style import INK, LONGEST_NAME, drawing, headed, legend, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CHARACTERS = 110  # in a line of the legend
STYLES = ("solid", "dashed", "dotted")  # of lines that share a colour
MOST_LINES = len(STYLES) * len(PALETTE)
THOUSANDS = 10_000  # from here on they are written as 10k
WIDE = 16  # an axis whose numbers differ by this factor is logarithmic


def store_plot(found: Picture, title: str, *, logarithmic: bool = False) -> bytes:
    """Return a PNG: the mean of each group with the seeds, or the mean's 95% interval.

    logarithmic: whether y is.

    Raises ValueError for more lines than can be told apart. Raises ImportError if Matplotlib is
    missing: pip install "uwm[cli]".
    """
    number = len(found.series)
    if number > MOST_LINES:
        raise ValueError(
            f"group must make at most {MOST_LINES} lines, got {number}: choose some results"
        )
    with drawing():
        from matplotlib.figure import Figure

        names = [shortened(series.name, LONGEST_NAME) for series in found.series]
        columns = max(1, min(3, CHARACTERS // (max(map(len, names)) + 8)))
        more = max(0, -(-number // columns) - 2)  # lines of the legend
        figure = Figure(figsize=(8, 5 + 0.2 * more), dpi=150, layout="constrained")
        axes = figure.add_subplot()
        lines = [
            draw(axes, series, *look)
            for series, look in zip(found.series, looks(found), strict=True)
        ]
        seeds = max(len(series.y) for series in found.series)
        headed(figure, title, f"{found.y} against {found.x}; {shown(seeds)}")
        axes.set_xlabel(found.x.replace("_", " "), color=INK)
        axes.set_ylabel(found.y.replace("_", " "), color=INK)
        scales(axes, found)
        if logarithmic:
            axes.set_yscale("log")
        tidy(axes)
        legend(figure, lines, names, columns=columns)
        return png(figure)


def looks(found: Picture) -> list[tuple[str, str]]:
    """Return colour and style of each line: for rules the rules' own colours."""
    names = [series.name for series in found.series]
    if any(name in COLOURS for name in names):
        return [(colour, "solid") for colour in colours(names).values()]
    return [(colour, style) for style in STYLES for colour in PALETTE][: len(names)]


def draw(axes: Axes, series: Series, colour: str, style: str) -> Any:
    """Draw one group, the mean over the seeds that there are at each place."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a place without a number has no mean
        mean = np.nanmean(series.y, axis=0)
    marker = "o" if len(series.x) <= 20 else ""
    (line,) = axes.plot(series.x, mean, color=colour, linestyle=style, linewidth=1.8,
                      marker=marker, markersize=3.5)  # fmt: skip
    if len(series.y) >= FEWEST_FOR_BAND:
        half = margin(series.y)
        for k in np.flatnonzero(np.isnan(half)):
            column = series.y[:, k]
            half[k] = margin(column[~np.isnan(column)][:, None])[0]
        axes.fill_between(series.x, mean - half, mean + half, color=colour, alpha=0.2, linewidth=0)
    elif len(series.y) > 1:
        axes.plot(series.x, series.y.T, color=colour, linewidth=0.6, alpha=0.5)
    return line


def scales(axes: Axes, found: Picture) -> None:
    """Give x its scale: words in their order, wide ranges as powers of two."""
    from matplotlib.ticker import EngFormatter, NullLocator, ScalarFormatter

    if found.words is not None:
        axes.set_xticks(range(len(found.words)), found.words)
        return
    x = np.unique(np.concatenate([series.x for series in found.series]))
    if len(x) > 20:
        axes.set_xlim(0 if x[0] > 0 else x[0], x[-1])
    elif x[0] > 0 and x[-1] >= WIDE * x[0]:
        axes.set_xscale("log", base=2)
        axes.set_xticks(x)
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_locator(NullLocator())
        return
    if x[-1] >= THOUSANDS:
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
