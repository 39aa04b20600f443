"""Learning curves, and curves against the number of units, as PNG."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from uwm.experiments.drawing import FAINT, INK, drawing, headed, legend, png
from uwm.experiments.statistics import margin

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from uwm.experiments.comparison import Comparison
    from uwm.experiments.scaling import Plan, Scaling

FEWEST_FOR_BAND = 5  # seeds: an interval of fewer is wider than anything that is seen

# One colour for each rule, in every figure: Okabe and Ito's palette, safe for colour-blind eyes.
COLOURS = {
    "reinforce": "#666666",
    "ste": "#E69F00",
    "weight_max": "#D55E00",
    "unbiased_weight_max": "#0072B2",
    "unbiased_weight_max_blended": "#332288",
    "unbiased_weight_max_two_sided": "#56B4E9",
    "unbiased_weight_max_one_sided": "#009E73",
    "flip_difference": "#CC79A7",
    "posterior_reinforce": "#000000",
}
OTHERS = ("#999933", "#882255", "#44AA99", "#AA4499")  # for rules of one's own


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


def shown(seeds: int) -> str:
    """Return what the lines of a picture mean."""
    if seeds < 2:
        return "one seed"
    if seeds < FEWEST_FOR_BAND:
        return "thick: mean over seeds, thin: each seed"
    return "line: mean over seeds, band: its 95% interval"


def scaling_curves(found: Scaling) -> bytes:
    """Return a PNG: noise, reward, episodes and time against width, and against depth.

    Raises ImportError if Matplotlib is missing: pip install "uwm[cli]".
    """
    with drawing():
        from matplotlib.figure import Figure

        from uwm.experiments.scaling import AXES

        plan = found.plan
        panels = {
            "noise": "noise-to-signal, first layer",
            **({"noise_trained": "the same, after training"} if plan.trained else {}),
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


def colours(rules: Iterable[str]) -> dict[str, str]:
    """Return each rule's colour."""
    names = list(rules)
    others = iter(OTHERS * len(names))
    return {rule: COLOURS.get(rule) or next(others) for rule in names}


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
