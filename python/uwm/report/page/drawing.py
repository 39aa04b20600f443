"""What all plots of the page are drawn with, as Bokeh models.

Everything drawn has tags: its group, its part ("mean", "band" or "seed"), its seeds, and its
colours on light and on dark ground. The page's script reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uwm.report.page.look import Look

MOST_GROUPS = 12  # that are drawn in one plot
HEIGHT = 420  # pixels
SEED_ALPHA = 0.55
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


def switches(labels: Sequence[str], styles: Sequence[Look]) -> tuple[Switch, ...]:
    """Return a switch per group."""
    return tuple(
        Switch(label, look.light, look.dark, " ".join(map(str, look.dash)))
        for label, look in zip(labels, styles, strict=True)
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


def add_band(figure: Any, k: int, x: Array, low: Array, high: Array, look: Look) -> None:
    """Add the interval of a group's mean."""
    from bokeh.models import ColumnDataSource, VArea

    source = ColumnDataSource({"x": short(x), "low": short(low), "high": short(high)})
    glyph = VArea(x="x", y1="low", y2="high", fill_color=look.light, fill_alpha=0.18)
    figure.add_glyph(source, glyph).tags = [k, "band", [], look.light, look.dark]


def add_seeds(
    figure: Any, k: int, x: Array, lines: Array, seeds: Sequence[int], look: Look, *, visible: bool
) -> None:
    """Add a thin line per seed; the page's script shows and hides them by their alpha."""
    from bokeh.models import ColumnDataSource, MultiLine

    source = ColumnDataSource(
        {
            "x": [short(x)] * len(seeds),
            "y": [short(line) for line in lines],
            "alpha": [SEED_ALPHA] * len(seeds),
        }
    )
    glyph = MultiLine(xs="x", ys="y", line_alpha="alpha", line_color=look.light, line_width=0.9,
                      line_dash=list(look.dash))  # fmt: skip
    thin = figure.add_glyph(source, glyph, visible=visible)
    thin.tags = [k, "seed", list(seeds), look.light, look.dark, SEED_ALPHA]


def add_line(
    figure: Any, k: int, label: str, x: Array, y: Array, look: Look, *, dots: bool = False
) -> None:
    """Add a group's mean, with what the pointer shows of it; dots: a dot at each point, too."""
    from bokeh.models import ColumnDataSource, Line, Scatter

    source = ColumnDataSource({"x": short(x), "y": short(y)})
    glyphs: list[Any] = [
        Line(x="x", y="y", line_color=look.light, line_width=2.4, line_dash=list(look.dash))
    ]
    if dots:
        colours = {"line_color": look.light, "fill_color": look.light}
        glyphs.append(Scatter(x="x", y="y", size=6, **colours))
    for glyph in glyphs:
        line = figure.add_glyph(source, glyph, name=label)
        line.tags = [k, "mean", [], look.light, look.dark]
    hover = figure.tools[-1]
    hover.renderers = [*hover.renderers, line]


def short(values: ArrayLike) -> NDArray[np.float32]:
    """Return numbers with the seven digits that a screen shows."""
    return np.asarray(values, dtype=np.float32)
