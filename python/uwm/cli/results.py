"""What every command does with its results: files, screen, what is missing, the exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import uwm
from uwm.checks import one_line
from uwm.cli.errors import CommandError, explained
from uwm.report import write
from uwm.report.console import console
from uwm.report.lost import lost_runs

T = TypeVar("T")


def finished(call: Callable[[], T]) -> tuple[T, bool]:
    """Return an experiment's result, or what was finished of it, and whether it was stopped."""
    try:
        return call(), False
    except uwm.Interrupted as error:
        return error.result, True


def hand_over(
    args: argparse.Namespace,
    result: Any,
    stopped: bool,
    as_json: Callable[[Any, list[Path]], dict[str, Any]],
    show: Callable[[Any, list[Path], Any], None],
    *,
    any_result: bool,
) -> int:
    """Write the result, print it, say what is missing, and return the exit code.

    any_result: without one nothing is written: what an earlier run left in the folder stays.
    Raises CommandError, at the end, if the files could not be written.
    """
    files: list[Path] = []
    lost = None
    if any_result:
        try:
            with explained(code=1):
                files = write(result, args.out, plot=not getattr(args, "no_plot", True))
        except CommandError as error:
            lost = error
    if args.json:
        print(json.dumps(as_json(result, files), indent=2))
    elif any_result:
        show(result, files, console(stderr=False))
    for message in lost_runs(result.unfinished):
        print(f"uwm {args.command}: {one_line(message)}", file=sys.stderr)
    if lost is not None:
        raise lost
    return 130 if stopped else 1 if result.unfinished else 0
