"""Pictures in a folder of results, and the name of the file that holds their settings."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

from uwm.files import replace_file

SETTINGS = "settings.json"


class PictureWarning(UserWarning):
    """A picture could not be drawn; the results are in place without it."""


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
