"""Bias and noise-to-signal as a PNG: per rule, or along training."""

from __future__ import annotations

from typing import Any

import numpy as np

from uwm.experiments.gradient_study.result import GradientStudy, Measurement
from uwm.report.figures.colours import colours
from uwm.report.figures.style import FAINT, INK, drawing, headed, legend, png

FLOOR = 1e-16  # where a bias of 0 is drawn at the lowest
ROWS = (("noise_to_signal", "noise-to-signal"), ("relative_bias", "relative bias"))


def gradient_plot(study: GradientStudy) -> bytes:
    """Return a PNG: noise and bias of every rule in every hidden layer, with 95% intervals.

    Raises ImportError if Matplotlib is missing: pip install "uwm[cli]".
    """
    with drawing():
        from matplotlib.figure import Figure
        from matplotlib.ticker import EngFormatter

        rules = list(dict.fromkeys(m.rule for m in study.measurements))
        colour = colours(rules)
        along = len(study.rewards) > 1
        layers = study.layers
        inches = max(6.0, 1 + 4.5 * len(layers))
        figure = Figure(figsize=(inches, 7), dpi=150, layout="constrained")
        grid = figure.subplots(2, len(layers), squeeze=False)
        lines: dict[str, Any] = {}
        for row, (quantity, label) in zip(grid, ROWS, strict=True):
            for axes, layer in zip(row, layers, strict=True):
                floor = floor_of(study.select(layer=layer), quantity)
                for place, rule in enumerate(rules):
                    found = study.select(layer=layer, rule=rule)
                    at = [m.episode for m in found] if along else [place]
                    lines[rule] = draw(axes, at, found, quantity, colour[rule], floor)
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
        headed(figure, study.title, described(study, along=along))
        legend(figure, list(lines.values()), list(lines), columns=min(3, int(inches / 3)))
        return png(figure)


def floor_of(found: tuple[Measurement, ...], quantity: str) -> float:
    """Return where a panel draws 0, which a logarithmic axis does not have.

    A thousandth of the least that is above 0, so that the axis shows something else, too.
    """
    estimates = [getattr(m, quantity) for m in found]
    above = [x for e in estimates for x in (e.value, e.high) if 0 < x < np.inf]
    return max(FLOOR, min(above, default=1.0) / 1000)


def described(study: GradientStudy, *, along: bool) -> str:
    """Return the line below the title."""
    sizes = ", ".join(str(n) for n in study.settings["sizes"])
    words = f"network [{sizes}], seed {study.settings['first_seed']}"
    return words + (f", trained with {study.settings['train_with']}" if along else "")


def draw(
    axes: Any,
    at: list[int],
    found: tuple[Measurement, ...],
    quantity: str,
    colour: str,
    floor: float,
) -> Any:
    """Draw one rule: points, joined if there are several, and their intervals, not below floor."""
    estimates = [getattr(m, quantity) for m in found]
    value, low, high = (
        np.maximum([getattr(e, part) for e in estimates], floor)
        for part in ("value", "low", "high")
    )
    spans = np.maximum(np.nan_to_num([value - low, high - value]), 0)
    return axes.errorbar(at, value, yerr=spans, color=colour, marker="o", markersize=4,
                  linewidth=1.4, capsize=2)  # fmt: skip
