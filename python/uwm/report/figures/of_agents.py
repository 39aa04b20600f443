"""Learning curves of agents, as PNG."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from uwm.experiments.reinforcement import AgentComparison, AgentRun
from uwm.report.figures.bands import draw_band, shown, tidy
from uwm.report.figures.colours import colours
from uwm.report.figures.style import INK, drawing, headed, legend, png

POINTS = 200


def agent_curves(comparison: AgentComparison) -> bytes:
    """Return a PNG: for each rule the return against steps, with the runs or a 95% interval.

    A point is the mean of the episodes that ended in the twentieth of all steps before it.
    Raises ImportError if Matplotlib is missing: pip install "uwm[cli]".
    """
    with drawing():
        from matplotlib.figure import Figure
        from matplotlib.ticker import EngFormatter

        figure = Figure(figsize=(8, 5), dpi=150, layout="constrained")
        axes = figure.add_subplot()
        runs = [run for run in comparison.runs if len(run.log)]
        most = min(int(run.log.steps[-1]) for run in runs)
        at = np.linspace(most / 20, most, POINTS)
        every = np.concatenate([run.log.returns for run in runs])
        seen = float(every.min()), float(every.max())
        lines, names = [], []
        for rule, colour in colours(comparison.rules).items():
            curves = [smoothed(run, at) for run in runs if run.rule == rule]
            if curves:
                lines.append(draw_band(axes, at, np.stack(curves), colour, possible=seen))
                names.append(rule)
        seeds = max(len(comparison.of(rule)) for rule in names)
        headed(figure, comparison.environment, f"{comparison.describe()}; {shown(seeds)}")
        axes.set_xlabel("environment steps", color=INK)
        axes.set_ylabel("return of an episode", color=INK)
        axes.set_xlim(0, most)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        tidy(axes)
        legend(figure, lines, names, columns=3)
        return png(figure)


def smoothed(run: AgentRun, at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean return of the episodes that ended shortly before each of these steps."""
    window = at[-1] / 20
    sums = np.concatenate([[0.0], np.cumsum(run.log.returns)])
    upto = np.searchsorted(run.log.steps, at, side="right")
    first = np.searchsorted(run.log.steps, at - window, side="right")
    # Where none has ended in the window, the last one before it; before the first, the first.
    upto = np.maximum(upto, 1)
    first = np.minimum(first, upto - 1)
    mean: NDArray[np.float64] = (sums[upto] - sums[first]) / (upto - first)
    return mean
