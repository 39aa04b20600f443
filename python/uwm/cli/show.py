"""Show what a folder of results holds.

Studies, then for each kind of results a table of means ± standard deviations over seeds, with a
line for every combination of the settings that vary, then failures.
"""

from __future__ import annotations

import argparse

from uwm.cli.errors import explained
from uwm.cli.stored import add_folder, add_selection, column_names


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_folder(parser)
    add_selection(parser)
    parser.add_argument("--by", metavar="A,B", type=column_names, help="columns that tell the lines"
                        " apart (default: every setting that varies, but the seed)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="the same as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the tables."""
    import json

    from uwm.experiments.overview import overview
    from uwm.experiments.store import Store
    from uwm.report.console import console
    from uwm.report.store_table import as_json, show

    with explained():
        with Store(args.folder, create=False) as store:
            found = overview(store, kind=args.kind, where=dict(args.where), by=args.by)
        if args.json:
            print(json.dumps(as_json(found, args.folder), indent=2))
        else:
            show(found, console(stderr=False))
    return 0
