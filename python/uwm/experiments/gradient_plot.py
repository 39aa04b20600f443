"""Bias and noise-to-signal as a PNG: per rule, or along training."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from uwm.experiments.plot import COLOURS, FAINT, INK, OTHERS, check_matplotlib

if TYPE_CHECKING:
    from uwm.experiments.gradients import GradientStudy, Measurement

FLOOR = 1e-16  # where a bias of 0 is drawn
ROWS = (("noise_to_signal", "noise-to-signal"), ("relative_bias", "relative bias"))


def gradient_plot(study: GradientStudy) -> bytes:
    """Return a PNG: noise and bias of every rule in every hidden layer, with 95% intervals.

    Raises ImportError if Matplotlib is missing: pip install "uwm[cli]".
    """
    check_matplotlib()
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    rules = list(dict.fromkeys(m.rule for m in study.measurements))
    others = iter(OTHERS * len(rules))
    colours = {rule: COLOURS.get(rule) or next(others) for rule in rules}
    along = len(study.rewards) > 1
    layers = study.layers
    figure = Figure(figsize=(1 + 4.5 * len(layers), 7), dpi=150, layout="constrained")
    grid = figure.subplots(2, len(layers), squeeze=False)
    for row, (quantity, label) in zip(grid, ROWS, strict=True):
        for axes, layer in zip(row, layers, strict=True):
            for place, rule in enumerate(rules):
                found = study.select(layer=layer, rule=rule)
                at = [m.episode for m in found] if along else [place]
                draw(axes, at, found, quantity, colours[rule], rule)
            axes.set_yscale("log")
            axes.set_title(f"layer {layer + 1}", loc="left", fontsize=10, color=INK)
            axes.set_ylabel(label, color=INK)
            axes.grid(color=FAINT, linewidth=0.6)
            axes.spines[["top", "right"]].set_visible(False)
            if along:
                axes.set_xlabel("episodes", color=INK)
                axes.xaxis.set_major_formatter(EngFormatter(sep=""))
            else:
                axes.set_xticks([])
    sizes = ", ".join(str(n) for n in study.settings["sizes"])
    shown = f"{study.title}, network [{sizes}], seed {study.settings['first_seed']}"
    if along:
        shown += f", trained with {study.settings['train_with']}"
    figure.suptitle(shown, x=0.02, ha="left", color=INK)
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    image = io.BytesIO()
    figure.savefig(image, format="png")
    return image.getvalue()


def draw(
    axes: Any,
    at: list[int],
    found: tuple[Measurement, ...],
    quantity: str,
    colour: str,
    label: str,
) -> None:
    """Draw one rule: points, joined if there are several, and their intervals."""
    estimates = [getattr(m, quantity) for m in found]
    value, low, high = (
        np.maximum([getattr(e, part) for e in estimates], FLOOR)
        for part in ("value", "low", "high")
    )
    spans = np.nan_to_num([value - low, high - value])
    axes.errorbar(at, value, yerr=spans, color=colour, label=label, marker="o", markersize=4,
                  linewidth=1.4, capsize=2)  # fmt: skip
