"""The table of bias and noise along training: a line per rule, a column per checkpoint."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from uwm.analysis import Estimate
from uwm.experiments.gradient_study.result import GradientStudy, Measurement
from uwm.report.console import width_of
from uwm.report.digits import interval, number

if TYPE_CHECKING:
    from rich.table import Table

MOST_COLUMNS = 9
PARTS = (("relative_bias", "relative bias", 2), ("noise_to_signal", "noise-to-signal", 3))


def training_table(study: GradientStudy, width: int) -> tuple[Table, list[str]]:
    """Return the table, and what has to be said of it.

    At most nine checkpoints are shown. Where the intervals make the table wider
    than `width`, a number stands alone, and "< b" for one whose interval begins at 0 and ends at b.
    """
    episodes = chosen(list(study.rewards))
    notes = []
    if len(episodes) < len(study.rewards):
        notes.append(f"{len(episodes)} of {len(study.rewards)} checkpoints; gradients.csv has all.")
    sampled = any(m.method == "sampled" for m in study.measurements)
    made = build(study, episodes, brief=False)
    if not sampled:
        return made, notes
    if width_of(made) <= width:
        return made, [*notes, "[a, b]: 95% interval."]
    notes.append("< b: not told from 0, at most b. gradients.csv has all 95% intervals.")
    return build(study, episodes, brief=True), notes


def chosen(episodes: list[int]) -> list[int]:
    """Return the checkpoints to show: at equal distances from the first, and the last.

    >>> chosen(list(range(21)))
    [0, 3, 6, 9, 12, 15, 18, 20]
    """
    last = len(episodes) - 1
    step = max(1, math.ceil(last / (MOST_COLUMNS - 1)))
    return [*episodes[:last:step], episodes[last]]


def build(study: GradientStudy, episodes: list[int], *, brief: bool) -> Table:
    """Lay the table out."""
    from rich import box
    from rich.table import Table

    sizes = ", ".join(str(n) for n in study.settings["sizes"])
    made = Table(title=f"{study.title}, network [{sizes}], along training", title_justify="left",
                 title_style="bold", box=box.SIMPLE_HEAD)  # fmt: skip
    made.padding, made.pad_edge = (0, 2, 0, 0), False
    for head in ("", "layer", "rule\nmean reward"):
        made.add_column(head, no_wrap=True)
    for episode in episodes:
        head = f"{episode:,}{' episodes' if episode == 0 else ''}\n{study.rewards[episode]:.3f}"
        made.add_column(head, justify="right", no_wrap=True)
    rules = list(dict.fromkeys(m.rule for m in study.measurements))
    for quantity, words, digits in PARTS:
        for layer in study.layers:
            for k, rule in enumerate(rules):
                by_episode = {m.episode: m for m in study.select(layer=layer, rule=rule)}
                line = [cell(by_episode.get(e), quantity, digits, brief=brief) for e in episodes]
                first = [words if layer == study.layers[0] else "", str(layer + 1)]
                made.add_row(*(first if k == 0 else ["", ""]), rule, *line,
                             end_section=k == len(rules) - 1)  # fmt: skip
    return made


def cell(m: Measurement | None, quantity: str, digits: int, *, brief: bool) -> str:
    """Return a number with its interval, a brief form of it, or why there is none."""
    if m is None:
        return ""
    if math.isnan(m.noise_to_signal.value):
        return "too few" if brief else "too few samples"
    if m.gradient_norm.value == 0:
        return "-" if m.relative_bias.value else "0"
    if quantity == "relative_bias" and m.rule == m.gradient:
        return "0" if brief else "0 by definition"
    estimate: Estimate = getattr(m, quantity)
    if not brief:
        return interval(estimate, digits)
    if estimate.low <= 0 < estimate.high:
        return f"< {number(estimate.high, digits)}"
    return number(estimate.value, digits)
