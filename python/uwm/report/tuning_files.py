"""The files of a search: tuned.json, for `uwm compare --settings`, and trials.csv."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from uwm.experiments.origin import origin
from uwm.experiments.tuning.result import Tuned, rates_from
from uwm.experiments.tuning.trials import RESULTS, TRIALS, check_search, write_trials
from uwm.files import locked
from uwm.formats import read_json, write_json
from uwm.report.folders import UNREADABLE

TUNED = "tuned.json"


def write(tuned: Tuned, folder: Path, plot: bool) -> list[Path]:
    """Write trials.csv, and tuned.json if any rule has a best trial; return their paths.

    Nothing that the folder holds of the same search is lost: its trials stay, and so do the best
    settings of other rules, and those of a rule that had more trials.
    There is no picture. Raises ValueError if the folder holds another search.
    """
    check_search(folder, tuned.search, tuned.task_sha256)
    write_trials(folder, tuned.search, tuned.trials)
    if not tuned.rules:
        return [folder / TRIALS]
    with locked(folder):
        write_json(folder / TUNED, with_earlier(tuned, folder))
    return [folder / TUNED, folder / TRIALS]


def described(tuned: Tuned) -> dict[str, Any]:
    """Return the best settings, and under `search` how they were found."""
    settings = tuned.settings() if tuned.rules else tuned.search.settings
    best = {}
    for rule in tuned.rules:
        trial = tuned.best(rule)
        found = {name: getattr(trial, name) for name in ("number", *RESULTS)}
        best[rule] = {k: None if math.isnan(v) else v for k, v in found.items()}
        best[rule]["trials"] = tuned.number_of_trials(rule)
    about = {**tuned.search.as_dict(), "best": best, "importance": tuned.importance}
    return {**settings.as_dict(), **origin(tuned.task_sha256), "search": about}


def with_earlier(new: Tuned, folder: Path) -> dict[str, Any]:
    """Return tuned.json with what the folder's has of other rules, or from more trials."""
    values = described(new)
    try:
        there = read_json(folder / TUNED)
        about, best = values["search"], there["search"]["best"]
        for rule in there["rules"]:
            if rule in about["best"] and best[rule]["trials"] <= about["best"][rule]["trials"]:
                continue
            own = {what: there[what][rule] for what in ("learning_rates", "baselines")}
            importance = there["search"]["importance"].get(rule, {})
            trials = best[rule]["trials"]
            values["rules"] = list(dict.fromkeys([*values["rules"], rule]))
            for what, value in own.items():
                values[what][rule] = value
            about["best"][rule], about["importance"][rule] = best[rule], importance
            about["trials"] = max(about["trials"], trials)
    except UNREADABLE:
        return values  # there is none, or it is damaged
    counts = [each["trials"] for each in about["best"].values()]
    values["rates_from"] = rates_from(new.search, min(counts), max(counts))
    return values
