"""Trials, and the table that they make."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uwm.experiments.tuning.search import OBJECTIVES, Search
from uwm.formats import csv_text, read_rows

RESULTS = (*OBJECTIVES, *(f"again_{name}" for name in OBJECTIVES))
MADE_BY = ("version", "simd_level")
TRIALS = "trials.csv"

Choice = dict[str, float | str]  # a value for each parameter that is searched
Key = tuple[str, int, tuple[float | str, ...]]  # of a trial: rule, number, what it tries


@dataclass(frozen=True)
class Trial:
    """What was tried for a rule and how it went, averaged over the seeds; NaN where it diverged.

    again_mean_reward, again_final_reward: of a finalist, over its further seeds; NaN for others.
    version and simd_level say which uwm and which instruction set made it.
    """

    rule: str
    number: int
    choice: Choice
    mean_reward: float
    final_reward: float
    again_mean_reward: float = math.nan
    again_final_reward: float = math.nan
    version: str = ""
    simd_level: str = ""

    @property
    def key(self) -> Key:
        """What tells the trial from all others of its search."""
        return self.rule, self.number, tuple(self.choice.values())


def trials_text(search: Search, trials: Sequence[Trial]) -> str:
    """Return trials as a CSV table, rule by rule."""
    rules = list(dict.fromkeys(trial.rule for trial in trials))
    rows: list[list[object]] = [
        [t.rule, t.number, *(t.choice[name] for name in search.parameters),
         *(getattr(t, name) for name in (*RESULTS, *MADE_BY))]
        for t in sorted(trials, key=lambda t: (rules.index(t.rule), t.number))
    ]  # fmt: skip
    return csv_text(["rule", "trial", *search.parameters, *RESULTS, *MADE_BY], rows)


def read_trials(path: Path, search: Search) -> dict[Key, Trial]:
    """Return the trials of a table that trials_text made."""
    trials = {}
    try:
        for row in read_rows(path):
            choice = {
                name: row[name] if name == "baseline" else float(row[name])
                for name in search.parameters
            }
            results: Any = [float(row[name]) for name in RESULTS]
            made_by: Any = {name: row.get(name) or "" for name in MADE_BY}
            trial = Trial(row["rule"], int(row["trial"]), choice, *results, **made_by)
            trials[trial.key] = trial
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a file of trials: {error}") from None
    return trials
