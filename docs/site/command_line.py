"""The reference of the command line: what `--help` of every command prints."""

from __future__ import annotations

import contextlib
import io
import os
from unittest import mock

from uwm.cli import COMMANDS, main

PAGE = """\
# Command line

What `uwm COMMAND --help` prints, for every command.
[Experiments](/docs/experiments.md) has the commands at work.

"""


def pages() -> dict[str, str]:
    """Return the text of the page by its name."""
    sections = [section("uwm", [])]
    sections += [section(f"uwm {name}", [name]) for name in COMMANDS]
    return {"reference/command-line.md": PAGE + "\n".join(sections)}


def section(title: str, words: list[str]) -> str:
    """Return the section of a command."""
    return f"## {title}\n\n```text\n{help_of(words).strip()}\n```\n"


def help_of(words: list[str]) -> str:
    """Return what a command's help prints on a terminal of 88 columns."""
    screen = io.StringIO()
    settings = {"COLUMNS": "88", "NO_COLOR": "1"}
    with mock.patch.dict(os.environ, settings), contextlib.redirect_stdout(screen):
        code = main([*words, "--help"])
    if code:
        raise RuntimeError(f"uwm {' '.join(words)} --help returned {code}")
    return screen.getvalue()
