"""Cells: results to be computed, each with a key made of all that it depends on, and their rows.

A cell's key says what is computed, never where or when: a store that holds the key holds the
result.
"""

from __future__ import annotations

import hashlib
import json
import platform
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

import uwm
from uwm.experiments.progress import Monitor, Progress

DONE, DIVERGED, FAILED, INTERRUPTED = "done", "diverged", "failed", "interrupted"
#: A row of these is a result: computing it again would give the same.
FINAL = (DONE, DIVERGED)


@dataclass(frozen=True)
class Row:
    """What came of a cell, as a store holds it.

    kind, spec: the cell's. status: "done"; "diverged", which is a result, too; "failed", an error
    in a rule or task of one's own for instance; "interrupted". result: JSON values, None in the
    place of NaN; without a result reason says why in one line, and traceback where. about: which
    version, instruction set, threads and host made it, when it started, seconds.
    """

    key: str
    kind: str
    spec: Mapping[str, Any]
    status: str
    result: Mapping[str, Any] | None = None
    reason: str = ""
    traceback: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def final(self) -> bool:
        """Whether this is a result, which need not be computed again."""
        return self.status in FINAL


@dataclass(frozen=True, eq=False)
class Context:
    """What a cell is given to work with.

    threads: how many it may use. monitor: hears how far it is, and knows whether to stop.
    checkpoints: a folder where a long cell may keep what it has, None for none.
    """

    threads: int = 1
    monitor: Monitor = field(default_factory=Monitor)
    checkpoints: Path | None = None

    def tell(self, event: Progress) -> bool:
        """Tell how far the work is; return whether to go on."""
        return self.monitor.tell(event)


@dataclass(frozen=True)
class Found:
    """What a cell's work returns: a result, or why there is none."""

    status: str = DONE
    result: Mapping[str, Any] | None = None
    reason: str = ""
    traceback: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Cell:
    """A result to be computed.

    kind: what sort of result. spec: JSON values, all that the result depends on. work: computes it;
    for other processes and machines it must be picklable.

    >>> one = Cell("run", {"rule": "ste", "seed": 0}, lambda context: Found(result={"x": 1}))
    >>> other = Cell("run", {"seed": 0, "rule": "ste"}, lambda context: Found())
    >>> one.key == other.key
    True
    >>> one(Context()).result
    {'x': 1}
    """

    kind: str
    spec: Mapping[str, Any]
    work: Callable[[Context], Found]

    @cached_property
    def key(self) -> str:
        """The SHA-256 of kind and spec, as hexadecimal digits."""
        text = json.dumps([self.kind, self.spec], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def __call__(self, context: Context) -> Row:
        """Compute the result and return it as a row."""
        clock = time.perf_counter()
        found = self.work(context)
        about = made_here(time.perf_counter() - clock, context.threads)
        return self.row(found, {**about, **found.about})

    def row(self, found: Found, about: Mapping[str, Any] | None = None) -> Row:
        """Return the row of what was found."""
        return Row(
            key=self.key,
            kind=self.kind,
            spec=dict(self.spec),
            status=found.status,
            result=found.result,
            reason=found.reason,
            traceback=found.traceback,
            about=found.about if about is None else about,
        )

    def failed(self, error: BaseException) -> Row:
        """Return the row of a cell that an error from outside it has ended."""
        words = f"{type(error).__name__}: {error}".removesuffix(": ")
        trace = "".join(traceback.format_exception(error))
        return self.row(Found(FAILED, reason=words, traceback=trace))

    def stopped(self) -> Row:
        """Return the row of a cell that was not begun, or not finished."""
        return self.row(Found(INTERRUPTED, reason=INTERRUPTED))


def made_here(seconds: float, threads: int = 1) -> dict[str, Any]:
    """Return what made a result that has taken so long until now."""
    started = datetime.now(timezone.utc) - timedelta(seconds=seconds)
    return {
        "version": uwm.__version__,
        "simd_level": uwm.simd_level(),
        "threads": threads,
        "host": platform.node(),
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 6),
    }
