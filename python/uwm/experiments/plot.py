"""Learning curves, and curves against the number of units, as PNG."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from uwm.experiments.statistics import margin

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from uwm.experiments.comparison import Comparison
    from uwm.experiments.scaling import Scaling

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
INK, FAINT = "#222222", "#DDDDDD"


def learning_curves(comparison: Comparison) -> bytes:
    """Return a PNG: for each rule the mean reward over seeds, with the mean's 95% interval.

    Raises ImportError if Matplotlib is missing: pip install "uwm[cli]".
    """
    check_matplotlib()
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    settings = comparison.settings
    figure = Figure(figsize=(8, 5), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    for rule, colour in colours(settings.rule_names).items():
        runs = comparison.of(rule)
        if runs:
            curves = np.stack([run.rewards for run in runs])
            draw_band(axes, runs[0].episodes, curves, colour, rule)
    shown = "line: mean over seeds, band: its 95% interval" if settings.seeds > 1 else "one seed"
    axes.set_title(comparison.title, loc="left", fontsize=13, color=INK, pad=20)
    subtitle = f"{comparison.describe()}; {shown}"
    axes.text(0, 1.025, subtitle, transform=axes.transAxes, fontsize=8, color=INK)
    axes.set_xlabel("episodes", color=INK)
    axes.set_ylabel("mean reward", color=INK)
    axes.set_xlim(0, max(run.episodes[-1] for run in comparison.runs))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    tidy(axes)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return png(figure)


def scaling_curves(found: Scaling) -> bytes:
    """Return a PNG: noise, reward, episodes and time against width, and against depth.

    Raises ImportError if Matplotlib is missing: pip install "uwm[cli]".
    """
    check_matplotlib()
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter, ScalarFormatter

    from uwm.experiments.scaling import AXES

    plan = found.plan
    panels = {
        "noise": "noise-to-signal, first layer",
        **({"noise_trained": "the same, after training"} if plan.trained else {}),
        "mean_reward": "mean reward",
        "episodes_to_target": f"episodes to a reward of {plan.target:g}",
        "microseconds_per_step": "µs per step",
    }
    shown = [axis for axis in AXES if getattr(plan, f"{axis}s")]
    figure = Figure(figsize=(3.4 * len(panels), 3.2 * len(shown) + 0.7), dpi=110,
                    layout="constrained")  # fmt: skip
    grid = figure.subplots(len(shown), len(panels), squeeze=False)
    for row, axis in zip(grid, shown, strict=True):
        for axes, (name, label) in zip(row, panels.items(), strict=True):
            anything = False
            for rule, colour in colours(plan.settings.rule_names).items():
                points = found.of(rule, axis)
                values = np.array([[getattr(p, name) for p in each] for each in points.values()]).T
                # A size where a seed has no value has no mean.
                values[~np.isfinite(values)] = np.nan
                anything = anything or bool(np.isfinite(values.mean(axis=0)).any())
                draw_band(axes, list(points), values, colour, rule, marker="o",
                          logarithmic=name != "mean_reward")  # fmt: skip
            axes.set_xlabel("units per layer" if axis == "width" else "hidden layers", color=INK)
            axes.set_ylabel(label, color=INK)
            tidy(axes)
            if not anything:  # an axis without a point cannot be logarithmic
                axes.text(0.5, 0.5, "never", transform=axes.transAxes, ha="center", color=INK)
                axes.set(xticks=[], yticks=[])
                continue
            if axis == "width":
                axes.set_xscale("log", base=2)
                axes.xaxis.set_major_formatter(ScalarFormatter())
            else:
                axes.set_xticks(list(plan.depths))
            if name != "mean_reward":
                axes.set_yscale("log")
                axes.yaxis.set_minor_formatter(NullFormatter())
    figure.suptitle(f"{found.title}: {plan.describe()}", x=0.01, ha="left", fontsize=9, color=INK)
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return png(figure)


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
    label: str,
    *,
    marker: str = "",
    logarithmic: bool = False,
) -> None:
    """Draw the mean of the rows as a line and its 95% interval as a band.

    logarithmic: the geometric mean and its interval, for an axis that will be logarithmic.
    """
    rows = np.log(curves) if logarithmic else curves
    mean, half = rows.mean(axis=0), margin(rows)
    middle, low, high = mean, mean - half, mean + half
    if logarithmic:
        middle, low, high = np.exp(middle), np.exp(low), np.exp(high)
    axes.plot(x, middle, color=colour, linewidth=1.8, label=label, marker=marker, markersize=3.5)
    if len(curves) > 1:
        axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)


def tidy(axes: Axes) -> None:
    """Give a panel its grid and take away its box."""
    axes.grid(color=FAINT, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def png(figure: Figure) -> bytes:
    """Return the figure's file."""
    image = io.BytesIO()
    figure.savefig(image, format="png")
    return image.getvalue()


def check_matplotlib() -> None:
    """Raise ImportError that says what to install if Matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ImportError('plots need Matplotlib: pip install "uwm[cli]"') from None
