"""Interactive plots of a panel, as Bokeh models.

Every line has tags: its group, its part ("mean", "band" or "seed"), its seed, and its colours on
light and on dark ground. The page's script reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uwm.experiments.spread import margin
from uwm.report.figures.bands import FEWEST_FOR_BAND
from uwm.report.page.curves import MOST_SEEDS, Curves, curves
from uwm.report.page.look import Look, looks
from uwm.report.page.sections import Group, Panel
from uwm.report.page.tables import finite_values

MOST_GROUPS = 12  # that are drawn in one plot
HEIGHT = 420  # pixels
FIRST_NUMBER = {"run": "mean_reward", "agent": "mean_return"}
LABELS = {
    "run": ("episodes", "mean reward"),
    "agent": ("environment steps", "return of an episode"),
}
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Switch:
    """What a reader switches a group's lines on and off with."""

    label: str
    light: str
    dark: str
    dash: str


@dataclass(frozen=True)
class Plot:
    """A plot: its Bokeh model, switches, seeds that have lines, and what to say about it.

    band: whether means have an interval. lines: whether the seeds' lines are shown at first.
    """

    model: Any
    switches: tuple[Switch, ...]
    seeds: tuple[int, ...]
    band: bool
    lines: bool
    notes: tuple[str, ...]


def plot(panel: Panel) -> Plot | None:
    """Return the plot of a panel, None if there is nothing to draw."""
    if panel.kind in FIRST_NUMBER:
        return learning_plot(panel)
    return axis_plot(panel)


def learning_plot(panel: Panel) -> Plot | None:
    """Draw the learning curves of the best groups."""
    chosen = best(panel.groups, FIRST_NUMBER[panel.kind])
    found = [(group, made) for group in chosen if (made := curves(group))]
    if not found:
        return None
    x_label, y_label = LABELS[panel.kind]
    figure = new_figure(x_label, y_label)
    most = max(made.of for _, made in found)
    lines = most < FEWEST_FOR_BAND
    every = [made.lines for _, made in found]
    limits = (-np.inf, np.inf)
    if panel.kind == "run":  # rewards of the built-in tasks lie between these
        limits = min(-1.0, *(np.nanmin(e) for e in every)), max(1.0, *(np.nanmax(e) for e in every))
    styles = looks([group for group, _ in found])
    for k, ((group, made), look) in enumerate(zip(found, styles, strict=True)):
        draw_curves(figure, k, group.label, made, look, limits, lines=lines)
    seeds = sorted({seed for _, made in found for seed in made.seeds})
    figure.x_range.start, figure.x_range.end = 0, max(float(made.x[-1]) for _, made in found)
    return Plot(
        figure, switches(found, styles), tuple(seeds), most >= FEWEST_FOR_BAND, lines,
        tuple(notes(panel, found, lines)),
    )  # fmt: skip


def best(groups: Sequence[Group], name: str) -> list[Group]:
    """Return at most MOST_GROUPS groups in their order: each rule's best, then the next."""
    if len(groups) <= MOST_GROUPS:
        return list(groups)
    height = {}
    for k, group in enumerate(groups):
        values = finite_values(group, name)
        height[k] = float(np.mean(values)) if values else -np.inf
    ranking = sorted(height, key=lambda k: -height[k])
    rank_in_rule: dict[str, int] = {}
    order = []
    for place, k in enumerate(ranking):
        rule = groups[k].rule
        rank_in_rule[rule] = rank_in_rule.get(rule, 0) + 1
        order.append((rank_in_rule[rule] > 1, place, k))
    return [groups[k] for k in sorted(k for _, _, k in sorted(order)[:MOST_GROUPS])]


def notes(panel: Panel, found: Sequence[tuple[Group, Curves]], lines: bool) -> list[str]:
    """Return what a reader has to know to read the learning curves."""
    most = max(made.of for _, made in found)
    words = []
    if most == 1:
        words.append("One seed.")
    elif lines:
        words.append("Thick line: mean over seeds. Thin lines: each seed.")
    else:
        words.append("Line: mean over all seeds. Band: its 95% interval.")
    if panel.kind == "agent":
        words.append("A point is the mean of the episodes in the twentieth of all steps before it.")
    merged = max(made.merged for _, made in found)
    if merged > 1:
        words.append(f"Thinned: a point is the mean of up to {merged} recorded points.")
    if most > MOST_SEEDS:
        words.append(f"Of up to {most:,} seeds the first {MOST_SEEDS} have lines of their own.")
    if len(panel.groups) > MOST_GROUPS:
        words.append(
            f"{len(found)} of {len(panel.groups):,} settings are drawn: the best of each rule, "
            "and the next best. The table has all."
        )
    return words


