"""What becomes of results: files, tables on the screen, and pictures.

Results know nothing of this package. `write` takes every kind of them.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from uwm.checks import file_path, shown
from uwm.report.folders import PictureWarning

if TYPE_CHECKING:
    from uwm.experiments import Comparison, GradientStudy, Scaling, Tuned
    from uwm.experiments.compute import Record
    from uwm.experiments.reinforcement import AgentComparison

__all__ = ["PictureWarning", "write"]

# The module that writes each kind of result, imported when there is one to write.
_WRITERS = {
    "AgentComparison": "agent_files",
    "Comparison": "comparison_files",
    "Tuned": "tuning_files",
    "Scaling": "scaling_files",
    "GradientStudy": "gradient_files",
}


def write(
    result: AgentComparison | Comparison | Tuned | Scaling | GradientStudy,
    folder: str | os.PathLike[str],
    *,
    plot: bool = True,
) -> list[Path]:
    """Write the results of a call into a folder, and draw them; return the paths.

    Each file appears whole or not at all, in the place of an earlier one. All results of all calls
    are in the folder's store, see `uwm.experiments.Store`: what is not there yet is added.

    A picture that cannot be drawn is a PictureWarning, once the other files are in place.
    plot: whether to draw.

    Raises OSError for files that cannot be written, ValueError for a store that is damaged or of a
    newer version, TypeError for what is no result.

    >>> import tempfile
    >>> from uwm.experiments import Settings, compare
    >>> result = compare(Settings(address_bits=1, hidden=(4,), rules=("ste",), episodes=9, seeds=1))
    >>> [path.name for path in write(result, tempfile.mkdtemp(), plot=False)]
    ['settings.json', 'runs.csv', 'curves.csv']
    """
    for kind in type(result).__mro__:
        if kind.__module__.startswith("uwm.experiments.") and kind.__name__ in _WRITERS:
            at = file_path("folder", folder)
            if result.record is not None:
                keep(result.record, at)
            writer = importlib.import_module(f"uwm.report.{_WRITERS[kind.__name__]}")
            paths: list[Path] = writer.write(result, at, plot)
            return paths
    raise TypeError(f"result must be what an experiment has returned, got {shown(result)}")


def keep(record: Record, folder: Path) -> None:
    """Add what a result is made of to the folder's store, unless a store has it already."""
    from uwm.experiments.store import Store

    if record.rows:
        with Store(folder) as store:
            study = record.study
            store.note_study(study.command, study.title, study.settings, record.keys)
            store.add(record.rows)
