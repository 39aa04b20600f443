"""Measure how noise, learning and cost change with the number of units.

Against the width of the hidden layers and against their number: noise-to-signal of each rule's
update of the first layer, mean reward, episodes to a target reward, time per step. Every rule is
trained at every size with the same multiples of the learning rates; its best one counts.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from uwm.checks import parse_whole
from uwm.cli.errors import explained
from uwm.cli.options import (
    add_executor,
    add_output,
    add_settings,
    check_folder,
    check_packages,
    computing,
    number,
    numbers,
    settings_of,
    whole,
)
from uwm.cli.results import finished, hand_over
from uwm.experiments.progress import nobody
from uwm.experiments.scaling.plan import Plan
from uwm.report.console import console
from uwm.report.live import lines

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
    add_output(parser, "uwm-scaling", "scaling.png")
    add_executor(parser, "threads")


def check(args: argparse.Namespace) -> None:
    """Raise CommandError for settings that make no sense."""
    with explained():
        plan_of(args)


def plan_of(args: argparse.Namespace) -> Plan:
    """Return the plan that the options ask for."""
    names = ("widths", "depths", "layers", "width", "factors", "samples", "trained", "target")
    return Plan(settings_of(args, **DEFAULTS), **{name: getattr(args, name) for name in names})


def run(args: argparse.Namespace) -> int:
    """Measure, show and write; return the exit code."""
    from uwm.experiments import measure_scaling
    from uwm.report.scaling_table import as_json, show

    check_folder(Path(args.out))
    with explained():
        plan = plan_of(args)
        check_packages(args)
        tell = nobody if args.quiet else lines(console(stderr=True))
        result, stopped = finished(lambda: measure_scaling(plan, **computing(args), progress=tell))
    return hand_over(args, result, stopped, as_json, show, any_result=bool(result.points))
