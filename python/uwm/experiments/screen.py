"""What a comparison shows on screen: live progress, and a table at the end."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from uwm.experiments.statistics import Spread, spread

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from uwm.experiments.comparison import Comparison, Listener
    from uwm.experiments.settings import Settings

PIPE_WIDTH = 120


def console(*, stderr: bool) -> Console:
    """Return a rich console; what goes into a file or a pipe gets room enough for the table.

    Raises ImportError if rich is missing: pip install "uwm[cli]".
    """
    try:
        from rich.console import Console
    except ImportError:
        raise ImportError('tables and progress need rich: pip install "uwm[cli]"') from None
    # Names of the user's are shown as they are, brackets and colons included.
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = PIPE_WIDTH
    return made


def print_table(screen: Console, made: Table) -> None:
    """Print a table whole: on a terminal that is too narrow for it, its lines go over the edge."""
    from rich.console import Console

    needed = Console(width=500, markup=False, emoji=False).measure(made).maximum
    if needed > screen.width:
        screen = Console(file=screen.file, width=needed, highlight=False, markup=False, emoji=False)
    screen.print(made)


@contextmanager
def live(screen: Console, settings: Settings) -> Iterator[Listener]:
    """Show a progress bar and the latest reward of each rule while the block runs.

    Yields the function to hand to compare as `progress`. Without a proper terminal it prints
    one line per finished run.
    """
    if not screen.is_terminal or screen.is_dumb_terminal:  # no bar in motion

        def report(rule: str, seed: int, step: int, steps: int, reward: float) -> None:
            if step >= steps:
                screen.print(f"{rule}, seed {seed}: done, reward now {reward:.3f}")

        yield report
        return

    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("reward {task.fields[reward]}"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=screen) as bars:
        total = settings.steps * settings.seeds
        rows = {r: bars.add_task(r, total=total, reward="     -") for r in settings.rule_names}
        latest: dict[str, dict[int, tuple[int, float]]] = {rule: {} for rule in rows}

        def show(rule: str, seed: int, step: int, steps: int, reward: float) -> None:
            latest[rule][seed] = step, reward
            seen = list(latest[rule].values())
            rewards = [r for _, r in seen if not math.isnan(r)]
            mean = f"{sum(rewards) / len(rewards):+.3f}" if rewards else "     -"
            bars.update(rows[rule], completed=sum(s for s, _ in seen), reward=mean)

        yield show


def table(comparison: Comparison, width: int) -> Table:
    """Return the table of results; for a narrow terminal with the intervals under the means."""
    rows = [cells(comparison, rule) for rule in comparison.settings.rule_names]
    tested = any(run.test_accuracy is not None for run in comparison.runs)
    full = build(comparison.title, rows, tested, narrow=False)
    from rich.console import Console

    needed = Console(width=500, markup=False, emoji=False).measure(full).maximum
    return full if needed <= width else build(comparison.title, rows, tested, narrow=True)


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
