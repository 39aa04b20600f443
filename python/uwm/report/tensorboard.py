"""Learning curves as runs of TensorBoard, one folder for each result."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from uwm.experiments.cells import DONE, Row
from uwm.files import make_folder
from uwm.report.page.sections import panels, value_words

#: By kind of cell: where the points of its curve are, and the curve's name.
CURVES = {
    "run": ("episodes", "rewards", "reward"),
    "agent": ("steps", "returns", "return"),
}
DRAFT = ".uwm-draft"


def write_tensorboard(rows: Iterable[Row], folder: str | os.PathLike[str]) -> int:
    """Write the learning curves of results for TensorBoard; return how many were new.

    Each result has a folder `task/rule/seed-SEED-KEY`, which appears whole or not at all. One that
    is there already stays.

    Raises ImportError without tensorboardX: pip install "uwm[tensorboard]"; OSError if the
    folders cannot be written.
    """
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        words = 'TensorBoard\'s files need tensorboardX: pip install "uwm[tensorboard]"'
        raise ImportError(words) from None
    folder, new = Path(folder), 0
    make_folder(folder)
    some = [row for row in rows if row.kind in CURVES and row.status == DONE and row.result]
    for panel in panels(some):
        for group in panel.groups:
            for row in group.rows:
                seed = f"seed-{row.spec.get('seed')}-{row.key[:8]}"
                run = folder / slug(panel.title) / slug(group.label) / seed
                if not run.exists():
                    draft = folder / f"{DRAFT}-{os.getpid()}"
                    shutil.rmtree(draft, ignore_errors=True)
                    with SummaryWriter(str(draft)) as writer:
                        write_run(writer, row)
                    run.parent.mkdir(parents=True, exist_ok=True)
                    os.replace(draft, run)
                    new += 1
    return new


def write_run(writer: Any, row: Row) -> None:
    """Write the curve of a result, its numbers, and its settings as text."""
    result = row.result or {}
    at, values, name = CURVES[row.kind]
    for step, value in zip(result.get(at, ()), result.get(values, ()), strict=True):
        if value is not None:
            writer.add_scalar(name, value, step)
    for number, value in result.items():
        if isinstance(value, int | float):
            writer.add_scalar(f"result/{number}", value, 0)
    # Indented text is shown as it is.
    settings = [f"    {key}: {value_words(value)}" for key, value in row.spec.items()]
    writer.add_text("settings", "\n".join(settings))


def slug(text: str) -> str:
    """Return a text as the name of a folder.

    >>> slug("Multiplexer, 3 address bits"), slug("../mine.py:MyRule")
    ('Multiplexer-3-address-bits', 'mine.py-MyRule')
    """
    return re.sub(r"[^\w.]+", "-", text).strip("-.")[:80].strip("-.") or "results"
