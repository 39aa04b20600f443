"""The files of a comparison, each written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import uwm
from uwm.files import replace_file

if TYPE_CHECKING:
    from uwm.experiments.comparison import Comparison

PLOT = "learning-curves.png"


def write(comparison: Comparison, folder: Path, *, plot: bool) -> list[Path]:
    """Write the files of a comparison and return their paths."""
    image = None
    if plot and comparison.runs:
        from uwm.experiments.plot import learning_curves

        image = learning_curves(comparison)
    make_folder(folder)
    contents = {
        "settings.json": settings_text(comparison).encode(),
        "runs.csv": runs_text(comparison).encode(),
        "curves.csv": curves_text(comparison).encode(),
    }
    if image is not None:
        contents[PLOT] = image
    else:
        (folder / PLOT).unlink(missing_ok=True)  # an earlier plot would not belong to these runs
    for name, content in contents.items():
        replace_file(folder / name, content)
    return [folder / name for name in contents]


def settings_text(comparison: Comparison) -> str:
    """Return settings.json: all settings, the version, and the runs that have no result."""
    unfinished = [vars(run) for run in comparison.unfinished]
    values = {**comparison.settings.as_dict(), "version": uwm.__version__, "unfinished": unfinished}
    return json.dumps(values, indent=2) + "\n"


def runs_text(comparison: Comparison) -> str:
    """Return runs.csv: one line per run."""
    rows = [run.as_dict() for run in comparison.runs]
    names = ["rule", "seed", "mean_reward", "final_reward", "steps_per_second"]
    return csv_text(list(rows[0]) if rows else names, [list(row.values()) for row in rows])


def curves_text(comparison: Comparison) -> str:
    """Return curves.csv: one line per point of a learning curve, `episode` being its last."""
    rows = [
        [run.rule, run.seed, episode, reward]
        for run in comparison.runs
        for episode, reward in zip(run.episodes.tolist(), run.rewards.tolist(), strict=True)
    ]
    return csv_text(["rule", "seed", "episode", "reward"], rows)


def csv_text(header: list[str], rows: list[list[object]]) -> str:
    """Return a table as CSV text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def make_folder(folder: Path) -> None:
    """Make the folder if need be, and raise OSError unless files can be written into it."""
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / ".uwm-write-test", b"")
    (folder / ".uwm-write-test").unlink()
