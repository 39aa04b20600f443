"""Results on disk: a CSV table with one row per run, found again by all that defines the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from uwm.experiments import Settings
from uwm.files import locked, replace_file
from uwm.formats import csv_text, read_rows


class Store:
    """Rows by key. Every row that is added is on disk at once, in a file that is always whole."""

    def __init__(self, path: Path, keys: Iterable[str], values: Iterable[str]) -> None:
        self.path, self.keys, self.values = path, tuple(keys), tuple(values)
        self.rows: dict[tuple[str, ...], dict[str, str]] = {}
        self._read()

    def get(self, key: Mapping[str, Any]) -> dict[str, str] | None:
        """Return the row of a run, or None if it has not been made."""
        return self.rows.get(self._key(key))

    def add(self, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Add a run's row and write the file."""
        row = {name: text(value) for name, value in {**key, **values}.items()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with locked(self.path.parent):
            self._read()  # what another process has added
            self.rows[self._key(key)] = {name: row[name] for name in (*self.keys, *self.values)}
            rows: list[list[object]] = [list(row.values()) for row in self.rows.values()]
            replace_file(self.path, csv_text([*self.keys, *self.values], rows).encode())

    def _read(self) -> None:
        if not self.path.exists():
            return
        for row in read_rows(self.path):
            if set(row) != {*self.keys, *self.values} or None in row.values():
                raise ValueError(f"{self.path}: not a table of this study; move it away")
            self.rows[tuple(row[name] for name in self.keys)] = row

    def _key(self, key: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(text(key[name]) for name in self.keys)


CASE_KEYS = ("task", "address_bits", "hidden", "batch_size", "episodes", "optimizer", "units")
RUN_KEYS = (*CASE_KEYS, "rule", "learning_rate", "baseline", "seed")


def run_key(settings: Settings, rule: str, seed: int) -> dict[str, Any]:
    """Return all that defines a run."""
    key = {name: getattr(settings, name) for name in CASE_KEYS}
    return {
        **key,
        "rule": rule,
        "learning_rate": settings.rates(rule),
        "baseline": settings.baseline_of(rule),
        "seed": seed,
    }


def text(value: Any) -> str:
    """Return a cell's text; the numbers of a series are joined by blanks."""
    if value is None:
        return "none"
    if isinstance(value, (str, int)):
        return str(value)
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, np.ndarray):
        return " ".join(f"{number:.4g}" for number in value)
    if isinstance(value, (tuple, list)):
        return " ".join(f"{number:g}" for number in value)
    raise TypeError(f"no cell for {value!r}")


def series(cell: str) -> np.ndarray:
    """Return the numbers of a cell."""
    return np.array([float(word) for word in cell.split()])
