"""The command `uwm`.

A sub-command is a module of this package with `add_arguments(parser)` and `run(args) -> int`, and
a line in COMMANDS. Its module is imported when it is used: help comes at once.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TextIO

from uwm.checks import meant, one_line
from uwm.cli.errors import CommandError, OwnCodeError, explain
from uwm.cli.output import silence, streams

COMMANDS = {
    "compare": "several rules on one task: progress, table, verdict, learning curves",
    "gradients": "bias, variance, noise-to-signal of rules against the exact gradient",
    "tune": "the best learning rates of each rule on a task",
    "scaling": "how noise, learning and cost change with the number of units",
    "rl": "reinforcement learning: rules as teachers of agents in an environment",
    "run": "a whole study from a file: a command for every combination of its settings",
    "show": "what a folder of results holds: studies, tables, failures",
    "plot": "a picture of the results in a folder",
    "export": "the results in a folder as CSV, Parquet or lines of JSON",
    "merge": "the results of several folders and hosts brought together",
    "report": "one HTML page of all results in a folder",
    "info": "version, instruction set in use, threads",
}


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors take one line, and that tells if its help was not written."""

    def _print_message(self, message: str, file: Any = None) -> None:
        print(message, end="", file=file or sys.stderr)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {one_line(message)} (see {self.prog} --help)\n")


class ShowCMakeDir(argparse.Action):
    """Print the folder of the CMake package, for -Duwm_DIR, and exit."""

    def __call__(self, parser: argparse.ArgumentParser, *rest: Any) -> NoReturn:
        import uwm

        for package in uwm.__path__:
            folder = Path(package, "lib", "cmake", "uwm")
            if folder.is_dir():
                print(folder)
                parser.exit()
        parser.error("this installation carries no C++ library")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0, 1 failed, 2 wrong usage, 130 Ctrl-C, 143 SIGTERM.
    """
    with streams():
        prog = "uwm"
        try:
            args = parse(argv)
            prog = f"uwm {args.command}"
            with warnings_told(prog):
                code = carry_out(args, prog)
            sys.stdout.flush()
            return code
        except SystemExit as stop:  # --help, --version, or an error that has been shown
            return int(stop.code or 0) or flushed(prog)
        except OwnCodeError as error:
            print(f"{error}\n{prog}: error: {one_line(error.summary)}", file=sys.stderr)
            return 1
        except CommandError as error:
            print(f"{prog}: error: {one_line(str(error))}", file=sys.stderr)
            return error.code
        except KeyboardInterrupt:
            print(f"{prog}: interrupted", file=sys.stderr)
            return 130
        except OSError as error:  # commands explain all other errors of the system
            return output_lost(prog, error)


def carry_out(args: argparse.Namespace, prog: str) -> int:
    """Run a command and return its exit code. SIGTERM ends it as Ctrl-C does."""
    from uwm.experiments.stopping import sigterm_as_ctrl_c

    with sigterm_as_ctrl_c() as ending:
        try:
            code = int(args.run(args))
        except KeyboardInterrupt:
            print(f"{prog}: interrupted", file=sys.stderr)
            code = 130
    return ending.exit_code if code == 130 else code


def flushed(prog: str) -> int:
    """Write out what is pending and return the exit code."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return output_lost(prog, error)
    return 0


def output_lost(prog: str, error: OSError) -> int:
    """Say that standard output takes no more, and return the exit code."""
    if not isinstance(error, BrokenPipeError):  # else its reader has gone, `| head` for instance
        print(f"{prog}: error: standard output: {explain(error)}", file=sys.stderr)
    silence(sys.stdout)
    return 1


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the command and its options, or raise SystemExit."""
    from uwm import __version__

    parser = Parser(prog="uwm", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"uwm {__version__}")
    parser.add_argument(
        "--cmake-dir",
        action=ShowCMakeDir,
        nargs=0,
        help="print where CMake's find_package(uwm) looks",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    words = sys.argv[1:] if argv is None else argv
    asked = next((word for word in words if not word.startswith("-")), None)
    for name, help in COMMANDS.items():
        child = commands.add_parser(
            name,
            help=help,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if name == asked:
            module = importlib.import_module(f"uwm.cli.{name}")
            child.description = module.__doc__
            module.add_arguments(child)
            child.set_defaults(run=module.run)
    args, unknown = parser.parse_known_args(argv)
    if unknown:
        child = commands.choices[args.command]
        options = [word for word in child._option_string_actions if word.startswith("--")]
        hint = meant(unknown[0].split("=")[0], options, cutoff=0.8)
        child.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
    return args


@contextmanager
def warnings_told(prog: str) -> Iterator[None]:
    """Show what the work waits for, or what was guessed of a task's file, as one line."""
    from uwm.experiments.progress import WaitingWarning
    from uwm.tasks import LayoutWarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, (LayoutWarning, WaitingWarning)):
            print(f"{prog}: {one_line(str(message))}", file=sys.stderr)
        else:
            usual(message, category, filename, lineno, file, line)

    with warnings.catch_warnings():
        usual, warnings.showwarning = warnings.showwarning, show
        warnings.simplefilter("always", LayoutWarning)
        warnings.simplefilter("always", WaitingWarning)
        yield


DESCRIPTION = "Local learning rules for networks of stochastic units."
