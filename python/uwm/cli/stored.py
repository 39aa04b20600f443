"""What the commands that read a store of results have in common."""

from __future__ import annotations

import argparse

from uwm.checks import shown


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Add the folder whose results are read."""
    parser.add_argument("folder", metavar="FOLDER", help="a folder of results")


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose some of the results."""
    parser.add_argument("--kind", metavar="KIND", help="only results of this kind: run, noise,"
                        " gradients, agent")  # fmt: skip
    parser.add_argument("--where", metavar="COLUMN=VALUE", type=equation, action="append",
                        default=[], help="only results with this value (repeatable)")  # fmt: skip


def equation(text: str) -> tuple[str, str]:
    """Return the two sides of COLUMN=VALUE."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise argparse.ArgumentTypeError(f"must be COLUMN=VALUE, got {shown(text)}")
    return name.strip(), value.strip()


def column_names(text: str) -> list[str]:
    """Return names joined by commas."""
    return [word.strip() for word in text.split(",")]
