"""The command `uwm`.

A sub-command is a module of this package with `HELP`, `add_arguments(parser)` and
`run(args) -> int`, and a name in COMMANDS.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from uwm.cli.errors import CommandError

COMMANDS = ("compare", "gradients", "tune", "scaling", "info")


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors take one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


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
    """Run the command line and return its exit code: 0, 1 failed, 2 wrong usage, 130 Ctrl-C."""
    import uwm

    parser = Parser(prog="uwm", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"uwm {uwm.__version__}")
    parser.add_argument(
        "--cmake-dir",
        action=ShowCMakeDir,
        nargs=0,
        help="print where CMake's find_package(uwm) looks",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"uwm.cli.{name}")
        child = commands.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.add_arguments(child)
        child.set_defaults(run=module.run)
    try:
        args, unknown = parser.parse_known_args(argv)
        if unknown:
            commands.choices[args.command].error(f"unrecognized arguments: {' '.join(unknown)}")
    except SystemExit as stop:  # --help, --version, or an error that has been shown
        return int(stop.code or 0)
    try:
        code = int(args.run(args))
        sys.stdout.flush()
        return code
    except CommandError as error:
        print(f"uwm {args.command}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"uwm {args.command}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has gone, `| head` for instance
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


DESCRIPTION = "Local learning rules for networks of stochastic units."
