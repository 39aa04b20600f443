"""The files of a study against the number of units: settings.json, scaling.csv, scaling.png."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

from uwm.experiments.origin import origin, simd_group
from uwm.experiments.scaling.plan import TRAINER
from uwm.experiments.scaling.result import Point, Scaling
from uwm.files import locked, make_folder, replace_file
from uwm.formats import csv_text, read_json, read_rows, write_json
from uwm.report.figures import scaling_curves
from uwm.report.folders import SETTINGS, UNREADABLE, draw, make_room

TABLE, PLOT = "scaling.csv", "scaling.png"
COLUMNS = tuple(field.name for field in dataclasses.fields(Point))


def write(found: Scaling, folder: Path, plot: bool) -> list[Path]:
    """Write settings.json, scaling.csv and scaling.png; return their paths.

    Points of the same settings that the folder holds already, of other rules or sizes, stay.
    """
    make_folder(folder)
    with locked(folder):
        made = merged(found, folder)
        if made is None:
            make_room(folder, (SETTINGS, TABLE, PLOT))
            made = found
        (folder / PLOT).unlink(missing_ok=True)
        rows = [[getattr(point, name) for name in COLUMNS] for point in made.points]
        write_json(folder / SETTINGS, described(made))
        replace_file(folder / TABLE, csv_text(list(COLUMNS), rows).encode())
    paths = [folder / SETTINGS, folder / TABLE]
    if plot and made.points:
        paths += draw(folder / PLOT, lambda: scaling_curves(made))
    return paths


def described(found: Scaling) -> dict[str, Any]:
    """Return settings.json: the settings, the plan, and what else the results depend on."""
    plan = found.plan
    own = {f.name: getattr(plan, f.name) for f in dataclasses.fields(plan) if f.name != "settings"}
    unfinished = [run.as_dict() for run in found.unfinished]
    return {
        **plan.settings.as_dict(),
        **origin(found.task_sha256),
        "unfinished": unfinished,
        "plan": own,
    }


def merged(new: Scaling, folder: Path) -> Scaling | None:
    """Return the results with the folder's points, too; None if they do not go together."""
    if not any((folder / name).exists() for name in (SETTINGS, TABLE)):
        return new
    try:
        there = read_json(folder / SETTINGS)
        if identity(there) != identity(json.loads(json.dumps(described(new)))):
            return None
        points = {point.key: point for point in map(read_point, read_rows(folder / TABLE))}
        rules = [rule for rule in there["rules"] if rule not in new.plan.settings.rule_names]
        settings = dataclasses.replace(
            new.plan.settings, rules=(*rules, *new.plan.settings.rules), learning_rates={}
        )
        sizes: dict[str, Any] = {name: sorted({*there["plan"][name], *getattr(new.plan, name)})
                 for name in ("widths", "depths")}  # fmt: skip
        plan = dataclasses.replace(new.plan, settings=settings, **sizes)
    except UNREADABLE:
        return None
    points.update({point.key: completed(point, points.get(point.key)) for point in new.points})
    return Scaling(plan, new.title, tuple(points.values()), new.task_sha256)


def completed(new: Point, there: Point | None) -> Point:
    """Return a point with what only the earlier one of the same settings has; they agree."""
    if there is None:
        return new
    values = dataclasses.asdict(new)
    missing = [name for name, v in values.items() if isinstance(v, float) and math.isnan(v)]
    return dataclasses.replace(new, **{name: getattr(there, name) for name in missing})


def identity(values: dict[str, Any]) -> dict[str, Any]:
    """Return of settings.json what points of one table have in common."""
    varying = ("rules", "learning_rates", "rates_from", "unfinished")
    kept = {k: v for k, v in values.items() if k not in varying}
    plan = {k: v for k, v in values["plan"].items() if k not in ("widths", "depths")}
    group = simd_group(values["simd_level"])
    # The networks measured after training have the trainer's best rates if it takes part.
    trainer = plan["trained"] and TRAINER in values["rules"]
    return {**kept, "simd_level": group, "plan": plan, "trainer": trainer}


def read_point(row: dict[str, str]) -> Point:
    """Return the point of a line of scaling.csv."""
    whole, words = ("width", "depth", "seed"), ("axis", "rule")
    values: dict[str, Any] = {
        name: row[name] if name in words else int(row[name]) if name in whole else float(row[name])
        for name in COLUMNS
    }
    return Point(**values)
