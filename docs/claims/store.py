"""Results on disk: a CSV table with one row per run, found again by all that defines the run."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from uwm.experiments import Settings
from uwm.experiments.results import csv_text
from uwm.files import replace_file


class Store:
    """Rows by key. Every row that is added is on disk at once, in a file that is always whole."""

    def __init__(self, path: Path, keys: Iterable[str], values: Iterable[str]) -> None:
        self.path, self.keys, self.values = path, tuple(keys), tuple(values)
        self.rows: dict[tuple[str, ...], dict[str, str]] = {}
        if path.exists():
            with path.open(newline="", encoding="utf-8") as lines:
                for row in csv.DictReader(lines):
                    if set(row) == {*self.keys, *self.values}:  # else of an older form
                        self.rows[tuple(row[name] for name in self.keys)] = row

    def get(self, key: Mapping[str, Any]) -> dict[str, str] | None:
        """Return the row of a run, or None if it has not been made."""
        return self.rows.get(self._key(key))

    def add(self, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Add a run's row and write the file."""
        row = {name: text(value) for name, value in {**key, **values}.items()}
        self.rows[self._key(key)] = {name: row[name] for name in (*self.keys, *self.values)}
        self.write()

    def keep(self, keys: Sequence[Mapping[str, Any]], same: Sequence[str]) -> None:
        """Drop what an earlier plan has left: other rows with the same values in these columns."""
        wanted = {self._key(key) for key in keys}
        case = [text(keys[0][name]) for name in same]
        self.rows = {
            key: row
            for key, row in self.rows.items()
            if key in wanted or [row[name] for name in same] != case
        }
        self.write()

    def write(self) -> None:
        """Write the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        rows: list[list[object]] = [list(row.values()) for row in self.rows.values()]
        replace_file(self.path, csv_text([*self.keys, *self.values], rows).encode())

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
