"""Write one HTML page of all results in a folder: learning curves, tables, settings, failures.

Rules and seeds are switched on and off, and tables are sorted, by a click. The page needs no
network. Needs Bokeh: pip install "uwm[report]".
"""

from __future__ import annotations

import argparse
import sys
import webbrowser
from pathlib import Path

from uwm.cli.errors import explained


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("folder", metavar="FOLDER", help="folder with results")
    parser.add_argument(
        "--out", metavar="FILE.html", help="the page (default: report.html in the folder)"
    )
    parser.add_argument("--open", action="store_true", help="show the page in the browser")


def run(args: argparse.Namespace) -> int:
    """Write the page, say where it is, and return the exit code."""
    with explained():
        from uwm.report.page import write_page

        path = write_page(args.folder, args.out)
    print(f"Written: {path}")
    if args.open and not webbrowser.open(Path(path).resolve().as_uri()):
        print("uwm report: there is no browser that could be opened", file=sys.stderr)
    return 0
