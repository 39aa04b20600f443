"""Learning curves as a PNG."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from uwm.experiments.statistics import margin

if TYPE_CHECKING:
    from uwm.experiments.comparison import Comparison

# One colour for each rule, in every figure: Okabe and Ito's palette, safe for colour-blind eyes.
COLOURS = {
    "reinforce": "#666666",
    "ste": "#E69F00",
    "weight_max": "#D55E00",
    "unbiased_weight_max": "#0072B2",
    "unbiased_weight_max_two_sided": "#56B4E9",
    "unbiased_weight_max_one_sided": "#009E73",
    "flip_difference": "#CC79A7",
    "posterior_reinforce": "#000000",
}
OTHERS = ("#332288", "#999933", "#882255", "#44AA99", "#AA4499")  # for rules of one's own
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
    others = iter(OTHERS * len(settings.rule_names))
    for rule in settings.rule_names:
        colour = COLOURS.get(rule) or next(others)
        runs = comparison.of(rule)
        if not runs:
            continue
        curves = np.stack([run.rewards for run in runs])
        mean, half = curves.mean(axis=0), margin(curves)
        episodes = runs[0].episodes
        axes.plot(episodes, mean, color=colour, linewidth=1.8, label=rule)
        if len(runs) > 1:
            axes.fill_between(
                episodes, mean - half, mean + half, color=colour, alpha=0.2, linewidth=0
            )
    shown = "line: mean over seeds, band: its 95% interval" if settings.seeds > 1 else "one seed"
    axes.set_title(comparison.title, loc="left", fontsize=13, color=INK, pad=20)
    subtitle = f"{comparison.describe()}; {shown}"
    axes.text(0, 1.025, subtitle, transform=axes.transAxes, fontsize=8, color=INK)
    axes.set_xlabel("episodes", color=INK)
    axes.set_ylabel("mean reward", color=INK)
    axes.set_xlim(0, max(run.episodes[-1] for run in comparison.runs))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.grid(color=FAINT, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    image = io.BytesIO()
    figure.savefig(image, format="png")
    return image.getvalue()


def check_matplotlib() -> None:
    """Raise ImportError that says what to install if Matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ImportError('plots need Matplotlib: pip install "uwm[cli]"') from None
