"""The options that are settings, shared by the commands that train."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uwm
from uwm.checks import one_line, parse_whole, shown
from uwm.cli.errors import CommandError, explained
from uwm.experiments.executor_names import NAMES
from uwm.experiments.origin import same_numbers
from uwm.experiments.settings import AUTO, Settings
from uwm.experiments.settings_file import read_settings
from uwm.files import make_folder
from uwm.formats import read_settings_text
from uwm.outputs import spellings
from uwm.report.console import console
from uwm.rules import RULES
from uwm.tasks.builtin import TASKS


def numbers(kind: Callable[[str], Any], what: str) -> Callable[[str], list[Any]]:
    """Return a parser of numbers joined by commas."""

    def parse(text: str) -> list[Any]:
        try:
            return [kind(word) for word in text.split(",")]
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be {what}, got {shown(text)}") from None

    return parse


def whole(text: str) -> int:
    """Return a whole number in any notation: 10000, 10_000, 1e4."""
    try:
        return parse_whole(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def number(text: str) -> float:
    """Return a number."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, got {shown(text)}") from None


def names(text: str) -> list[str]:
    """Return words joined by commas."""
    return [word.strip() for word in text.split(",")]


def sizes(text: str) -> list[int]:
    """Return layer sizes; `none` stands for no hidden layer."""
    return [] if text == "none" else numbers(parse_whole, "whole numbers joined by commas")(text)


def auto_or_numbers(text: str) -> str | float | list[float]:
    """Return auto, one number, or a list with one per layer."""
    if text == AUTO:
        return text
    values = numbers(float, "auto, a number, or one per layer joined by commas")(text)
    return float(values[0]) if len(values) == 1 else values


def baseline(text: str) -> str | float | None:
    """Return none, running-mean or a number."""
    if text in ("none", "running-mean"):
        return None if text == "none" else text
    try:
        return float(text)
    except ValueError:
        message = f"must be none, running-mean or a number, got {shown(text)}"
        raise argparse.ArgumentTypeError(message) from None


def add_settings(
    parser: argparse.ArgumentParser, *, leave_out: tuple[str, ...] = (), **defaults: object
) -> None:
    """Add an option for each setting; they have no default here, Settings knows it.

    leave_out: settings that the command has no use for. defaults: what the help shows as default
    where the command differs from Settings.
    """
    default = Settings()

    def setting(name: str, help: str, **options: Any) -> None:
        field = name[2:].replace("-", "_")
        if field not in leave_out:
            if field in defaults:
                help = f"{help.split(' (default')[0]} (default {defaults[field]})"
            parser.add_argument(name, default=argparse.SUPPRESS, help=help, **options)

    add_task(parser, setting)
    setting("--address-bits", "of the multiplexer (default 3)", type=whole, metavar="N")
    setting("--hidden", "units of each hidden layer, or none (default 64,32; 64 for"
            " classification)", type=sizes, metavar="N,N")  # fmt: skip
    setting("--rules", f"some of {', '.join(RULES)}, or file.py:Class (default"
            f" {','.join(default.rule_names)})", type=names, metavar="A,B")  # fmt: skip
    setting("--episodes", f"of each run (default {default.episodes})", type=whole, metavar="N")
    setting("--batch-size", "episodes of a step (default 1; 16 for classification)",
            type=whole, metavar="N")  # fmt: skip
    add_step_sizes(setting)
    setting("--optimizer", "adam (default) or sgd", metavar="NAME")
    setting("--baseline", "taken off the reward: none (default), running-mean or a number",
            type=baseline, metavar="B")  # fmt: skip
    setting("--seeds", "runs of each rule (default 10)", type=whole, metavar="K")
    setting("--first-seed", "(default 0)", type=whole, metavar="N")
    add_kinds_of_units(setting)
    setting("--dtype", "float32 (default) or float64", metavar="TYPE")
    parser.add_argument("--settings", metavar="FILE", help="settings as JSON or TOML, the"
                        " settings.json of an earlier run or the tuned.json of uwm tune for"
                        " instance; other options win")  # fmt: skip


def add_task(parser: argparse.ArgumentParser, setting: Callable[..., None]) -> None:
    """Add the options that name a task, by a function that adds one setting."""
    first, *others = TASKS
    setting("--task", f"{first} (default), {', '.join(others)}, a .csv or .npz file of inputs and"
            " labels (- for standard input), or file.py:Class")  # fmt: skip
    add_layout(parser)


def add_kinds_of_units(setting: Callable[..., None]) -> None:
    """Add the options that say what units draw, by a function that adds one setting."""
    setting("--units", "binary (0/1, default) or bipolar (-1/+1) hidden units", metavar="KIND")
    setting("--output", f"what the output units draw: {', '.join(spellings())} (default: follows"
            " from the task)", metavar="KIND")  # fmt: skip


def add_step_sizes(setting: Callable[..., None]) -> None:
    """Add the options that are automatic by default, by a function that adds one setting."""
    setting("--learning-rate", "auto (default: follows from the network), a number, or one per"
            " layer joined by commas", type=auto_or_numbers, metavar="R")  # fmt: skip
    setting("--rate-factor", "multiplies the learning rates (default 1)", type=number, metavar="F")
    setting("--initial-gain", "auto (default: follows from the network), or what multiplies"
            " Glorot's initial weights, a number or one per layer joined by commas",
            type=auto_or_numbers, metavar="G")  # fmt: skip


LAYOUT = ("label", "delimiter", "header")


