"""A store's results as other files: CSV, Parquet, lines of JSON."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping
from itertools import chain, repeat
from typing import Any

from uwm.experiments.cells import Row
from uwm.experiments.columns import columns, points
from uwm.experiments.store import Store
from uwm.files import replace_file
from uwm.formats import csv_text

OUTPUT = "-"  # stands for standard output


def table(
    store: Store, *, kind: str | None, where: Mapping[str, str], curves: bool
) -> dict[str, list[Any]]:
    """Return the columns of results, or of the points of their curves."""
    if not curves:
        return dict(columns(store.rows(curves=False)).of_kind(kind).where(where).values)
    made = points(rows_of(store, kind=kind, where=where))
    named = {
        name: list(chain.from_iterable(map(repeat, column, made.counts)))
        for name, column in made.rows.items()
    }
    return {**named, **made.values}


def rows_of(store: Store, *, kind: str | None, where: Mapping[str, str]) -> Iterator[Row]:
    """Return the results of a kind with these values, curves included."""
    found = columns(store.rows(curves=False)).of_kind(kind).where(where)
    wanted = set(found["key"])
    return (row for row in store.rows(kind) if row.key in wanted)


def write_csv(made: Mapping[str, list[Any]], path: str) -> None:
    """Write columns as CSV."""
    text = csv_text(list(made), [list(row) for row in zip(*made.values(), strict=True)])
    if path == OUTPUT:
        sys.stdout.write(text)
    else:
        replace_file(path, text.encode())


def write_lines(store: Store, path: str) -> None:
    """Write everything as lines of JSON."""
    if path != OUTPUT:
        store.write_lines(path)
        return
    made = io.BytesIO()
    store.write_lines(made)
    sys.stdout.write(made.getvalue().decode())


def write_parquet(made: Mapping[str, list[Any]], path: str) -> None:
    """Write columns as Parquet; one with both numbers and texts becomes texts.

    Raises ImportError without pyarrow.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise ImportError('Parquet files need pyarrow: pip install "uwm[parquet]"') from None
    arrays = {name: arrow_array(pyarrow, column) for name, column in made.items()}
    replace_file(path, lambda file: parquet.write_table(pyarrow.table(arrays), file))


def arrow_array(pyarrow: Any, column: list[Any]) -> Any:
    """Return a column as pyarrow has it."""
    try:
        return pyarrow.array(column)
    except (pyarrow.ArrowException, OverflowError):
        return pyarrow.array([None if value is None else str(value) for value in column])