def switches(found: Sequence[tuple[Group, Any]], styles: Sequence[Look]) -> tuple[Switch, ...]:
    """Return a switch per group."""
    return tuple(
        Switch(group.label, look.light, look.dark, " ".join(map(str, look.dash)))
        for (group, _), look in zip(found, styles, strict=True)
    )


def new_figure(x_label: str, y_label: str, **more: Any) -> Any:
    """Return an empty Bokeh figure that is as wide as the page."""
    from bokeh.models import HoverTool, InlineStyleSheet
    from bokeh.plotting import figure

    made = figure(
        height=HEIGHT, sizing_mode="stretch_width", tools="pan,box_zoom,wheel_zoom,reset,save",
        active_drag="box_zoom", active_scroll=None, toolbar_location="above",
        x_axis_label=x_label, y_axis_label=y_label, output_backend="canvas", **more,
    )  # fmt: skip
    made.toolbar.logo = None
    made.toolbar.stylesheets = [InlineStyleSheet(css=".bk-divider { background: var(--line); }")]
    made.min_border_right = 24
    made.outline_line_color = None
    for axis in made.axis:
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size = "13px"
        axis.major_label_text_font_size = "12px"
        axis.minor_tick_line_color = None
    if made.xaxis[0].formatter.__class__.__name__ == "BasicTickFormatter":
        from bokeh.models import NumeralTickFormatter

        made.xaxis.formatter = NumeralTickFormatter(format="0.[0]a")
    made.add_tools(
        HoverTool(
            tooltips=[("", "$name"), (x_label, "$x{0,0}"), (y_label, "$y{0.[000]}")],
            attachment="horizontal", renderers=[],
        )
    )  # fmt: skip
    return made


def draw_curves(
    figure: Any, k: int, label: str, made: Curves, look: Look, limits: tuple[float, float],
    *, lines: bool,
) -> None:  # fmt: skip
    """Draw a group: its seeds as thin lines, the band of the mean, the mean."""
    from bokeh.models import ColumnDataSource

    low, high = np.clip(made.low, *limits), np.clip(made.high, *limits)
    columns = {"x": made.x, "mean": made.mean, "low": low, "high": high}
    columns.update({f"seed {s}": y for s, y in zip(made.seeds, made.lines, strict=True)})
    source = ColumnDataSource({name: short(values) for name, values in columns.items()})
    colour, several = look.light, made.of > 1
    if made.of >= FEWEST_FOR_BAND:
        band = figure.varea("x", "low", "high", source=source, color=colour, alpha=0.18)
        band.tags = [k, "band", None, look.light, look.dark]
    for seed in made.seeds if several else ():
        thin = figure.line("x", f"seed {seed}", source=source, color=colour, line_width=0.9,
                           alpha=0.55, line_dash=list(look.dash), visible=lines)  # fmt: skip
        thin.name = f"{label}, seed {seed}"
        thin.tags = [k, "seed", seed, look.light, look.dark]
    line = figure.line("x", "mean", source=source, color=colour, line_width=2.4,
                       line_dash=list(look.dash), name=label)  # fmt: skip
    line.tags = [k, "mean", None, look.light, look.dark]
    figure.tools[-1].renderers = [*figure.tools[-1].renderers, line]


def short(values: Array) -> NDArray[np.float32]:
    """Return numbers with the seven digits that a screen shows."""
    return np.asarray(values, dtype=np.float32)


@dataclass(frozen=True)
class Axis:
    """Something that results are drawn against. of(group): where, None for nowhere."""

    label: str
    name: str


