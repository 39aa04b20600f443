"""Progress on the screen while runs are made: of a comparison of rules, or of agents."""

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
    if still(screen):
        yield line_per_run(screen, "done, reward now {:.3f}")
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


@contextmanager
def bar_per_run(screen: Console) -> Iterator[Listener]:
    """Show a bar for each agent that learns, and a line for each that is done.

    Yields the function to hand to compare_agents as `progress`. Without a proper terminal there are
    lines alone.
    """
    words = "done, mean return of the last 100 episodes {:.1f}"
    if still(screen):
        yield line_per_run(screen, words)
        return

    from rich.progress import Progress as Bars

    with Bars(*columns(), console=screen) as shown:
        rows: dict[tuple[str, int], Any] = {}
        done = line_per_run(shown.console, words)

        def show(event: Progress) -> None:
            key = event.name, event.seed
            if key not in rows:
                label = f"{event.name}, seed {event.seed}"
                rows[key] = shown.add_task(label, total=event.steps, reward="-")
            shown.update(rows[key], completed=event.step, reward=f"{event.reward:.1f}")
            if event.step >= event.steps:
                shown.remove_task(rows[key])
            done(event)

        yield show


def still(screen: Console) -> bool:
    """Whether the screen shows no bar in motion."""
    return not screen.is_terminal or screen.is_dumb_terminal


def line_per_run(screen: Console, words: str) -> Listener:
    """Return a listener that prints a line for each run that is done; words takes its reward."""

    def report(event: Progress) -> None:
        if event.step >= event.steps:
            screen.print(f"{event.name}, seed {event.seed}: {words.format(event.reward)}")

    return report


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
