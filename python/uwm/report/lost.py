"""Runs without a result, in as few lines as say everything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uwm.experiments.runs import Unfinished


def lost_runs(unfinished: Iterable[Unfinished]) -> list[str]:
    """Return one line per rule and reason for runs that have no result."""
    seeds: dict[tuple[str, str], list[int]] = {}
    for run in unfinished:
        seeds.setdefault((run.rule, run.reason), []).append(run.seed)
    return [
        f"{rule}: not finished: seed{'s' if len(which) > 1 else ''} {spans(which)}: {reason}"
        for (rule, reason), which in seeds.items()
    ]


def spans(numbers: list[int]) -> str:
    """Return increasing numbers as 0, 2-5, 7."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][-1] == number - 1:
            spans[-1] = [spans[-1][0], number]
        else:
            spans.append([number])
    return ", ".join("-".join(map(str, span)) for span in spans)
