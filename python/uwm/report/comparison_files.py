"""The files of a comparison: settings.json, runs.csv, curves.csv and learning-curves.png."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from uwm.experiments.comparison import Comparison
from uwm.experiments.origin import origin
from uwm.files import locked, make_folder, replace_file
from uwm.formats import csv_text, write_json
from uwm.report.figures.of_comparison import learning_curves
from uwm.report.folders import SETTINGS, draw

RUNS, CURVES, PLOT = "runs.csv", "curves.csv", "learning-curves.png"


def write(comparison: Comparison, folder: Path, plot: bool) -> list[Path]:
    """Write settings.json, runs.csv, curves.csv and learning-curves.png; return their paths."""
    make_folder(folder)
    with locked(folder):
        (folder / PLOT).unlink(missing_ok=True)  # an earlier plot would not belong to these runs
        write_json(folder / SETTINGS, described(comparison))
        replace_file(folder / RUNS, runs_text(comparison).encode())
        replace_file(folder / CURVES, curves_text(comparison).encode())
    paths = [folder / name for name in (SETTINGS, RUNS, CURVES)]
    if plot and comparison.runs:
        paths += draw(folder / PLOT, lambda: learning_curves(comparison))
    return paths


def described(comparison: Comparison) -> dict[str, Any]:
    """Return settings.json: all settings, what else matters, and the runs without a result."""
    unfinished = [run.as_dict() for run in comparison.unfinished]
    settings = comparison.settings
    return {**settings.as_dict(), **origin(comparison.task_sha256), "unfinished": unfinished}


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
