"""Folders of results: none is ever lost to a later run.

What is in a folder already is merged with the new results if both have the same settings. Results
of other settings are kept apart: the earlier files move into the sub-folder `earlier-1`, or the
next number that is free.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from uwm.files import replace_file

SETTINGS = "settings.json"
# What reading earlier results raises where they are missing, damaged or edited.
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError)


class PictureWarning(UserWarning):
    """A picture could not be drawn; the results are in place without it."""


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
