"""The plots of the study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import saturation
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from plan import RULES, Case
from store import series

from uwm.experiments import Scaling
from uwm.experiments.spread import spread
from uwm.report.figures.bands import draw_band, tidy
from uwm.report.figures.colours import colours
from uwm.report.figures.of_scaling import scaling_curves
from uwm.report.figures.style import INK, png

if TYPE_CHECKING:
    from report import CaseRuns, PublishedRuns

REWARDS = (-0.1, 1.02)  # what is shown of an axis of mean rewards
SHOWN = {
    "reward": "mean reward",
    "saturated": "saturated units",
    "entropy": "entropy of a unit, bits",
    "weight": "mean size of a weight",
    "step": "update / learning rate",
}


def curves(cases: list[Case], runs: dict[str, CaseRuns]) -> bytes:
    """Return the learning curves of every case, a panel each."""
    columns = min(3, len(cases))
    lines = -(-len(cases) // columns)
    figure = Figure(figsize=(4.2 * columns, 3.0 * lines + 0.6), dpi=110, layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, case in zip(panels, cases, strict=False):
        for rule, colour in colours(RULES).items():
            rows = runs[case.name]["mean_reward"].get(rule)
            if rows:
                values = np.stack([series(row["reward"]) for row in rows])
                line = draw_band(axes, series(rows[0]["at"]), values, colour, possible=(-1.0, 1.0))
                line.set_label(rule)
        axes.set_title(case.title, loc="left", fontsize=10, color=INK)
        axes.set_ylim(REWARDS)
        episodes(axes)
        tidy(axes)
    for axes in panels[len(cases) :]:
        axes.set_axis_off()
    for axes in panels[::columns]:
        axes.set_ylabel("mean reward", color=INK)
    legend(figure, panels[0])
    return png(figure)


def along_training(found: PublishedRuns) -> bytes:
    """Return what the units do along training in the published setting, a column per layer.

    Means over the seeds, which are too few for intervals that say anything.
    """
    by_rule = found[next(iter(found))]
    layers = saturation.LAYERS
    figure = Figure(figsize=(4.2 * layers, 2.4 * len(SHOWN)), dpi=110, layout="constrained")
    grid = figure.subplots(len(SHOWN), layers, squeeze=False)
    for line, (name, label) in zip(grid, SHOWN.items(), strict=True):
        for layer, axes in enumerate(line, start=1):
            column = name if name == "reward" else f"{name}_{layer}"
            if name == "reward" and layer > 1:
                axes.set_axis_off()
                continue
            for rule, rows in by_rule.items():
                values = np.mean([series(row[column]) for row in rows], axis=0)
                axes.plot(series(rows[0]["at"]), values, color=colours(RULES)[rule], label=rule)
            axes.set_ylim(REWARDS if name == "reward" else (0, None))
            axes.set_ylabel(label, color=INK, fontsize=8)
            if name != "reward":
                axes.set_title(f"layer {layer}", loc="left", fontsize=9, color=INK)
            episodes(axes)
            tidy(axes)
    legend(figure, grid[0][0])
    return png(figure)


def remedies(found: PublishedRuns) -> bytes:
    """Return the last tenth with every remedy, a line per remedy and a dot per rule."""
    figure = Figure(figsize=(9, 0.55 * len(found) + 1.6), dpi=110, layout="constrained")
    axes = figure.subplots()
    for rule, colour in colours(RULES).items():
        offset = (RULES.index(rule) - (len(RULES) - 1) / 2) * 0.09
        for place, by_rule in enumerate(found.values()):
            if rule in by_rule:
                value = spread([float(row["final_reward"]) for row in by_rule[rule]])
                axes.errorbar(value.mean, place + offset, xerr=np.nan_to_num(value.margin),
                              color=colour, marker="o", markersize=4, linewidth=1,
                              label=rule if place == 0 else None)  # fmt: skip
    axes.set_yticks(range(len(found)), list(found))
    axes.invert_yaxis()
    axes.set_xlim(REWARDS)
    axes.set_xlabel("mean reward of the last tenth, with its 95% interval", color=INK)
    tidy(axes)
    legend(figure, axes)
    return png(figure)


def scaling(found: Scaling) -> bytes:
    """Return noise, learning and cost against width and depth."""
    return scaling_curves(found)


def episodes(axes: Axes) -> None:
    """Label the axis of episodes."""
    axes.set_xlabel("episodes", color=INK, fontsize=8)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlim(left=0)


def legend(figure: Figure, axes: Axes) -> None:
    """Put the rules under the figure."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
