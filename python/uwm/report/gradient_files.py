"""The files of a study of gradients: settings.json, gradients.csv and gradients.png."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

from uwm.analysis import Estimate
from uwm.experiments.gradient_study.result import GradientStudy, Measurement
from uwm.files import locked, make_folder, replace_file
from uwm.formats import csv_text, read_json, read_rows, write_json
from uwm.report.figures import gradient_plot
from uwm.report.folders import SETTINGS, UNREADABLE, draw, make_room

TABLE, PLOT = "gradients.csv", "gradients.png"


def write(study: GradientStudy, folder: Path, plot: bool) -> list[Path]:
    """Write settings.json, gradients.csv and gradients.png; return their paths.

    Measurements with the same settings that the folder holds already, of other rules, stay.
    """
    make_folder(folder)
    with locked(folder):
        made = merged(study, folder)
        if made is None:
            make_room(folder, (SETTINGS, TABLE, PLOT))
            made = study
        (folder / PLOT).unlink(missing_ok=True)
        rows = [m.as_dict() for m in made.measurements]
        write_json(folder / SETTINGS, described(made))
        table = csv_text(list(rows[0]) if rows else [], [list(row.values()) for row in rows])
        replace_file(folder / TABLE, table.encode())
    paths = [folder / SETTINGS, folder / TABLE]
    if plot and made.measurements:
        paths += draw(folder / PLOT, lambda: gradient_plot(made))
    return paths


def described(study: GradientStudy) -> dict[str, Any]:
    """Return settings.json: what the measurements depend on, and what is missing of them."""
    return {**study.settings, "unfinished": [run.as_dict() for run in study.unfinished]}


def merged(new: GradientStudy, folder: Path) -> GradientStudy | None:
    """Return the study with the folder's rules, too; None if they do not go together."""
    if not any((folder / name).exists() for name in (SETTINGS, TABLE)):
        return new
    try:
        there = read_json(folder / SETTINGS)
        here = json.loads(json.dumps(new.settings))
        varying = {"rules": None, "unfinished": None}
        if {**there, **varying} != {**here, **varying}:
            return None
        found = [read_measurement(row) for row in read_rows(folder / TABLE)]
        # In the order of the longer list: what is the same stays where it is.
        both = sorted((there["rules"], here["rules"]), key=len, reverse=True)
        rules = list(dict.fromkeys(rule for names in both for rule in names))
        made = {(m.episode, m.rule) for m in new.measurements}
        kept = [m for m in found if (m.episode, m.rule) not in made]
        ordered = sorted((*kept, *new.measurements), key=lambda m: (m.episode, rules.index(m.rule)))
    except UNREADABLE:
        return None
    return dataclasses.replace(
        new, settings={**new.settings, "rules": rules}, measurements=tuple(ordered)
    )


def read_measurement(row: dict[str, str]) -> Measurement:
    """Return the measurement of a line of gradients.csv."""

    def number(name: str) -> float:
        return float(row[name]) if row[name] else math.nan

    values: dict[str, Any] = {}
    for name in (field.name for field in dataclasses.fields(Measurement)):
        if f"{name}_low" in row:
            values[name] = Estimate(number(name), number(f"{name}_low"), number(f"{name}_high"))
        else:
            whole = name in ("episode", "layer", "samples", "evaluations")
            values[name] = int(row[name]) if whole else row[name]
    return Measurement(**values)
