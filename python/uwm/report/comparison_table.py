"""The table of a comparison, and the lines around it."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uwm
from uwm.experiments.comparison import Comparison
from uwm.experiments.settings import AUTO, Settings
from uwm.experiments.spread import Spread, spread
from uwm.experiments.verdict import verdict
from uwm.report.console import print_files, print_table, width_of
from uwm.report.verdict_text import verdict_json, verdict_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def show(result: Comparison, files: list[Path], out: Console) -> None:
    """Print the table, the verdict, and where the files are."""
    print_table(out, table(result, out.width))
    about = "; ± is the standard deviation over seeds" if result.settings.seeds > 1 else ""
    out.print(result.describe() + about, soft_wrap=True)
    for line in rates_used(result.settings):
        out.print(line, soft_wrap=True)
    for line in verdict_lines(verdict(result)):
        out.print(line, soft_wrap=True)
    print_files(out, files)


def rates_used(settings: Settings) -> list[str]:
    """Return lines that say which learning rates and baselines the rules had, and from where."""
    if not settings.learning_rates and not settings.baselines:
        automatic = settings.learning_rate == AUTO
        which = "automatic" if automatic else "same"
        same = f"Every rule had the {which} learning rates, not its own best."
        return [same] if len(settings.rules) > 1 else []
    lines = [f"Learning rates from {settings.rates_from or 'the settings'}:"]
    for rule in settings.rule_names:
        words = settings.rates_in_words(rule)
        common = "" if rule in settings.learning_rates else " (not its own)"
        lines.append(f"  {rule}: {words}{common}; baseline {settings.baseline_of(rule) or 'none'}")
    return lines


def as_json(result: Comparison, files: list[Path]) -> dict[str, Any]:
    """Return what --json prints."""
    return {
        "version": uwm.__version__,
        "simd_level": uwm.simd_level(),
        "task": result.settings.task,
        "settings": result.settings.as_dict(),
        "runs": [run.as_dict() for run in result.runs],
        "unfinished": [run.as_dict() for run in result.unfinished],
        "verdict": verdict_json(lambda: verdict(result)),
        "files": [str(path) for path in files],
    }


def table(comparison: Comparison, width: int) -> Table:
    """Return the table of results; for a narrow terminal with the intervals under the means."""
    rows = [cells(comparison, rule) for rule in comparison.settings.rule_names]
    tested = any(run.test_accuracy is not None for run in comparison.runs)
    full = build(comparison.title, rows, tested, narrow=False)
    return full if width_of(full) <= width else build(comparison.title, rows, tested, narrow=True)


def cells(comparison: Comparison, rule: str) -> list[str]:
    """Return a rule's line: name, mean, interval, last tenth, speed, test accuracy."""
    runs = comparison.of(rule)
    if not runs:
        return [rule, "no result", "", "", "", ""]
    mean = spread([run.mean_reward for run in runs])
    accuracies = [run.test_accuracy for run in runs if run.test_accuracy is not None]
    speed = sum(run.steps_per_second for run in runs) / len(runs)
    return [
        rule,
        plus_minus(mean),
        interval(mean),
        plus_minus(spread([run.final_reward for run in runs])),
        f"{speed:,.0f}",
        plus_minus(spread(accuracies)) if accuracies else "",
    ]


def build(title: str, rows: list[list[str]], tested: bool, *, narrow: bool) -> Table:
    """Lay the cells out."""
    from rich import box
    from rich.table import Table

    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    made.add_column("rule", no_wrap=True)
    heads = ["mean reward", "95% interval", "last tenth", "steps/s", "test accuracy"]
    if narrow:
        made.padding, made.pad_edge = (0, 1, 0, 0), False
        heads[0:2] = ["mean reward\n95% interval"]
    for head in heads if tested else heads[:-1]:
        made.add_column(head, justify="right", no_wrap=True)
    for rule, mean, between, last, speed, accuracy in rows:
        line = [mean, between, last, speed, accuracy]
        if narrow:
            line[0:2] = [f"{mean}\n{between}"]
        made.add_row(fold(rule) if narrow else rule, *(line if tested else line[:-1]))
    return made


def fold(rule: str) -> str:
    """Break a long name after an underscore."""
    return textwrap.fill(rule.replace("_", "_ "), 17).replace("_ ", "_")


def plus_minus(value: Spread) -> str:
    """Return a mean and the standard deviation over seeds."""
    if math.isnan(value.deviation):
        return f"{value.mean:.3f}"
    return f"{value.mean:.3f} ± {value.deviation:.3f}"


def interval(value: Spread) -> str:
    """Return the 95% interval of a mean."""
    if math.isnan(value.margin):
        return "-"
    return f"{value.mean - value.margin:.3f} to {value.mean + value.margin:.3f}"
