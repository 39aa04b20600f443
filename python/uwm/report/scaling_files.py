"""The files of a study against the number of units: settings.json, scaling.csv, scaling.png."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from uwm.experiments.origin import origin
from uwm.experiments.scaling.result import Point, Scaling
from uwm.files import locked, make_folder, replace_file
from uwm.formats import csv_text, write_json
from uwm.report.figures.of_scaling import scaling_curves
from uwm.report.folders import SETTINGS, draw

TABLE, PLOT = "scaling.csv", "scaling.png"
COLUMNS = tuple(field.name for field in dataclasses.fields(Point))


def write(found: Scaling, folder: Path, plot: bool) -> list[Path]:
    """Write settings.json, scaling.csv and scaling.png; return their paths."""
    make_folder(folder)
    with locked(folder):
        (folder / PLOT).unlink(missing_ok=True)
        rows = [[getattr(point, name) for name in COLUMNS] for point in found.points]
        write_json(folder / SETTINGS, described(found))
        replace_file(folder / TABLE, csv_text(list(COLUMNS), rows).encode())
    paths = [folder / SETTINGS, folder / TABLE]
    if plot and found.points:
        paths += draw(folder / PLOT, lambda: scaling_curves(found))
    return paths


def described(found: Scaling) -> dict[str, Any]:
    """Return settings.json: the settings, the plan, and what else the results depend on."""
    unfinished = [run.as_dict() for run in found.unfinished]
    return {**found.plan.as_dict(), **origin(found.task_sha256), "unfinished": unfinished}
