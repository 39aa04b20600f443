"""Bias and noise-to-signal as a PNG: a row for each rule, or curves along training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from uwm.analysis import Estimate
from uwm.experiments.gradient_study.result import GradientStudy, Measurement
from uwm.report.figures.colours import colours
from uwm.report.figures.scale import ROUNDING, Scale, scale_of
from uwm.report.figures.style import FAINT, INK, drawing, headed, legend, png

ROWS = (("noise_to_signal", "noise-to-signal"), ("relative_bias", "relative bias"))
LOOK: dict[str, Any] = {"marker": "o", "markersize": 4, "linewidth": 1.4, "capsize": 2}


def gradient_plot(study: GradientStudy) -> bytes:
    """Return a PNG: noise and bias of every rule in every hidden layer, with 95% intervals.

    A value of 0 is drawn at 0. Where all values of a panel are 0 it says so, and has no axis.
    Raises ImportError if Matplotlib is missing: pip install "uwm[cli]".
    """
    with drawing():
        from matplotlib.figure import Figure

        rules = list(dict.fromkeys(m.rule for m in study.measurements))
        along, layers = len(study.rewards) > 1, study.layers
        wide = max(6.0, 1 + 4.5 * len(layers)) + (0 if along else 2)
        tall = 7.0 if along else 2.4 + 0.6 * max(2, len(rules))
        figure = Figure(figsize=(wide, tall), dpi=150, layout="constrained")
        grid = figure.subplots(2, len(layers), squeeze=False)
        lines: dict[str, Any] = {}
        for row, (quantity, label) in zip(grid, ROWS, strict=True):
            for axes, layer in zip(row, layers, strict=True):
                found = {rule: study.select(layer=layer, rule=rule) for rule in rules}
                axes.set_title(f"layer {layer + 1}: {label}", loc="left", fontsize=10, color=INK)
                axes.spines[["top", "right"]].set_visible(False)
                scale = scale_of([getattr(m, quantity) for each in found.values() for m in each])
                if scale is None:
                    say_nothing(axes, found, quantity, label)
                elif along:
                    lines.update(curves(axes, found, quantity, scale))
                else:
                    points(axes, found, quantity, scale, named=layer == layers[0])
        headed(figure, study.title, described(study, along=along))
        if along and lines:
            legend(figure, list(lines.values()), list(lines), columns=min(3, int(wide / 3)))
        return png(figure)


def described(study: GradientStudy, *, along: bool) -> str:
    """Return the line below the title."""
    sizes = ", ".join(str(n) for n in study.settings["sizes"])
    words = f"network [{sizes}], seed {study.settings['first_seed']}"
    return words + (f", trained with {study.settings['train_with']}" if along else "")


Found = dict[str, tuple[Measurement, ...]]


def say_nothing(axes: Any, found: Found, quantity: str, label: str) -> None:
    """Say in words what a panel without any number above 0 would show."""
    values = [getattr(m, quantity).value for each in found.values() for m in each]
    known = [value for value in values if not math.isnan(value)]
    who = f"all {len(found)} rules" if len(found) > 1 else next(iter(found))
    words = f"{label} of {who}: 0" if known else f"{label}: not known, too few samples"
    axes.text(0.5, 0.5, words, ha="center", va="center", color=INK, transform=axes.transAxes)
    axes.set_axis_off()


def curves(axes: Any, found: Found, quantity: str, scale: Scale) -> dict[str, Any]:
    """Draw a quantity against the episodes of training, a curve for each rule."""
    from matplotlib.ticker import EngFormatter

    colour = colours(list(found))
    lines = {}
    for rule, measured in found.items():
        estimates = [getattr(m, quantity) for m in measured]
        value, spans = drawn(estimates, scale)
        at = [m.episode for m in measured]
        look = {"color": colour[rule], "clip_on": scale.kind == "log"}
        lines[rule] = axes.errorbar(at, value, yerr=spans, **LOOK, **look)
    scale.set(axes, "y")
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_xlabel("episodes", color=INK)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    zero = [rule for rule, measured in found.items() if is_zero(measured, quantity)]
    if len(zero) > 1:  # the curves lie on each other
        axes.text(0.99, 0.03, f"{len(zero)} rules are at 0", ha="right", fontsize=8, color=INK,
                  transform=axes.transAxes)  # fmt: skip
    return lines


def points(axes: Any, found: Found, quantity: str, scale: Scale, *, named: bool) -> None:
    """Draw a quantity of one moment: a row for each rule, named if the panel is the first."""
    colour = colours(list(found))
    for place, (rule, measured) in enumerate(found.items()):
        value, spans = drawn([getattr(m, quantity) for m in measured], scale)
        look = {"color": colour[rule], "clip_on": scale.kind == "log"}  # a point at 0 is whole
        axes.errorbar(value, [place] * len(value), xerr=spans, **LOOK, **look)
    scale.set(axes, "x")
    axes.grid(color=FAINT, linewidth=0.6, axis="x")
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_yticks(range(len(found)), list(found) if named else [""] * len(found))
    axes.tick_params(axis="y", length=0)


def drawn(estimates: Sequence[Estimate], scale: Scale) -> tuple[Any, Any]:
    """Return the values to draw, NaN for those that the scale does not have, and both spans.

    An interval that goes on beyond the scale ends outside of the panel.
    """
    value, low, high = (
        np.array([getattr(e, part) for e in estimates]) for part in ("value", "low", "high")
    )
    value = np.where(np.isfinite(value) & (value >= scale.least), value, np.nan)
    low, high = np.maximum(low, scale.below), np.minimum(high, 10 * scale.most)
    spans = np.maximum(np.nan_to_num([value - low, high - value]), 0)
    return value, spans


def is_zero(measured: Sequence[Measurement], quantity: str) -> bool:
    """Tell whether a quantity is 0, but for rounding, in all of the measurements."""
    return bool(measured) and all(getattr(m, quantity).high <= ROUNDING for m in measured)
