"""What becomes of results: files, tables on the screen, and pictures.

Results know nothing of this package. `write` takes every kind of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from uwm.checks import file_path, shown
from uwm.experiments import Comparison, GradientStudy, Scaling, Tuned
from uwm.experiments.compute import Record
from uwm.experiments.reinforcement import AgentComparison
from uwm.experiments.store import Store
from uwm.report import agent_files, comparison_files, gradient_files, scaling_files, tuning_files
from uwm.report.folders import PictureWarning

__all__ = ["PictureWarning", "write"]

Result = AgentComparison | Comparison | Tuned | Scaling | GradientStudy

_WRITERS: dict[type, Callable[[Any, Path, bool], list[Path]]] = {
    AgentComparison: agent_files.write,
    Comparison: comparison_files.write,
    Tuned: tuning_files.write,
    Scaling: scaling_files.write,
    GradientStudy: gradient_files.write,
}


def write(result: Result, folder: str | os.PathLike[str], *, plot: bool = True) -> list[Path]:
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
    for kind, writer in _WRITERS.items():
        if isinstance(result, kind):
            at = file_path("folder", folder)
            if result.record is not None:
                keep(result.record, at)
            return writer(result, at, plot)
    raise TypeError(f"result must be what an experiment has returned, got {shown(result)}")


def keep(record: Record, folder: Path) -> None:
    """Add what a result is made of to the folder's store, unless a store has it already."""
    if record.rows:
        with Store(folder) as store:
            study = record.study
            store.note_study(study.command, study.title, study.settings, record.keys)
            store.add(record.rows)
