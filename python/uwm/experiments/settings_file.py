"""Settings from a file of JSON or TOML: one written by hand, or that of an earlier run."""

from __future__ import annotations

import dataclasses
import difflib
import os
from typing import Any

from uwm.checks import shown
from uwm.experiments.settings import Settings
from uwm.formats import read_settings_text

#: What else a settings file holds.
NOT_SETTINGS = ("version", "simd_level", "task_sha256", "unfinished", "search", "plan")


def read_settings(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the settings in a file, a comparison's own settings.json for instance.

    Raises OSError if it cannot be read, ValueError if it holds anything else.
    """
    values = read_settings_text(path)
    names = [field.name for field in dataclasses.fields(Settings)]
    for name in values:
        if name not in (*names, *NOT_SETTINGS):
            close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]}?" if close else f"the settings are {', '.join(names)}"
            raise ValueError(f"{path}: settings must be known ones, got {shown(name)}; {hint}")
    settings = {name: value for name, value in values.items() if name not in NOT_SETTINGS}
    if "version" in values:  # of a run; before there was a gain, weights began as Glorot's
        settings.setdefault("initial_gain", 1.0)
    return settings
