"""The files of results, each written whole or not at all, and none ever lost to a later run.

What is in a folder already is merged with the new results if both have the same settings. Results
of other settings are kept apart: the earlier files move into the sub-folder `earlier-1`, or the
next number that is free.
"""

from __future__ import annotations

import csv
import io
import json
import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import uwm
from uwm.files import replace_file

SETTINGS = "settings.json"
# What reading earlier results raises where they are missing, damaged or edited.
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError)


class PictureWarning(UserWarning):
    """A picture could not be drawn; the results are in place without it."""


def origin(task_sha256: str | None) -> dict[str, str | None]:
    """Return what results depend on beside the settings: version, instruction set, examples.

    task_sha256: digest of the task's examples, None for a task that its settings describe.
    """
    return {
        "version": uwm.__version__,
        "simd_level": uwm.simd_level(),
        "task_sha256": task_sha256,
    }


def make_folder(folder: Path) -> None:
    """Make the folder if need be, and raise OSError unless files can be written into it."""
    folder.mkdir(parents=True, exist_ok=True)
    test = folder / f".uwm-write-test-{os.getpid()}"
    replace_file(test, b"")
    test.unlink(missing_ok=True)


def write_json(path: Path, values: Any) -> None:
    """Replace a file by a JSON object."""
    replace_file(path, (json.dumps(values, indent=2) + "\n").encode())


def csv_text(header: list[str], rows: list[list[object]]) -> str:
    """Return a table as CSV text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the lines of a CSV file, None where a line is too short.

    Raises OSError or ValueError if it cannot be read.
    """
    try:
        with open(path, newline="", encoding="utf-8") as lines:
            return list(csv.DictReader(lines))
    except csv.Error as error:
        raise ValueError(f"{path}: not a readable CSV file: {error}") from None


def make_room(folder: Path, names: Iterable[str]) -> None:
    """Move an earlier run's files into a sub-folder that holds nothing else."""
    there = [folder / name for name in names if (folder / name).exists()]
    if not there:
        return
    to = free_folder(folder, "earlier")
    for path in there:
        os.replace(path, to / path.name)


def free_folder(folder: Path, word: str) -> Path:
    """Make the sub-folder `word-1`, or the next number that is free, and return it."""
    number = 1
    while True:
        made = folder / f"{word}-{number}"
        try:
            made.mkdir()
            return made
        except FileExistsError:
            number += 1


def draw(path: Path, picture: Callable[[], bytes]) -> list[Path]:
    """Draw a picture into a file, once the results are written; return its path.

    A picture that cannot be drawn, for whatever reason, is a PictureWarning.
    """
    try:
        path.unlink(missing_ok=True)  # an earlier picture would not belong to these results
        replace_file(path, picture())
    except Exception as error:
        what = str(error) or type(error).__name__
        with warnings.catch_warnings():
            warnings.simplefilter("always", PictureWarning)
            warnings.warn(f"{path.name} could not be drawn: {what}", PictureWarning, stacklevel=2)
        return []
    return [path]
