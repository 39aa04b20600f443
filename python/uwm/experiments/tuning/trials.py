"""Trials, and the folder that keeps them: in trials.csv, beside the search in search.json."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uwm.experiments.tuning.search import OBJECTIVES, Search
from uwm.files import locked, make_folder, replace_file
from uwm.formats import csv_text, read_json, read_rows, write_json

RESULTS = (*OBJECTIVES, *(f"again_{name}" for name in OBJECTIVES))
MADE_BY = ("version", "simd_level")
TRIALS, SEARCH = "trials.csv", "search.json"

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


def resume(folder: Path, search: Search, sha256: str | None) -> dict[Key, Trial]:
    """Return the trials that the folder holds, after writing down which search it is for.

    Raises ValueError if they are of another search; the number of trials may differ.
    """
    check_search(folder, search, sha256)
    return read_trials(folder / TRIALS, search) if (folder / TRIALS).exists() else {}


def check_search(folder: Path, search: Search, sha256: str | None) -> None:
    """Write down which search the folder is for, or raise ValueError if it is another's."""
    make_folder(folder)
    fixed = {**search.as_dict(), "trials": None, "finalists": None}
    if sha256 is not None:
        fixed["task_sha256"] = sha256
    wanted = json.loads(json.dumps(fixed))
    path = folder / SEARCH
    if path.exists():
        try:
            found = read_json(path)
        except ValueError:
            found = None
        if found != wanted:
            raise ValueError(
                f"{folder}: holds another search{differences(found, wanted)};"
                " choose another folder, or delete this one"
            )
    else:
        write_json(path, wanted)


def differences(found: object, wanted: dict[str, Any]) -> str:
    """Return the first setting that differs, for an error message."""
    if not isinstance(found, dict) or not isinstance(found.get("settings"), dict):
        return ""
    before, now = ({**d, **d["settings"]} for d in (found, wanted))
    for name in now:
        if name != "settings" and before.get(name) != now[name]:
            return f" ({name} {before.get(name)!r} there, {now[name]!r} now)"
    return ""


def write_trials(folder: Path, search: Search, trials: Sequence[Trial]) -> None:
    """Add trials to the folder's trials.csv, or put them in the place of what it has of them."""
    path = folder / TRIALS
    with locked(folder):
        known = read_trials(path, search) if path.exists() else {}
        for trial in trials:
            there = known.get(trial.key)
            if there is not None and math.isnan(trial.again_mean_reward):
                trial = dataclasses.replace(  # a finalist of another call
                    trial,
                    again_mean_reward=there.again_mean_reward,
                    again_final_reward=there.again_final_reward,
                )
            known[trial.key] = trial
        rules = list(dict.fromkeys(trial.rule for trial in known.values()))
        rows: list[list[object]] = [
            [t.rule, t.number, *(t.choice[name] for name in search.parameters),
             *(getattr(t, name) for name in (*RESULTS, *MADE_BY))]
            for t in sorted(known.values(), key=lambda t: (rules.index(t.rule), t.number))
        ]  # fmt: skip
        header = ["rule", "trial", *search.parameters, *RESULTS, *MADE_BY]
        replace_file(path, csv_text(header, rows).encode())


def read_trials(path: Path, search: Search) -> dict[Key, Trial]:
    """Return the trials of a file that write_trials wrote."""
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
