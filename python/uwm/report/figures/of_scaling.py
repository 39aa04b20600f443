"""Noise, reward, episodes and time against the number of units, as PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from uwm.experiments.scaling.plan import AXES, Plan
from uwm.experiments.scaling.result import Scaling
from uwm.report.figures.bands import draw_band, shown, tidy
from uwm.report.figures.colours import colours
from uwm.report.figures.style import INK, drawing, headed, legend, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def scaling_curves(found: Scaling) -> bytes:
    """Return a PNG: noise, reward, episodes and time against width, and against depth.

    Raises ImportError if Matplotlib is missing: pip install "uwm[cli]".
    """
    with drawing():
        from matplotlib.figure import Figure

        plan = found.plan
        panels = {
            "noise_to_signal": "noise-to-signal, first layer",
            **({"noise_to_signal_trained": "the same, after training"} if plan.trained else {}),
            "mean_reward": "mean reward",
            "episodes_to_target": f"episodes to a reward of {plan.target:g}",
            "microseconds_per_step": "µs per step",
        }
        rows = [axis for axis in AXES if getattr(plan, f"{axis}s")]
        inches = 3.4 * len(panels)
        figure = Figure(figsize=(inches, 3.2 * len(rows) + 0.9), dpi=110, layout="constrained")
        grid = figure.subplots(len(rows), len(panels), squeeze=False)
        lines: dict[str, Any] = {}
        for row, axis in zip(grid, rows, strict=True):
            for axes, (name, label) in zip(row, panels.items(), strict=True):
                lines.update(scaling_panel(axes, found, axis, name))
                axes.set_ylabel(label, color=INK)
        words = f"{plan.describe()}; {shown(plan.settings.seeds)}"
        headed(figure, found.title, words)
        legend(figure, list(lines.values()), list(lines), columns=4)
        return png(figure)


def scaling_panel(axes: Axes, found: Scaling, axis: str, name: str) -> dict[str, Any]:
    """Draw one quantity of every rule along an axis; return the lines by rule."""
    plan, lines, anything = found.plan, {}, False
    for rule, colour in colours(plan.settings.rule_names).items():
        points = dict(sorted(found.of(rule, axis).items()))
        values = np.array([[getattr(p, name) for p in each] for each in points.values()]).T
        # A size where a seed has no value has no mean.
        values = np.where(np.isfinite(values), values, np.nan)
        if values.size == 0:
            continue
        anything = anything or bool(np.isfinite(values.mean(axis=0)).any())
        lines[rule] = draw_band(
            axes, list(points), values, colour, marker="o", logarithmic=name != "mean_reward",
            possible=(-1.0, 1.0) if name == "mean_reward" else (0.0, np.inf),
        )  # fmt: skip
    axes.set_xlabel("units per layer" if axis == "width" else "hidden layers", color=INK)
    tidy(axes)
    if not anything:  # an axis without a point cannot be logarithmic
        axes.text(0.5, 0.5, "never", transform=axes.transAxes, ha="center", color=INK)
        axes.set(xticks=[], yticks=[])
        return lines
    scaling_axes(axes, plan, axis, logarithmic=name != "mean_reward")
    return lines


def scaling_axes(axes: Axes, plan: Plan, axis: str, *, logarithmic: bool) -> None:
    """Give a panel the scales of its axes."""
    from matplotlib.ticker import NullFormatter, ScalarFormatter

    if axis == "width":
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(ScalarFormatter())
    else:
        axes.set_xticks(list(plan.depths))
    if logarithmic:
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        if high < 100 * low:  # less than two decades: numbers, not powers, and between them, too
            axes.yaxis.set_major_formatter(ScalarFormatter())
            axes.yaxis.set_minor_formatter(ScalarFormatter())
            axes.tick_params(axis="y", which="minor", labelsize=7)
        else:
            axes.yaxis.set_minor_formatter(NullFormatter())
