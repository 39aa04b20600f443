"""Measure how noise, learning and cost change with the number of units.

Against the width of the hidden layers and against their number: noise-to-signal of each rule's
update of the first layer, mean reward, episodes to a target reward, time per step. Every rule is
trained at every size with the same multiples of the learning rates; its best one counts.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import uwm
from uwm.checks import parse_whole
from uwm.cli.errors import explained
from uwm.cli.options import (
    add_settings,
    check_folder,
    check_packages,
    number,
    numbers,
    settings_of,
    whole,
    written,
)
from uwm.experiments.scaling import AXES, Plan, Scaling, describe_points, measure_scaling

if TYPE_CHECKING:
    from rich.table import Table

HELP = "how noise, learning and cost change with the number of units"
DEFAULTS = {"address_bits": 2, "episodes": 32_000, "batch_size": 16, "seeds": 3}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    wholes = numbers(parse_whole, "whole numbers joined by commas")
    add_settings(parser, leave_out=("hidden",), **DEFAULTS)
    parser.add_argument("--widths", metavar="N,N", default=list(Plan.widths),
                        type=lambda text: [] if text == "none" else wholes(text),
                        help="units per hidden layer, or none (default 8,16,...,1024)")  # fmt: skip
    parser.add_argument("--depths", metavar="N,N", default=list(Plan.depths),
                        type=lambda text: [] if text == "none" else wholes(text),
                        help="numbers of hidden layers, or none (default 1,2,3,4,5)")  # fmt: skip
    parser.add_argument("--layers", type=whole, default=Plan.layers, metavar="N",
                        help=f"hidden layers, against width (default {Plan.layers})")  # fmt: skip
    parser.add_argument("--width", type=whole, default=Plan.width, metavar="N",
                        help=f"units per layer, against depth (default {Plan.width})")  # fmt: skip
    parser.add_argument("--factors", metavar="F,F", default=list(Plan.factors),
                        type=numbers(float, "numbers joined by commas"),
                        help="of the learning rates, to try (default 3,1,0.3,0.1)")  # fmt: skip
    parser.add_argument("--samples", type=whole, default=Plan.samples, metavar="N",
                        help=f"for the noise of each network (default {Plan.samples})")  # fmt: skip
    parser.add_argument("--trained", action="store_true",
                        help="measure the noise after training, too")  # fmt: skip
    parser.add_argument("--target", type=number, default=Plan.target, metavar="R",
                        help=f"the reward to reach (default {Plan.target})")  # fmt: skip
    parser.add_argument("--out", metavar="DIR", default="uwm-scaling",
                        help="folder for the results (default uwm-scaling)")  # fmt: skip
    parser.add_argument(
        "--jobs", type=whole, metavar="N", help="runs at a time (default: all cores)"
    )
    parser.add_argument("--json", action="store_true", help="results as JSON on standard output")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--no-plot", action="store_true", help="no scaling.png")


def run(args: argparse.Namespace) -> int:
    """Measure, show and write; return the exit code."""
    from uwm.experiments import screen

    settings = settings_of(args, **DEFAULTS)
    folder = Path(args.out)
    check_folder(folder)
    with explained():
        names = ("widths", "depths", "layers", "width", "factors", "samples", "trained", "target")
        plan = Plan(settings, **{name: getattr(args, name) for name in names})
        check_packages(args)
        tell = None if args.quiet else screen.console(stderr=True).print
        found = measure_scaling(plan, jobs=args.jobs, progress=tell)
    files, lost = written(lambda: found.write(folder, plot=not args.no_plot))
    if args.json:
        print(json.dumps(as_json(found, files), indent=2))
    else:
        show(found, files)
    if lost is not None:
        raise lost
    return 0


def show(found: Scaling, files: list[Path]) -> None:
    """Print a table per axis and where the files are."""
    from uwm.experiments import screen

    out = screen.console(stderr=False)
    for axis in AXES:
        if getattr(found.plan, f"{axis}s"):
            screen.print_table(out, table(found, axis))
    out.print(found.plan.describe(), soft_wrap=True)
    if files:
        out.print("Written: " + ", ".join(str(path) for path in files), soft_wrap=True)


def as_json(found: Scaling, files: list[Path]) -> dict[str, Any]:
    """Return what --json prints."""
    return {
        "version": uwm.__version__,
        "simd_level": uwm.simd_level(),
        "task": found.plan.settings.task,
        "settings": found.plan.settings.as_dict(),
        "points": describe_points(found),
        "noise_exponents": {
            axis: {rule: found.exponent(rule, axis).slope for rule in
                   found.plan.settings.rule_names}
            for axis in AXES if len(getattr(found.plan, f"{axis}s")) > 1
        },
        "files": [str(path) for path in files],
    }  # fmt: skip


def table(found: Scaling, axis: str) -> Table:
    """Return the table of an axis: every quantity at its smallest and largest size."""
    from rich import box
    from rich.table import Table

    sizes = getattr(found.plan, f"{axis}s")
    ends = sorted({min(sizes), max(sizes)})
    of = "units per layer" if axis == "width" else "hidden layers"
    made = Table(title=f"{found.title}: {' → '.join(map(str, ends))} {of}", title_justify="left",
                 title_style="bold", box=box.SIMPLE_HEAD)  # fmt: skip
    made.add_column("rule", no_wrap=True)
    for head in ("noise-to-signal", "~ units to the", "mean reward",
                 f"episodes to {found.plan.target:g}", "µs per step"):  # fmt: skip
        made.add_column(head, justify="right", no_wrap=True)
    for rule in found.plan.settings.rule_names:
        points = found.of(rule, axis)

        def at_ends(name: str, digits: str, points: Any = points) -> str:
            means = [np.mean([getattr(p, name) for p in points[end]]) for end in ends]
            return " → ".join("never" if m == math.inf else f"{m:{digits}}" for m in means)

        power = found.exponent(rule, axis)
        slope = round(power.slope, 2) + 0  # no sign before a 0
        fitted = "-" if math.isnan(slope) else f"{slope:.2f} ± {power.margin:.2f}"
        made.add_row(rule, at_ends("noise", ".4g"), fitted, at_ends("mean_reward", ".3f"),
                     at_ends("episodes_to_target", ",.0f"),
                     at_ends("microseconds_per_step", ",.0f"))  # fmt: skip
    return made
