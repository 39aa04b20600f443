"""The tables of a study against the number of units, one per axis."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import uwm
from uwm.experiments.scaling.plan import AXES
from uwm.experiments.scaling.result import Scaling, describe_points
from uwm.formats import known
from uwm.report.console import print_files, print_table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def show(found: Scaling, files: list[Path], out: Console) -> None:
    """Print a table per axis and where the files are."""
    for axis in AXES:
        if getattr(found.plan, f"{axis}s"):
            print_table(out, table(found, axis))
    out.print(found.plan.describe(), soft_wrap=True)
    print_files(out, files)


def as_json(found: Scaling, files: list[Path]) -> dict[str, Any]:
    """Return what --json prints."""
    return {
        "version": uwm.__version__,
        "simd_level": uwm.simd_level(),
        "task": found.plan.settings.task,
        "settings": found.plan.settings.as_dict(),
        "points": describe_points(found),
        "noise_exponents": {
            axis: {rule: known(found.exponent(rule, axis).slope) for rule in
                   found.plan.settings.rule_names}
            for axis in AXES if len(getattr(found.plan, f"{axis}s")) > 1
        },
        "files": [str(path) for path in files],
    }  # fmt: skip


def mean(values: list[float]) -> float:
    """Return the mean, NaN of no numbers at all."""
    return float(np.mean(values)) if values else math.nan


def table(found: Scaling, axis: str) -> Table:
    """Return the table of an axis: every quantity at its smallest and largest size."""
    from rich import box
    from rich.table import Table

    sizes = getattr(found.plan, f"{axis}s")
    ends = sorted({min(sizes), max(sizes)})
    of = "units per layer" if axis == "width" else "hidden layers"
    if ends == [1]:
        of = of.replace("units", "unit").replace("layers", "layer")
    made = Table(title=f"{found.title}: {' → '.join(map(str, ends))} {of}", title_justify="left",
                 title_style="bold", box=box.SIMPLE_HEAD)  # fmt: skip
    made.add_column("rule", no_wrap=True)
    for head in ("noise-to-signal", "~ units to the", "mean reward",
                 f"episodes to {found.plan.target:g}", "µs per step"):  # fmt: skip
        made.add_column(head, justify="right", no_wrap=True)
    for rule in found.plan.settings.rule_names:
        points = found.of(rule, axis)

        def at_ends(name: str, digits: str, points: Any = points) -> str:
            means = [mean([getattr(p, name) for p in points.get(end, [])]) for end in ends]
            return " → ".join("never" if m == math.inf else "-" if math.isnan(m)
                              else f"{m:{digits}}" for m in means)  # fmt: skip

        power = found.exponent(rule, axis)
        slope = round(power.slope, 2) + 0  # no sign before a 0
        fitted = "-" if math.isnan(slope) else f"{slope:.2f} ± {power.margin:.2f}"
        made.add_row(rule, at_ends("noise_to_signal", ".4g"), fitted, at_ends("mean_reward", ".3f"),
                     at_ends("episodes_to_target", ",.0f"),
                     at_ends("microseconds_per_step", ",.0f"))  # fmt: skip
    return made
