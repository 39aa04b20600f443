"""Merge results of other folders into one.

FROM is a folder of results, or a file that `uwm export --lines` has written, on another host for
instance. Results that both have are kept once. Where the two differ, the one in INTO stays, and a
line says so. From a damaged store comes what can be read. The exit code is 1 if results differ or
could not be read.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from uwm.checks import one_line
from uwm.cli.errors import explained

if TYPE_CHECKING:
    from uwm.experiments.store import Merged, Store

MOST = 10  # lines about one sort of trouble


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("into", metavar="INTO", help="the folder, made if need be")
    parser.add_argument("sources", metavar="FROM", nargs="+", help="folders or .jsonl files")
    parser.add_argument("--json", action="store_true", help="what came of it as JSON")


def run(args: argparse.Namespace) -> int:
    """Merge, and say what came of it."""
    import json
    import os

    from uwm.experiments.store import Merged, Store

    with explained():
        for source in args.sources:
            os.stat(source)  # before INTO is made
        with Store(args.into) as store:
            total = Merged()
            for source in args.sources:
                total += store.merge(source)
            say(total, store)
            results = len(store)
    if args.json:
        print(json.dumps(as_json(total, results), indent=2))
    else:
        others = len(total.others)
        print(f"{args.into}: {total.added} new results, {total.same} the same as there, {others}"
              f" that differ from those there; {results} results now")  # fmt: skip
    return 1 if total.problems or total.others else 0


def say(total: Merged, store: Store) -> None:
    """Say on standard error what could not be read, and which results differ."""
    tell(list(total.problems), "more that could not be read")
    there = store.find(row.key for row in total.others)
    tell([difference(row, there[row.key]) for row in total.others], "more that differ")


def tell(lines: list[str], more: str) -> None:
    """Print lines, the first of many."""
    for line in lines[:MOST]:
        print(f"uwm merge: {one_line(line)}", file=sys.stderr)
    if len(lines) > MOST:
        print(f"uwm merge: {len(lines) - MOST} {more}", file=sys.stderr)


def difference(other: Any, there: Any) -> str:
    """Return how two results of the same cell differ."""
    names = [n for n in ("rule", "task", "hidden", "seed") if n in other.spec]
    cell = ", ".join(f"{name} {other.spec[name]}" for name in names)
    one, two = there.result or {}, other.result or {}
    first = next((n for n in {**one, **two} if one.get(n) != two.get(n)), "status")
    where = [f"{row.about.get('simd_level', '?')}, uwm {row.about.get('version', '?')}"
             for row in (there, other)]  # fmt: skip
    return f"{other.kind} ({cell}): another {first} of {where[1]}; the one of {where[0]} stays"


def as_json(total: Merged, results: int) -> dict[str, Any]:
    """Return what --json prints."""
    return {
        "added": total.added,
        "same": total.same,
        "differ": [{"key": row.key, "kind": row.kind, "spec": row.spec} for row in total.others],
        "problems": total.problems,
        "results": results,
    }
