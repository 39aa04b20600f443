"""Learning curves of every rule, as PNG."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from uwm.experiments.comparison import Comparison
from uwm.report.figures.bands import draw_band, shown, tidy
from uwm.report.figures.colours import colours
from uwm.report.figures.style import INK, drawing, headed, legend, png


def learning_curves(comparison: Comparison) -> bytes:
    """Return a PNG: for each rule the mean reward over seeds, with the runs or a 95% interval.

    Raises ImportError if Matplotlib is missing: pip install "uwm[cli]".
    """
    with drawing():
        from matplotlib.figure import Figure
        from matplotlib.ticker import EngFormatter

        settings = comparison.settings
        figure = Figure(figsize=(8, 5), dpi=150, layout="constrained")
        axes = figure.add_subplot()
        possible = reward_range([run.rewards for run in comparison.runs])
        lines, names = [], []
        for rule, colour in colours(settings.rule_names).items():
            runs = comparison.of(rule)
            if runs:
                curves = np.stack([run.rewards for run in runs])
                lines.append(draw_band(axes, runs[0].episodes, curves, colour, possible=possible))
                names.append(rule)
        most = max(len(comparison.of(rule)) for rule in names)
        headed(figure, comparison.title, f"{comparison.describe()}; {shown(most)}")
        axes.set_xlabel("episodes", color=INK)
        axes.set_ylabel("mean reward", color=INK)
        axes.set_xlim(0, max(run.episodes[-1] for run in comparison.runs))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        tidy(axes)
        legend(figure, lines, names, columns=3)
        return png(figure)


def reward_range(curves: Iterable[NDArray[np.float64]]) -> tuple[float, float]:
    """Return between what a mean reward can lie: -1 and 1, or what has been seen beyond."""
    every = list(curves)
    return min(-1.0, *(c.min() for c in every)), max(1.0, *(c.max() for c in every))
