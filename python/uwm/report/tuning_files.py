"""The files of a search: tuned.json, for `uwm compare --settings`, and trials.csv."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from uwm.experiments.origin import origin
from uwm.experiments.tuning.result import Tuned
from uwm.experiments.tuning.trials import RESULTS, TRIALS, trials_text
from uwm.files import locked, make_folder, replace_file
from uwm.formats import write_json

TUNED = "tuned.json"


def write(tuned: Tuned, folder: Path, plot: bool) -> list[Path]:
    """Write trials.csv, and tuned.json if any rule has a best trial; return their paths.

    There is no picture.
    """
    make_folder(folder)
    with locked(folder):
        replace_file(folder / TRIALS, trials_text(tuned.search, tuned.trials).encode())
        if not tuned.rules:
            return [folder / TRIALS]
        write_json(folder / TUNED, described(tuned))
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
