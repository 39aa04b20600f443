"""Noise of a panel's rules against what varies: units, layers or episodes of training."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from uwm.experiments.spread import margin
from uwm.report.page.drawing import (
    MOST_GROUPS,
    Array,
    Plot,
    add_band,
    add_line,
    new_figure,
    switches,
)
from uwm.report.page.look import looks
from uwm.report.page.sections import Group, Panel, plain, value_words
from uwm.report.page.tables import finite_values, interval

QUANTITY, LABEL = "noise_to_signal", "noise-to-signal"
Point = tuple[float, Group]


@dataclass(frozen=True)
class Axis:
    """What noise is drawn against. setting: its name. place(value): where on the axis it is."""

    label: str
    setting: str
    place: Callable[[Any], float]


def axis_plot(panel: Panel) -> Plot | None:
    """Draw a line per rule through at least two points; None if there is none."""
    axis = axis_of(panel)
    if axis is None:
        return None
    series: dict[str, list[Point]] = {}
    rules: dict[str, str] = {}
    for group in panel.groups:
        values, at = finite_values(group, QUANTITY), group.settings.get(axis.setting)
        if at is not None and values and min(values) > 0:
            label = series_label(panel, group, axis)
            series.setdefault(label, []).append((axis.place(at), group))
            rules[label] = group.rule
    names = [label for label, points in series.items() if len(points) > 1]
    if not names:
        return None
    drawn = names[:MOST_GROUPS]
    units = axis.setting == "hidden"
    scales = {"y_axis_type": "log", "x_axis_type": "log" if units else "linear"}
    figure = new_figure(axis.label, LABEL, **scales)
    if units:
        figure.xaxis.ticker = sorted({at for name in drawn for at, _ in series[name]})
    styles = looks([Group(rules[name], name, {}, ()) for name in drawn])
    for k, (name, look) in enumerate(zip(drawn, styles, strict=True)):
        x, mean, low, high = geometric(sorted(series[name], key=lambda point: point[0]))
        add_band(figure, k, x, low, high, look)
        add_line(figure, k, name, x, mean, look, dots=True)
    one = all(len(group.rows) == 1 for name in drawn for _, group in series[name])
    band = any(interval(group, QUANTITY) for name in drawn for _, group in series[name])
    words = ["One seed." if one else "Line: geometric mean over seeds."]
    if band:
        words.append("Band: 95% interval.")
    if len(names) > MOST_GROUPS:
        words.append(f"{MOST_GROUPS} of {len(names):,} lines are drawn. The table has all.")
    return Plot(figure, switches(drawn, styles), (), band=band, lines=False, notes=tuple(words))


def axis_of(panel: Panel) -> Axis | None:
    """Return what varies in a panel that can be an axis; None if nothing does."""
    if "episode" in panel.varied:
        return Axis("episodes of training", "episode", float)
    shapes = [tuple(group.settings.get("hidden") or ()) for group in panel.groups]
    if len({len(shape) for shape in shapes}) == 1 and len(set(shapes)) > 1:
        return Axis("units per layer", "hidden", lambda hidden: float(hidden[0]))
    if len(set(shapes)) > 1:
        return Axis("hidden units in all", "hidden", lambda hidden: float(sum(hidden)))
    return None


def series_label(panel: Panel, group: Group, axis: Axis) -> str:
    """Return a line's label: the rule, and what varies beside the axis."""
    names = [name for name in panel.varied if name != axis.setting]
    return ", ".join(
        [group.rule, *(f"{plain(n)} {value_words(group.settings.get(n))}" for n in names)]
    )


def geometric(points: list[Point]) -> tuple[Array, Array, Array, Array]:
    """Return x, the geometric mean over seeds, and its 95% interval.

    The interval of a single seed is its result's own, or the mean itself.
    """
    rows = []
    for at, group in points:
        logs = np.log(np.array(finite_values(group, QUANTITY)))
        low = high = mean = float(logs.mean())
        if len(logs) > 1:
            half = float(margin(logs[:, None])[0])
            low, high = mean - half, mean + half
        elif (own := interval(group, QUANTITY)) and own[0] > 0:
            low, high = math.log(own[0]), math.log(own[1])
        rows.append((at, mean, low, high))
    x, means, lows, highs = np.array(rows).T
    return x, np.exp(means), np.exp(lows), np.exp(highs)
