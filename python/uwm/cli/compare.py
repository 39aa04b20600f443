"""Compare learning rules on a task, several seeds each, in parallel on all cores.

Shows progress and a table, and writes learning curves, all runs and the settings into a folder.
Every rule gets the same learning rates, not its own best, unless --settings gives a rule rates and
a baseline of its own: uwm tune finds them and writes such a file.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import uwm
from uwm.checks import one_line
from uwm.cli.errors import explained
from uwm.cli.options import add_settings, check_folder, check_packages, settings_of, whole, written
from uwm.experiments import Comparison, ComparisonInterrupted, Settings, compare

HELP = "several rules on one task: progress, table, learning curves"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_settings(parser)
    parser.add_argument("--out", metavar="DIR", default="uwm-compare",
                        help="folder for the results (default uwm-compare)")  # fmt: skip
    parser.add_argument(
        "--jobs", type=whole, metavar="N", help="runs at a time (default: all cores)"
    )
    parser.add_argument("--json", action="store_true", help="results as JSON on standard output")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--no-plot", action="store_true", help="no learning-curves.png")


def run(args: argparse.Namespace) -> int:
    """Compare, show and write; return the exit code."""
    settings = settings_of(args)
    folder = Path(args.out)
    check_folder(folder)
    with explained():
        check_packages(args)
        try:
            with progress(args, settings) as listener:
                result, interrupted = compare(settings, jobs=args.jobs, progress=listener), False
        except ComparisonInterrupted as stop:
            result, interrupted = stop.comparison, True
    files: list[Path] = []
    lost = None
    if result.runs:  # else what an earlier comparison left in the folder stays
        files, lost = written(lambda: result.write(folder, plot=not args.no_plot))
    if args.json:
        print(json.dumps(as_json(result, files), indent=2))
    elif result.runs:
        show(result, files)
    for message in lost_runs(result):
        print(f"uwm compare: {one_line(message)}", file=sys.stderr)
    if lost is not None:
        raise lost
    return 130 if interrupted else 1 if result.unfinished else 0


def progress(args: argparse.Namespace, settings: Settings) -> Any:
    """Return the context of live progress on standard error."""
    if args.quiet:
        return nullcontext()
    from uwm.experiments import screen

    return screen.live(screen.console(stderr=True), settings)


def as_json(result: Comparison, files: list[Path]) -> dict[str, Any]:
    """Return what --json prints."""
    return {
        "version": uwm.__version__,
        "simd_level": uwm.simd_level(),
        "task": result.settings.task,
        "settings": result.settings.as_dict(),
        "runs": [run.as_dict() for run in result.runs],
        "unfinished": [vars(run) for run in result.unfinished],
        "files": [str(path) for path in files],
    }


def show(result: Comparison, files: list[Path]) -> None:
    """Print the table and where the files are."""
    from uwm.experiments import screen

    out = screen.console(stderr=False)
    screen.print_table(out, screen.table(result, out.width))
    spread = "; ± is the standard deviation over seeds" if result.settings.seeds > 1 else ""
    out.print(result.describe() + spread, soft_wrap=True)
    for line in rates_used(result.settings):
        out.print(line, soft_wrap=True)
    if files:
        out.print("Written: " + ", ".join(str(path) for path in files), soft_wrap=True)


def rates_used(settings: Settings) -> list[str]:
    """Return lines that say which learning rates and baselines the rules had, and from where."""
    if not settings.learning_rates and not settings.baselines:
        same = "Every rule had the same learning rates, not its own best."
        return [same] if len(settings.rules) > 1 else []
    lines = [f"Learning rates from {settings.rates_from or 'the settings'}:"]
    for rule in settings.rule_names:
        rates = settings.rates(rule)
        words = ", ".join(f"{r:.3g}" for r in (rates if isinstance(rates, tuple) else (rates,)))
        common = "" if rule in settings.learning_rates else " (not its own)"
        lines.append(f"  {rule}: {words}{common}; baseline {settings.baseline_of(rule) or 'none'}")
    return lines


def lost_runs(result: Comparison) -> list[str]:
    """Return one line per rule and reason for runs that have no result."""
    seeds: dict[tuple[str, str], list[int]] = {}
    for run in result.unfinished:
        seeds.setdefault((run.rule, run.reason), []).append(run.seed)
    return [
        f"{rule}: not finished: seed{'s' if len(which) > 1 else ''} {spans(which)}: {reason}"
        for (rule, reason), which in seeds.items()
    ]


def spans(numbers: list[int]) -> str:
    """Return increasing numbers as 0, 2-5, 7."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][-1] == number - 1:
            spans[-1] = [spans[-1][0], number]
        else:
            spans.append([number])
    return ", ".join("-".join(map(str, span)) for span in spans)
