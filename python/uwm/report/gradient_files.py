"""The files of a study of gradients: settings.json, gradients.csv and gradients.png."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from uwm.experiments.gradient_study.result import GradientStudy
from uwm.files import locked, make_folder, replace_file
from uwm.formats import csv_text, write_json
from uwm.report.figures.of_gradients import gradient_plot
from uwm.report.folders import SETTINGS, draw

TABLE, PLOT = "gradients.csv", "gradients.png"


def write(study: GradientStudy, folder: Path, plot: bool) -> list[Path]:
    """Write settings.json, gradients.csv and gradients.png; return their paths."""
    make_folder(folder)
    with locked(folder):
        (folder / PLOT).unlink(missing_ok=True)
        rows = [m.as_dict() for m in study.measurements]
        write_json(folder / SETTINGS, described(study))
        table = csv_text(list(rows[0]) if rows else [], [list(row.values()) for row in rows])
        replace_file(folder / TABLE, table.encode())
    paths = [folder / SETTINGS, folder / TABLE]
    if plot and study.measurements:
        paths += draw(folder / PLOT, lambda: gradient_plot(study))
    return paths


def described(study: GradientStudy) -> dict[str, Any]:
    """Return settings.json: what the measurements depend on, and what is missing of them."""
    return {**study.settings, "unfinished": [run.as_dict() for run in study.unfinished]}
