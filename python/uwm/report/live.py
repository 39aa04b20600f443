"""Progress on the screen while an experiment runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from uwm.experiments.progress import Listener, Progress
from uwm.experiments.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def bars(screen: Console, settings: Settings) -> Iterator[Listener]:
    """Show a progress bar and the latest reward of each rule while the block runs.

    Yields the function to hand to compare as `progress`. Without a proper terminal it prints
    one line per finished run.
    """
    if not screen.is_terminal or screen.is_dumb_terminal:  # no bar in motion

        def report(event: Progress) -> None:
            if event.step >= event.steps:
                told = f"done, reward now {event.reward:.3f}"
                screen.print(f"{event.name}, seed {event.seed}: {told}")

        yield report
        return

    from rich.progress import Progress as Bars

    with Bars(*columns(), console=screen) as shown:
        total = settings.steps * settings.seeds
        rows = {r: shown.add_task(r, total=total, reward="     -") for r in settings.rule_names}
        latest: dict[str, dict[int, tuple[int, float]]] = {rule: {} for rule in rows}

        def show(event: Progress) -> None:
            latest[event.name][event.seed] = event.step, event.reward
            seen = list(latest[event.name].values())
            rewards = [r for _, r in seen if not math.isnan(r)]
            mean = f"{sum(rewards) / len(rewards):+.3f}" if rewards else "     -"
            shown.update(rows[event.name], completed=sum(s for s, _ in seen), reward=mean)

        yield show


def columns() -> list[Any]:
    """Return what a line of progress shows."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    return [
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("reward {task.fields[reward]}"),
        TimeRemainingColumn(elapsed_when_finished=True),
    ]


@contextmanager
def bar(screen: Console) -> Iterator[Listener]:
    """Show one bar for what goes on while the block runs; elsewhere one line per stage."""
    if not screen.is_terminal or screen.is_dumb_terminal:
        last: list[str] = []

        def report(event: Progress) -> None:
            if last != [event.name]:
                screen.print(f"{event.name} ...")
            last[:] = [event.name]

        yield report
        return
    from rich.progress import Progress as Bars

    with Bars(console=screen, transient=True) as shown:
        task = shown.add_task("", total=1)
        yield lambda event: shown.update(
            task, description=event.name, completed=event.step, total=event.steps
        )


def lines(screen: Console) -> Listener:
    """Return what prints a line for every run and measurement that has ended."""

    def report(event: Progress) -> None:
        which = f"{event.name}, seed {event.seed}"
        if event.name.startswith("noise"):
            screen.print(which)
            return
        diverged = math.isnan(event.reward)
        how = "no result" if diverged else f"mean reward {event.reward:.3f}"
        screen.print(f"{event.step} of {event.steps}: {which}: {how}")

    return report