def add_layout(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how a task's file is laid out."""
    parser.add_argument("--label", default=argparse.SUPPRESS, metavar="NAME|NUMBER",
                        help="of the column of labels, numbers from 1 (default: the one named"
                        " label, else a guess)")  # fmt: skip
    parser.add_argument("--delimiter", default=argparse.SUPPRESS, metavar="CHAR",
                        help="between the cells, or tab, comma, semicolon, space (default: a"
                        " guess)")  # fmt: skip
    parser.add_argument("--header", default=argparse.SUPPRESS,
                        action=argparse.BooleanOptionalAction,
                        help="whether the file's first line names the columns (default: a"
                        " guess)")  # fmt: skip


def settings_of(args: argparse.Namespace, **defaults: Any) -> Settings:
    """Return the defaults of the task, changed by the command's own, the file, the options.

    A learning rate or baseline among the options is every rule's. Rates that the file has for rules
    that are not asked for are left out.
    """
    fields = {field.name for field in dataclasses.fields(Settings)}
    given = {name: value for name, value in vars(args).items() if name in fields}
    with explained():
        file = read_settings(args.settings) if args.settings else {}
        say_where_from(file, given, str(args.settings))
        if args.settings:
            say_other_instructions(args.settings)
        for one, per_rule in (("learning_rate", "learning_rates"), ("baseline", "baselines")):
            if one in given:
                file.pop(per_rule, None)
            elif "rules" in given and isinstance(file.get(per_rule), dict):
                values = file[per_rule]
                file[per_rule] = {rule: values[rule] for rule in given["rules"] if rule in values}
        if given.get("task", file.get("task")) != file.get("task"):
            for name in LAYOUT:  # of another file
                file.pop(name, None)
        values = {**defaults, **file, **given}
        with named_after(args.settings, file.keys() - given.keys()):
            return Settings.for_task(values.pop("task", TASKS[0]), **values)


@contextmanager
def named_after(path: str | None, names: Collection[str]) -> Iterator[None]:
    """Put a settings file's name before the errors of what it alone sets: of these names."""
    try:
        yield
    except (ValueError, TypeError) as error:
        if str(error).split(" ")[0] not in names:
            raise
        raise type(error)(f"{one_line(str(path))}: {error}") from error


def say_other_instructions(path: str) -> None:
    """Say on standard error if the run of a settings file used instructions of another group."""
    level = read_settings_text(path).get("simd_level")
    if isinstance(level, str) and not same_numbers(level, uwm.simd_level()):
        print(
            f"uwm: {one_line(path)} is of a run with {one_line(level)}, this one has"
            f" {uwm.simd_level()}: rewards are not the same bit for bit",
            file=sys.stderr,
        )


#: What the best learning rates and baseline of a rule depend on.
FOUND_ON = (
    "task",
    "label",
    "address_bits",
    "hidden",
    "episodes",
    "batch_size",
    "optimizer",
    "units",
    "output",
    "initial_gain",
)


def say_where_from(file: dict[str, Any], given: dict[str, Any], path: str) -> None:
    """Put into a file's settings where its rates are from, and which options are not theirs."""
    if "learning_rate" in given and "baseline" in given:
        file.pop("rates_from", None)  # nothing of the file's is left
        return
    if not (file.get("learning_rates") or file.get("baselines")):
        return
    source = file.get("rates_from") or path
    if not isinstance(source, str):  # Settings will refuse it
        return
    others = [
        f"{name} {words(file[name])}, here {words(given[name])}"
        for name in FOUND_ON
        if name in file and name in given and file[name] != given[name]
    ]
    file["rates_from"] = source + (f"; found with {'; '.join(others)}" if others else "")


def words(value: object) -> str:
    """Return a setting's value for a sentence."""
    items = value if isinstance(value, (list, tuple)) else [value]
    return ",".join(str(item) for item in items) or "none"


def add_output(parser: argparse.ArgumentParser, out: str, picture: str | None) -> None:
    """Add the options that say where results go.

    out: the folder by default, which keeps what has been computed. picture: the one that is drawn,
    if there is one.
    """
    parser.add_argument(
        "--out", metavar="DIR", default=out, help=f"folder for the results (default {out})"
    )
    parser.add_argument("--fresh", action="store_true",
                        help="compute again what the folder holds")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="results as JSON on standard output")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    if picture is not None:
        parser.add_argument("--no-plot", action="store_true", help=f"no {picture}")


def add_executor(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the options that say what computes, and how much at a time."""
    parser.add_argument("--executor", metavar="NAME", default=None,
                        help=f"where runs are made: {', '.join(NAMES)}"
                        f" (default {default})")  # fmt: skip
    parser.add_argument(
        "--jobs", type=whole, metavar="N", help="runs at a time (default: all cores)"
    )


def computing(args: argparse.Namespace) -> dict[str, Any]:
    """Return what an experiment is told of store, executor and jobs."""
    given = {"store": getattr(args, "store", args.out), "fresh": args.fresh}
    if hasattr(args, "executor"):
        given.update(executor=args.executor, jobs=args.jobs)
    return given


def check_packages(args: argparse.Namespace, *, judged: bool = False) -> None:
    """Raise ImportError now for a missing package that would be missed after minutes of work.

    judged: whether the command ends with a verdict.
    """
    from uwm.experiments.statistics import check_scipy
    from uwm.report.figures.style import check_matplotlib

    if not getattr(args, "no_plot", True):
        check_matplotlib()
    if not (args.json and args.quiet):
        console(stderr=True)
    if judged and not args.json:
        check_scipy()


def check_folder(folder: Path) -> None:
    """Raise CommandError unless files can be written into the folder, before minutes of work."""
    try:
        make_folder(folder)
    except OSError as error:
        reason = "it is a file" if folder.is_file() else error.strerror or str(error)
        raise CommandError(f"cannot write into the folder {folder}: {reason}") from error