def axis_plot(panel: Panel) -> Plot | None:
    """Draw a number of each rule against the setting that varies: units, layers or episodes."""
    axis = axis_of(panel)
    quantity = quantity_of(panel)
    if axis is None or quantity is None:
        return None
    series: dict[str, list[tuple[float, list[float], Group]]] = {}
    for group in panel.groups:
        at, values = place(group, axis), finite_values(group, quantity)
        if at is not None and values and min(values) > 0:
            series.setdefault(series_label(panel, group, axis), []).append((at, values, group))
    series = {label: points for label, points in series.items() if len(points) > 1}
    names = list(series)[:MOST_GROUPS]
    if not names:
        return None
    figure = new_figure(axis.label, quantity.replace("_", "-"), y_axis_type="log",
                        x_axis_type="log" if axis.name == "hidden" else "linear")  # fmt: skip
    found = [(Group(series[n][0][2].rule, n, {}, ()), series[n]) for n in names]
    styles = looks([group for group, _ in found])
    if axis.name == "hidden":
        figure.xaxis.ticker = sorted({at for points in series.values() for at, _, _ in points})
    for k, ((_, points), look, label) in enumerate(zip(found, styles, names, strict=True)):
        draw_points(figure, k, label, sorted(points, key=lambda p: p[0]), look)
    words = ["Line: geometric mean over seeds. Band: its 95% interval."]
    if len(series) > MOST_GROUPS:
        words.append(f"{MOST_GROUPS} of {len(series):,} lines are drawn. The table has all.")
    return Plot(figure, switches(found, styles), (), True, False, tuple(words))


def axis_of(panel: Panel) -> Axis | None:
    """Return what varies in a panel that can be an axis; None if nothing does."""
    if "episode" in panel.varied:
        return Axis("episodes of training", "episode")
    hidden = [group.settings.get("hidden") for group in panel.groups]
    shapes = [each for each in hidden if isinstance(each, list | tuple) and each]
    if len({len(shape) for shape in shapes}) == 1 and len({shape[0] for shape in shapes}) > 1:
        return Axis("units per layer", "hidden")
    if len({len(shape) for shape in shapes}) > 1:
        return Axis("hidden units in all", "hidden")
    return None


def place(group: Group, axis: Axis) -> float | None:
    """Return where a group stands on an axis."""
    value = group.settings.get(axis.name)
    if isinstance(value, list | tuple):
        return float(value[0] if axis.label == "units per layer" else sum(value))
    return float(value) if isinstance(value, int | float) else None


def quantity_of(panel: Panel) -> str | None:
    """Return the number that is drawn."""
    there = {name for g in panel.groups for row in g.rows for name in (row.result or {})}
    return next((n for n in ("noise_to_signal", "noise") if n in there), None)


def series_label(panel: Panel, group: Group, axis: Axis) -> str:
    """Return a line's label: the rule, and what varies beside the axis."""
    more = [f"{n.replace('_', ' ')} {group.settings.get(n)}" for n in panel.varied
            if n != axis.name]  # fmt: skip
    return ", ".join([group.rule, *more])


def draw_points(
    figure: Any, k: int, label: str, points: list[tuple[float, list[float], Group]], look: Look
) -> None:
    """Draw a line through the geometric means, with the band of its 95% interval."""
    from bokeh.models import ColumnDataSource

    x = np.array([at for at, _, _ in points])
    logs = [np.log(np.array(values))[:, None] for _, values, _ in points]
    mean = np.array([float(each.mean()) for each in logs])
    half = np.nan_to_num(np.array([float(margin(each)[0]) for each in logs]))
    low, high = np.exp(mean - half), np.exp(mean + half)
    columns = {"x": x, "mean": np.exp(mean), "low": low, "high": high}
    source = ColumnDataSource({name: short(values) for name, values in columns.items()})
    band = figure.varea("x", "low", "high", source=source, color=look.light, alpha=0.18)
    band.tags = [k, "band", None, look.light, look.dark]
    line = figure.line("x", "mean", source=source, color=look.light, line_width=2.4,
                       line_dash=list(look.dash), name=label)  # fmt: skip
    line.tags = [k, "mean", None, look.light, look.dark]
    dots = figure.scatter("x", "mean", source=source, color=look.light, size=6, name=label)
    dots.tags = [k, "mean", None, look.light, look.dark]
    figure.tools[-1].renderers = [*figure.tools[-1].renderers, dots]
