"""Run a whole study that a file describes: a command for every combination of its settings.

The file is TOML or JSON. `command` names one of compare, tune, scaling, gradients and rl. The other
names are the command's options; what has several values goes under `grid`:

  command = "compare"
  rules = ["ste", "unbiased_weight_max"]
  episodes = 20_000

  [grid]
  address_bits = [2, 3]
  hidden = [[32], [64, 32]]

All results are in one folder (--out): the store, and for each combination a sub-folder with its
tables and its picture. The same file again computes only what is missing.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uwm.checks import meant, one_line, shown
from uwm.cli.errors import CommandError, explained
from uwm.cli.options import check_folder, words

COMMANDS = ("compare", "tune", "scaling", "gradients", "rl")
#: Options of `uwm run` itself, for all combinations.
OWN = ("jobs", "executor", "fresh", "quiet")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("file", metavar="FILE", help="a study, .toml or .json")
    parser.add_argument("--out", metavar="DIR",
                        help="folder for the results (default: the file's name)")  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="show the commands, run none")
    parser.add_argument("--fresh", action="store_true", help="compute again what the folder holds")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--executor", metavar="NAME", help="where runs are made")
    parser.add_argument("--jobs", metavar="N", help="runs at a time (default: all cores)")


@dataclass(frozen=True)
class Part:
    """A combination: what it is called, the words of its command, and those words understood."""

    name: str
    words: list[str]
    args: argparse.Namespace


def run(args: argparse.Namespace) -> int:
    """Run all combinations, show what came of them, and return the exit code."""
    folder = Path(args.out or Path(args.file).stem)
    with explained():
        command, fixed, grid = read_study(args.file)
        parts = list(parts_of(args, folder, command, fixed, grid))
    if args.dry_run:
        for part in parts:
            print(" ".join(["uwm", command, *part.words]))
        return 0
    check_folder(folder)
    module = importlib.import_module(f"uwm.cli.{command}")
    for part in parts:  # what any of them refuses is said before hours of work
        module.check(part.args)
    code = 0
    for number, part in enumerate(parts, start=1):
        if not args.quiet:
            print(f"uwm run: {number} of {len(parts)}: {part.name or command}", file=sys.stderr)
        code = max(code, int(module.run(part.args)))
        if code == 130:
            return code
    show_all(folder)
    return code


def read_study(path: str) -> tuple[str, dict[str, Any], dict[str, list[Any]]]:
    """Return a study's command, the options of all its combinations, and those that vary.

    Raises OSError or ValueError for a file that is no study.
    """
    from uwm.formats import read_settings_text

    values = read_settings_text(path)
    command = values.pop("command", COMMANDS[0])
    if command not in COMMANDS:
        raise ValueError(f"{path}: command must be one of {', '.join(COMMANDS)},"
                         f" got {shown(command)}")  # fmt: skip
    grid = values.pop("grid", {})
    if not isinstance(grid, dict):
        raise ValueError(f"{path}: grid must be a table of lists, got {shown(grid)}")
    for name, each in grid.items():
        if not isinstance(each, list) or not each:
            raise ValueError(f"{path}: grid.{name} must be a list of values, got {shown(each)}")
        if name in values:
            raise ValueError(f"{path}: {name} must be in the grid or beside it, got both")
    return command, values, grid


def parts_of(
    args: argparse.Namespace,
    folder: Path,
    command: str,
    fixed: dict[str, Any],
    grid: dict[str, list[Any]],
) -> Iterator[Part]:
    """Yield every combination in the order of the file."""
    from uwm.cli import Parser

    parser = Parser(prog=f"uwm {command}", allow_abbrev=False)
    importlib.import_module(f"uwm.cli.{command}").add_arguments(parser)
    own = {name: getattr(args, name) for name in OWN}
    common = option_words(parser, args.file, {**fixed, **{k: v for k, v in own.items() if v}})
    taken: set[str] = set()
    for values in itertools.product(*grid.values()):
        chosen = dict(zip(grid, values, strict=True))
        spoken = [*common, *option_words(parser, args.file, chosen)]
        where = folder / unique(folder_name(chosen), taken) if chosen else folder
        asked = parser.parse_args([*spoken, "--out", str(where)])
        asked.command, asked.store = command, str(folder)
        name = ", ".join(f"{name} {words(value)}" for name, value in chosen.items())
        yield Part(one_line(name), spoken, asked)


def option_words(parser: argparse.ArgumentParser, path: str, values: dict[str, Any]) -> list[str]:
    """Return settings as the words of a command line.

    Raises ValueError for what is no option of the command.
    """
    actions = {a.dest: a for a in parser._actions if a.dest not in ("help", "out", "json")}
    made: list[str] = []
    for given, value in values.items():
        name = given.replace("-", "_")
        if name not in actions:
            raise ValueError(
                f"{path}: {shown(given)} is no option of {parser.prog}{meant(name, list(actions))}"
            )
        made += words_of(actions[name], name, value, path)
    return made


def words_of(action: argparse.Action, name: str, value: Any, path: str) -> list[str]:
    """Return the words for one option."""
    option = action.option_strings[0] if action.option_strings else ""
    if isinstance(action, argparse.BooleanOptionalAction) or action.nargs == 0:
        if not isinstance(value, bool):
            raise ValueError(f"{path}: {name} must be true or false, got {shown(value)}")
        if isinstance(action, argparse.BooleanOptionalAction):
            return [option if value else action.option_strings[1]]
        return [option] if value else []
    if isinstance(value, dict):  # settings of an agent
        return [f"{option}={key}={json.dumps(each)}" for key, each in value.items()]
    if isinstance(value, bool):
        raise ValueError(f"{path}: {name} must not be true or false, got {shown(value)}")
    return [f"{option}={words(value)}" if option else words(value)]


def folder_name(chosen: dict[str, Any]) -> str:
    """Return a name for a combination's folder."""
    text = "_".join(f"{name}-{words(value)}" for name, value in chosen.items())
    return re.sub(r"[^\w.,-]", "-", text)[:100]


def unique(name: str, taken: set[str]) -> str:
    """Return a name that was not taken, and take it."""
    numbered = (f"{name}-{number}" for number in itertools.count(2))
    chosen = next(each for each in itertools.chain([name], numbered) if each not in taken)
    taken.add(chosen)
    return chosen


def show_all(folder: Path) -> None:
    """Print what the store holds now."""
    from uwm.experiments.overview import overview
    from uwm.experiments.store import Store
    from uwm.report.console import console
    from uwm.report.store_table import show

    try:
        with explained(code=1), Store(folder, create=False) as store:
            show(overview(store), console(stderr=False))
    except CommandError as error:
        print(f"uwm run: {one_line(str(error))}", file=sys.stderr)
