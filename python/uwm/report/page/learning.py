"""Learning curves of a panel: a line per rule, with its interval and its seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from uwm.report.figures.bands import FEWEST_FOR_BAND
from uwm.report.page.curves import Curves, curves
from uwm.report.page.drawing import (
    MOST_GROUPS,
    Plot,
    add_band,
    add_line,
    add_seeds,
    new_figure,
    switches,
)
from uwm.report.page.look import looks
from uwm.report.page.sections import Group, Panel
from uwm.report.page.tables import finite_values

MOST_SEEDS = 10  # of a group that have a line of their own
CLEAR = 6  # groups whose seeds can still be told apart
#: By kind of cell: the number that says which groups are the best, and the axes.
KINDS = {
    "run": ("mean_reward", "episodes", "mean reward"),
    "agent": ("mean_return", "environment steps", "return of an episode"),
}


def learning_plot(panel: Panel) -> Plot | None:
    """Draw the learning curves of the best groups; None without a curve."""
    quantity, x_label, y_label = KINDS[panel.kind]
    found = [(g, made) for g in best(panel.groups, quantity) if (made := curves(g))]
    if not found:
        return None
    groups, every = [group for group, _ in found], [made for _, made in found]
    figure, styles = new_figure(x_label, y_label), looks(groups)
    most = max(made.of for made in every)
    band = most >= FEWEST_FOR_BAND
    lines = 1 < most < FEWEST_FOR_BAND and len(found) <= CLEAR
    low, high = limits(panel, every)
    for k, (group, made) in enumerate(found):
        look = styles[k]
        if made.of >= FEWEST_FOR_BAND:
            add_band(figure, k, made.x, made.low.clip(low, high), made.high.clip(low, high), look)
        if made.of > 1:
            seeds = made.seeds[:MOST_SEEDS]
            add_seeds(figure, k, made.x, made.lines[:MOST_SEEDS], seeds, look, visible=lines)
        add_line(figure, k, group.label, made.x, made.mean, look)
    figure.x_range.start, figure.x_range.end = 0, max(float(made.x[-1]) for made in every)
    return Plot(
        figure,
        switches([group.label for group in groups], styles),
        tuple(sorted({seed for made in every for seed in made.seeds[:MOST_SEEDS]})),
        band=band,
        lines=lines,
        notes=tuple(notes(panel, every, lines=lines)),
    )


def limits(panel: Panel, every: Sequence[Curves]) -> tuple[float, float]:
    """Return between what a mean can lie: rewards of the built-in tasks lie between -1 and 1."""
    if panel.kind != "run":
        return -np.inf, np.inf
    lowest = [float(np.nanmin(made.lines)) for made in every]
    highest = [float(np.nanmax(made.lines)) for made in every]
    return min(-1.0, *lowest), max(1.0, *highest)


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


def notes(panel: Panel, every: Sequence[Curves], *, lines: bool) -> list[str]:
    """Return what a reader has to know to read the learning curves."""
    most = max(made.of for made in every)
    if most == 1:
        words = ["One seed."]
    elif lines:
        words = ["Thick line: mean over seeds. Thin lines: each seed."]
    elif most < FEWEST_FOR_BAND:
        words = ["Line: mean over seeds."]
    else:
        words = ["Line: mean over all seeds. Band: its 95% interval."]
    if panel.kind == "agent":
        words.append("A point is the mean of the episodes in the twentieth of all steps before it.")
    merged = max(made.merged for made in every)
    if merged > 1:
        words.append(f"Thinned: a point is the mean of up to {merged} recorded points.")
    if most > MOST_SEEDS:
        words.append(f"Of up to {most:,} seeds the first {MOST_SEEDS} have lines of their own.")
    if len(panel.groups) > MOST_GROUPS:
        words.append(
            f"{len(every)} of {len(panel.groups):,} settings are drawn: the best of each rule, "
            "and the next best. The table has all."
        )
    return words
