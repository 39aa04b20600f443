"""Learning curves as runs of TensorBoard, one folder for each result."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterable
from contextlib import closing
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
        import tensorboardX  # noqa: F401
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
                    write_folder(row, run, folder / f"{DRAFT}-{os.getpid()}")
                    new += 1
    return new


def write_folder(row: Row, run: Path, draft: Path) -> None:
    """Write a result's folder under another name, and rename it at the end.

    A SummaryWriter of tensorboardX would write in a thread of its own: when the disk is full, that
    thread ends, and whoever adds more waits for ever.
    """
    from tensorboardX.event_file_writer import EventsWriter

    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        with closing(EventsWriter(str(draft / "events"))) as writer:
            write_events(writer, row)
        run.parent.mkdir(parents=True, exist_ok=True)
        os.replace(draft, run)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def write_events(writer: Any, row: Row) -> None:
    """Write the curve of a result, its numbers, and its settings as text."""
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.summary import scalar, text

    def add(summary: Any, step: int) -> None:
        writer.write_event(Event(wall_time=time.time(), step=step, summary=summary))

    result = row.result or {}
    at, values, name = CURVES[row.kind]
    for step, value in zip(result.get(at, ()), result.get(values, ()), strict=True):
        if value is not None:
            add(scalar(name, value), step)
    for number, value in result.items():
        if isinstance(value, int | float):
            add(scalar(f"result/{number}", value), 0)
    # Indented text is shown as it is.
    settings = [f"    {key}: {value_words(value)}" for key, value in row.spec.items()]
    add(text("settings", "\n".join(settings)), 0)


def slug(text: str) -> str:
    """Return a text as the name of a folder.

    >>> slug("Multiplexer, 3 address bits"), slug("../mine.py:MyRule")
    ('Multiplexer-3-address-bits', 'mine.py-MyRule')
    """
    return re.sub(r"[^\w.]+", "-", text).strip("-.")[:80].strip("-.") or "results"
