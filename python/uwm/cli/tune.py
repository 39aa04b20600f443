"""Find each rule's best learning rates on a task, one per layer, and its baseline.

Every rule gets the same number of trials and episodes. The trials are kept in the folder (--out) as
they come: the same command goes on where it was stopped, and with a larger --trials it goes
further. The best settings are in tuned.json there:

  uwm compare --settings uwm-tune/tuned.json

trains each rule with its own, on fresh seeds.
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uwm.cli.errors import explained
from uwm.cli.options import (
    add_settings,
    check_folder,
    check_packages,
    names,
    numbers,
    settings_of,
    whole,
    written,
)
from uwm.experiments import Settings
from uwm.experiments.tuning import (
    FIRST_SEED,
    OBJECTIVES,
    TUNABLE,
    Search,
    Trial,
    Tuned,
    check_optuna,
    tune,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

HELP = "the best learning rates of each rule on a task"


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
    parser.add_argument("--out", metavar="DIR", default="uwm-tune",
                        help="folder for the results (default uwm-tune)")  # fmt: skip
    parser.add_argument(
        "--jobs", type=whole, metavar="N", help="runs at a time (default: all cores)"
    )
    parser.add_argument("--json", action="store_true", help="results as JSON on standard output")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def run(args: argparse.Namespace) -> int:
    """Search, show and write; return the exit code."""
    settings = settings_of(args, seeds=1, first_seed=FIRST_SEED)
    folder = Path(args.out)
    check_folder(folder)
    with explained():
        check_optuna()
        check_packages(args)
        search = search_of(args, settings)
        listener = None if args.quiet else reporter(search)
        found = tune(search, folder=folder, jobs=args.jobs, finished=listener)
    files, lost = written(lambda: found.write(folder))
    if args.json:
        print(json.dumps({**found.as_dict(), "files": [str(f) for f in files]}, indent=2))
    else:
        show(found, files)
    if lost is not None:
        raise lost
    return 0


def search_of(args: argparse.Namespace, settings: Settings) -> Search:
    """Return the search that the options ask for."""
    if args.rate_range is not None and len(args.rate_range) != 2:
        raise ValueError(f"--rate-range: expected two numbers, got {len(args.rate_range)}")
    low, high = args.rate_range or (Search.lowest_rate, Search.highest_rate)
    return Search(
        settings,
        trials=args.trials,
        finalists=args.finalists,
        finalist_seeds=args.finalist_seeds,
        tune=args.tune,
        objective=args.objective,
        lowest_rate=low,
        highest_rate=high,
        seed=args.search_seed,
    )


def reporter(search: Search) -> Callable[[Trial], None]:
    """Return what prints a line for every trial, with the best so far."""
    from uwm.experiments import screen

    out = screen.console(stderr=True)
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


def show(found: Tuned, files: list[Path]) -> None:
    """Print the best of each rule, what mattered, and where the files are."""
    from uwm.experiments import screen

    out = screen.console(stderr=False)
    screen.print_table(out, table(found))
    out.print(f"Each rule: {found.search.describe()}; {found.search.settings.describe()}",
              soft_wrap=True)  # fmt: skip
    if files:
        again = f"uwm compare --settings {shlex.quote(str(files[0]))}"
        out.print(f"Fresh seeds at these settings: {again}", soft_wrap=True)
        out.print("Written: " + ", ".join(str(path) for path in files), soft_wrap=True)


def table(found: Tuned) -> Table:
    """Return the table: each rule's best trial, and the importance of each parameter."""
    from rich import box
    from rich.table import Table

    made = Table(title=f"{found.title}: best settings", title_justify="left", title_style="bold",
                 box=box.SIMPLE_HEAD)  # fmt: skip
    made.add_column("rule", no_wrap=True)
    for head in ("learning rates", "baseline", "mean reward", "last tenth", "what mattered"):
        made.add_column(head, justify="right")
    best = found.settings()
    for rule in found.search.settings.rule_names:
        if rule not in best.rule_names:
            made.add_row(rule, "all trials diverged")
            continue
        trial, rates = found.best(rule), best.rates(rule)
        shares: dict[str, Any] = found.importance[rule]
        made.add_row(
            rule,
            ", ".join(f"{r:.3g}" for r in (rates if isinstance(rates, tuple) else (rates,))),
            str(best.baseline_of(rule) or "none"),
            f"{best_value(trial, 'mean_reward'):.3f}",
            f"{best_value(trial, 'final_reward'):.3f}",
            ", ".join(f"{short(name)} {share:.0%}" for name, share in shares.items()) or "-",
        )
    return made


def best_value(trial: Trial, name: str) -> float:
    """Return what decided: a finalist's further seeds if it had any."""
    again = float(getattr(trial, f"again_{name}"))
    return float(getattr(trial, name)) if math.isnan(again) else again


def short(parameter: str) -> str:
    """Return a parameter's name for a narrow column."""
    return parameter.replace("learning_rate_", "rate ")
