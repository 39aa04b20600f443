"""Compare learning rules on a task, several seeds each, in parallel on all cores.

Shows progress and a table, and writes learning curves, all runs and the settings into a folder.
Every rule gets the same learning rates unless a settings file gives a rule rates of its own, so
they are not each rule's best.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import uwm
from uwm.cli.errors import CommandError
from uwm.experiments import Comparison, ComparisonInterrupted, Settings, compare
from uwm.experiments.settings import read_settings

HELP = "several rules on one task: progress, table, learning curves"
OPTIONS_OF_COMMAND = ("settings", "out", "jobs", "json", "quiet", "no_plot", "run", "command")


def numbers(kind: Callable[[str], Any], what: str) -> Callable[[str], list[Any]]:
    """Return a parser of numbers joined by commas."""

    def parse(text: str) -> list[Any]:
        try:
            return [kind(word) for word in text.split(",")]
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected {what}, got {text!r}") from None

    return parse


def sizes(text: str) -> list[int]:
    """Return layer sizes; `none` stands for no hidden layer."""
    return [] if text == "none" else numbers(int, "whole numbers joined by commas")(text)


def rates(text: str) -> float | list[float]:
    """Return one learning rate, or a list with one per layer."""
    values = numbers(float, "a number, or one per layer joined by commas")(text)
    return float(values[0]) if len(values) == 1 else values


def baseline(text: str) -> str | float | None:
    """Return none, running-mean or a number."""
    if text in ("none", "running-mean"):
        return None if text == "none" else text
    try:
        return float(text)
    except ValueError:
        message = f"expected none, running-mean or a number, got {text!r}"
        raise argparse.ArgumentTypeError(message) from None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options; those that are settings have no default here, Settings knows it."""
    given = argparse.SUPPRESS
    default = Settings()

    def setting(name: str, help: str, **options: Any) -> None:
        parser.add_argument(name, default=given, help=help, **options)

    setting("--task", "multiplexer (default), digits, or a .csv or .npz file of inputs and labels")
    setting("--address-bits", "of the multiplexer (default 3)", type=int, metavar="N")
    setting("--hidden", "units of each hidden layer, or none (default 64,32; 64 for"
            " classification)", type=sizes, metavar="N,N")  # fmt: skip
    setting("--rules", f"some of {', '.join(uwm.RULES)} (default {','.join(default.rule_names)})",
            type=lambda text: text.split(","), metavar="A,B")  # fmt: skip
    setting("--episodes", f"of each run (default {default.episodes})", type=int, metavar="N")
    setting("--batch-size", "episodes of a step (default 1; 16 for classification)",
            type=int, metavar="N")  # fmt: skip
    setting("--learning-rate", "a number, or one per layer joined by commas (default 0.02 in the"
            " first layer falling to 0.002 in the last; 0.003 for classification)",
            type=rates, metavar="R")  # fmt: skip
    setting("--optimizer", "adam (default) or sgd", metavar="NAME")
    setting("--baseline", "taken off the reward: none (default), running-mean or a number",
            type=baseline, metavar="B")  # fmt: skip
    setting("--seeds", "runs of each rule (default 10)", type=int, metavar="K")
    setting("--first-seed", "(default 0)", type=int, metavar="N")
    setting("--units", "binary (0/1, default) or bipolar (-1/+1) hidden units", metavar="KIND")
    setting("--dtype", "float32 (default) or float64", metavar="TYPE")
    parser.add_argument("--settings", metavar="FILE", help="settings as JSON, the settings.json"
                        " of an earlier run for instance; other options win")  # fmt: skip
    parser.add_argument("--out", metavar="DIR", default="uwm-compare",
                        help="folder for the results, replaced (default uwm-compare)")  # fmt: skip
    parser.add_argument("--jobs", type=int, metavar="N", help="runs at a time (default: all cores)")
    parser.add_argument("--json", action="store_true", help="results as JSON on standard output")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--no-plot", action="store_true", help="no learning-curves.png")


def run(args: argparse.Namespace) -> int:
    """Compare, show and write; return the exit code."""
    settings = settings_of(args)
    folder = Path(args.out)
    try:
        check_before_training(args, folder)
        with progress(args, settings) as listener:
            result, interrupted = compare(settings, jobs=args.jobs, progress=listener), False
    except ComparisonInterrupted as stop:
        result, interrupted = stop.comparison, True
    except (ValueError, TypeError, MemoryError, ImportError) as error:
        raise CommandError(str(error) or type(error).__name__) from error
    except OSError as error:
        raise CommandError(explain(error)) from error
    try:
        # Without a finished run, what an earlier comparison left in the folder stays.
        files = result.write(folder, plot=not args.no_plot) if result.runs else []
    except OSError as error:
        raise CommandError(explain(error)) from error
    if args.json:
        print(json.dumps(as_json(result, files), indent=2))
    elif result.runs:
        show(result, files)
    for message in lost_runs(result):
        print(f"uwm compare: {message}", file=sys.stderr)
    return 130 if interrupted else 1 if result.unfinished else 0


def settings_of(args: argparse.Namespace) -> Settings:
    """Return the defaults of the task, changed by the settings file, changed by the options."""
    given = {name: value for name, value in vars(args).items() if name not in OPTIONS_OF_COMMAND}
    try:
        values = {**(read_settings(args.settings) if args.settings else {}), **given}
        return Settings.for_task(values.pop("task", "multiplexer"), **values)
    except OSError as error:
        raise CommandError(explain(error)) from error
    except (ValueError, TypeError) as error:
        raise CommandError(str(error)) from error


def check_before_training(args: argparse.Namespace, folder: Path) -> None:
    """Raise OSError or ImportError now for what would fail after minutes of training."""
    from uwm.experiments import plot, results, screen

    try:
        results.make_folder(folder)
    except OSError as error:
        reason = "it is a file" if folder.is_file() else error.strerror
        raise CommandError(f"cannot write into the folder {folder}: {reason}") from error
    if not args.no_plot:
        plot.check_matplotlib()
    if not (args.json and args.quiet):
        screen.console(stderr=True)


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
    out.print(screen.table(result, out.width))
    spread = "; ± is the standard deviation over seeds" if result.settings.seeds > 1 else ""
    out.print(result.describe() + spread, soft_wrap=True)
    if len(result.settings.rules) > 1 and not result.settings.learning_rates:
        out.print("Every rule had the same learning rates, not its own best.", soft_wrap=True)
    out.print("Written: " + ", ".join(str(path) for path in files), soft_wrap=True)


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


def explain(error: OSError) -> str:
    """Return what went wrong with which file."""
    return f"{error.filename}: {error.strerror}" if error.filename else str(error)
