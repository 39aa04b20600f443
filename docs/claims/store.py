"""The study's results: a store of cells, and the lines of JSON that are kept with the sources.

The store is made of the lines where it is not there yet, and the lines of the store at the end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import uwm
from uwm.experiments.cells import Cell, Found, Row
from uwm.experiments.store import Store

LINES = "results.jsonl"
#: Folders of stores, which are not kept with the sources: these results, and all runs of searches.
KEPT, SEARCHED = Path("cells", "results"), Path("cells", "searches")


def opened(folder: Path) -> Store:
    """Return the store of a folder's results, with all that its lines hold."""
    store = Store(folder / KEPT)
    if (folder / LINES).exists():
        merged = store.merge(folder / LINES)
        for trouble in (*merged.problems, *(f"another result of {r.spec}" for r in merged.others)):
            raise ValueError(f"{folder / LINES}: {trouble}; delete {folder / KEPT}")
    return store


class Table:
    """The results of one kind, found by what defines them.

    keys: the names of that. Numbers that JSON does not have are kept as words, which `float` reads.
    """

    def __init__(self, store: Store, kind: str, keys: Iterable[str]) -> None:
        self.store, self.kind, self.keys = store, kind, tuple(keys)
        self.rows = {row.key: together(row) for row in store.rows(kind)}

    def get(self, key: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return a result with what defines it, or None if it has not been made."""
        return self.rows.get(self._cell(key).key)

    def add(self, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Add a result; it is on the disk at once."""
        cell = self._cell(key)
        made = {name: plain(value) for name, value in values.items()}
        about = {"version": uwm.__version__, "simd_level": uwm.simd_level()}
        row = cell.row(Found(result=made), about)
        self.store.add([row])
        self.rows[row.key] = together(row)

    def _cell(self, key: Mapping[str, Any]) -> Cell:
        spec = {name: plain(key[name]) for name in self.keys}
        return Cell(self.kind, spec, lambda context: Found())


def together(row: Row) -> dict[str, Any]:
    """Return what defines a result, and the result."""
    return {**row.spec, **(row.result or {})}


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it, the numbers of a series with four digits."""
    if isinstance(value, np.ndarray):
        return [float(f"{number:.4g}") for number in value]
    if isinstance(value, (tuple, list)):
        return list(value)
    return value if not isinstance(value, float) or math.isfinite(value) else repr(value)


def series(cell: Any) -> np.ndarray:
    """Return the numbers of a series."""
    return np.array(cell, dtype=np.float64)
