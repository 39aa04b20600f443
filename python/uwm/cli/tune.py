"""Find each rule's best learning rates on a task, one per layer, and its baseline.

Every rule gets the same number of trials and episodes. The trials are kept in the folder (--out) as
they come: the same command goes on where it was stopped, and with a larger --trials it goes
further. The best settings are in tuned.json there:

  uwm compare --settings uwm-tune/tuned.json

trains each rule with its own, on fresh seeds.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from uwm.cli.errors import explained
from uwm.cli.options import (
    add_executor,
    add_output,
    add_settings,
    check_folder,
    check_packages,
    computing,
    names,
    numbers,
    settings_of,
    whole,
)
from uwm.cli.results import finished, hand_over
from uwm.experiments.settings import Settings
from uwm.experiments.tuning.search import FIRST_SEED, OBJECTIVES, TUNABLE, Search
from uwm.report.console import console

if TYPE_CHECKING:
    from uwm.experiments import Trial


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_settings(parser, seeds="1 for each trial", first_seed=f"{FIRST_SEED}")
    parser.add_argument("--trials", type=whole, default=Search.trials, metavar="N",
                        help=f"of each rule (default {Search.trials})")  # fmt: skip
    parser.add_argument("--finalists", type=whole, default=Search.finalists, metavar="N",
                        help="trials of each rule that are run again; these runs decide"
                        f" (default {Search.finalists})")  # fmt: skip
    parser.add_argument("--finalist-seeds", type=whole, metavar="K",
                        default=Search.finalist_seeds,
                        help=f"their further seeds (default {Search.finalist_seeds})")  # fmt: skip
    parser.add_argument("--tune", type=names, default=list(TUNABLE), metavar="A,B",
                        help=f"what to search: {','.join(TUNABLE)} (default: both)")  # fmt: skip
    parser.add_argument("--objective", default="mean_reward", metavar="NAME",
                        help=f"{' or '.join(OBJECTIVES)}, of the last tenth"
                        " (default mean_reward)")  # fmt: skip
    parser.add_argument("--rate-range", metavar="LOW,HIGH", default=None,
                        type=numbers(float, "two numbers joined by a comma"),
                        help="of the learning rates"
                        f" (default {Search.lowest_rate},{Search.highest_rate})")  # fmt: skip
    parser.add_argument("--search-seed", type=whole, default=0, metavar="N",
                        help="of the search itself (default 0)")  # fmt: skip
    add_output(parser, "uwm-tune", None)
    add_executor(parser, "threads")


def check(args: argparse.Namespace) -> None:
    """Raise CommandError for settings that make no sense."""
    with explained():
        asked(args)


def asked(args: argparse.Namespace) -> Search:
    """Return the search that the options ask for."""
    return search_of(args, settings_of(args, seeds=1, first_seed=FIRST_SEED))


def run(args: argparse.Namespace) -> int:
    """Search, show and write; return the exit code."""
    from uwm.experiments import tune
    from uwm.experiments.tuning.sampler import check_optuna
    from uwm.report.tuning_table import as_json, show

    check_folder(Path(args.out))
    with explained():
        check_optuna()
        check_packages(args)
        search = asked(args)
        tell = (lambda trial: None) if args.quiet else reporter(search)
        found, stopped = finished(lambda: tune(search, **computing(args), finished=tell))
    code = hand_over(args, found, stopped, as_json, show, any_result=bool(found.trials))
    return code or (0 if found.rules else 1)


def search_of(args: argparse.Namespace, settings: Settings) -> Search:
    """Return the search of these settings that the other options ask for."""
    if args.rate_range is not None and len(args.rate_range) != 2:
        raise ValueError(f"--rate-range must be two numbers, got {len(args.rate_range)}")
    low, high = args.rate_range or (Search.lowest_rate, Search.highest_rate)
    return Search(
        settings,
        trials=args.trials,
        finalists=args.finalists,
        finalist_seeds=args.finalist_seeds,
        tuned=args.tune,
        objective=args.objective,
        lowest_rate=low,
        highest_rate=high,
        seed=args.search_seed,
    )


def reporter(search: Search) -> Callable[[Trial], None]:
    """Return what prints a line for every trial, with the best so far."""
    out = console(stderr=True)
    best: dict[str, float] = {}
    count = 0

    def report(trial: Trial) -> None:
        nonlocal count
        count += 1
        again = float(getattr(trial, f"again_{search.objective}"))
        first = float(getattr(trial, search.objective))
        best[trial.rule] = max(first, best.get(trial.rule, float("-inf")))
        if math.isnan(again):
            told = f"{first:.3f}, best now {best[trial.rule]:.3f}"
        else:
            told = f"{first:.3f}, further seeds {again:.3f}"
        out.print(f"{count}: {trial.rule}, trial {trial.number}: {told}")

    return report
