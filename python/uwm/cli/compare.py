"""Compare learning rules on a task, several seeds each, in parallel on all cores.

Shows progress, a table and a verdict: which differences a test shows, which runs earn no more than
chance. Writes learning curves, all runs and the settings into a folder.
Every rule gets the same learning rates, not its own best, unless --settings gives a rule rates and
a baseline of its own: uwm tune finds them and writes such a file.
"""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from pathlib import Path

from uwm.cli.errors import explained
from uwm.cli.options import (
    add_executor,
    add_output,
    add_settings,
    check_folder,
    check_packages,
    computing,
    settings_of,
)
from uwm.cli.results import finished, hand_over
from uwm.experiments.progress import nobody
from uwm.report.console import console
from uwm.report.live import bars


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_settings(parser)
    add_output(parser, "uwm-compare", "learning-curves.png")
    add_executor(parser, "threads")


def check(args: argparse.Namespace) -> None:
    """Raise CommandError for settings that make no sense."""
    settings_of(args)


def run(args: argparse.Namespace) -> int:
    """Compare, show and write; return the exit code."""
    from uwm.experiments import compare
    from uwm.report.comparison_table import as_json, show

    settings = settings_of(args)
    check_folder(Path(args.out))
    with explained():
        check_packages(args, judged=True)
        quiet = nullcontext(nobody)
        with quiet if args.quiet else bars(console(stderr=True), settings) as listener:
            result, stopped = finished(
                lambda: compare(settings, **computing(args), progress=listener)
            )
    return hand_over(args, result, stopped, as_json, show, any_result=bool(result.runs))
