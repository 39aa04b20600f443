"""Write the results of a folder as CSV, as Parquet, as lines of JSON, or for TensorBoard.

CSV and Parquet have a line for each result: settings, what was measured, what made it. Lines of
JSON hold everything, learning curves and studies, too; `uwm merge` reads them. TensorBoard gets a
folder with the learning curve of each result; those that are there already stay.
"""

from __future__ import annotations

import argparse
import sys

from uwm.cli.errors import CommandError, explained
from uwm.cli.stored import add_folder, add_selection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_folder(parser)
    parser.add_argument("--csv", metavar="FILE", help="a table of text; - for standard output")
    parser.add_argument("--parquet", metavar="FILE", help="needs pip install 'uwm[parquet]'")
    parser.add_argument("--lines", metavar="FILE", help="lines of JSON; - for standard output")
    parser.add_argument("--tensorboard", metavar="FOLDER", help="learning curves for TensorBoard;"
                        " needs pip install 'uwm[tensorboard]'")  # fmt: skip
    parser.add_argument("--curves", action="store_true", help="CSV and Parquet with a line for each"
                        " point of the learning curves instead")  # fmt: skip
    add_selection(parser)


def run(args: argparse.Namespace) -> int:
    """Write the files."""
    if not (args.csv or args.parquet or args.lines or args.tensorboard):
        raise CommandError("name a file: --csv FILE, --parquet FILE or --lines FILE, or a folder:"
                           " --tensorboard FOLDER")  # fmt: skip
    if args.lines and (args.kind or args.where or args.curves):
        raise CommandError("--lines writes everything: leave --kind, --where and --curves out")
    from uwm.experiments.store import Store
    from uwm.report.store_files import rows_of, table, write_csv, write_lines, write_parquet

    with explained(), Store(args.folder, create=False) as store:
        if args.lines:
            write_lines(store, args.lines)
        if args.csv or args.parquet:
            made = table(store, kind=args.kind, where=dict(args.where), curves=args.curves)
        if args.csv:
            write_csv(made, args.csv)
        if args.parquet:
            write_parquet(made, args.parquet)
        if args.tensorboard:
            from uwm.report.tensorboard import write_tensorboard

            some = rows_of(store, kind=args.kind, where=dict(args.where))
            new = write_tensorboard(some, args.tensorboard)
            words = "curve is" if new == 1 else "curves are"
            print(f"{new:,} learning {words} new in {args.tensorboard}", file=sys.stderr)
    return 0
