"""Bring results of other folders and hosts together."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from uwm.experiments.cells import Row
from uwm.experiments.store import lines
from uwm.experiments.store.file import MAGIC, NAME, explained, for_reading
from uwm.experiments.store.rows import COLUMNS, STUDY_COLUMNS, Study, decoded, study_of

if TYPE_CHECKING:
    from uwm.experiments.store.table import Store

AT_A_TIME = 500  # rows
LEAST_BYTES = 100  # of a row


@dataclass(frozen=True)
class Merged:
    """What came of merging: how many results are new, how many were there with the same numbers.

    others: results that differ from those there, which stay. problems: a sentence for everything
    that could not be read.
    """

    added: int = 0
    same: int = 0
    others: tuple[Row, ...] = ()
    problems: tuple[str, ...] = ()

    def __add__(self, more: Merged) -> Merged:
        return Merged(self.added + more.added, self.same + more.same, self.others + more.others,
                      self.problems + more.problems)  # fmt: skip


def merge(store: Store, source: Path) -> Merged:
    """Add to a store what a folder or file has."""
    path = source / NAME if source.is_dir() else source
    total = Merged()
    with closing(contents(path)) as items:
        while page := list(islice(items, AT_A_TIME)):
            rows = [item for item in page if isinstance(item, Row)]
            total += put(store, [row for row in rows if row.final])
            known = {row.key for row in store.failures()}
            store.add(row for row in rows if not row.final and row.key not in known)
            for item in page:
                if isinstance(item, Study):
                    store.note(item)
            total += Merged(problems=tuple(f"{path}: {p}" for p in page if isinstance(p, str)))
    return total


def put(store: Store, rows: list[Row]) -> Merged:
    """Add results, and tell those apart that are there already."""
    there = store.find(row.key for row in rows)
    new: dict[str, Row] = {}
    same, others = 0, []
    for row in rows:
        known = there.get(row.key) or new.setdefault(row.key, row)
        if known is row:
            continue
        if (known.status, known.result) == (row.status, row.result):
            same += 1
        else:
            others.append(row)
    return Merged(store.add(new.values()), same, tuple(others))


def contents(path: Path) -> Generator[Row | Study | str, None, None]:
    """Iterate over what a file holds, and over a sentence for what cannot be read."""
    with open(path, "rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            file.seek(0)
            yield from lines.read(file)
            return
    connection = for_reading(path)
    try:
        for table in ("results", "failures"):
            yield from rows_of(connection, table, path)
        yield from studies_of(connection, path)
    finally:
        connection.close()


def rows_of(connection: sqlite3.Connection, table: str, path: Path) -> Iterator[Row | str]:
    """Iterate over a table's rows; in a damaged one, over those that can be read."""
    query = f"SELECT id, {','.join(COLUMNS)} FROM {table} WHERE id > ? ORDER BY id LIMIT ?"
    last = 0
    while True:
        try:
            page = connection.execute(query, (last, AT_A_TIME)).fetchall()
        except sqlite3.DatabaseError as error:
            yield f"it is damaged ({error}): some of its {table} could not be read"
            yield from one_by_one(connection, table, path, last + 1)
            return
        if not page:
            return
        for number, *values in page:
            yield from sound(values)
            last = number


def one_by_one(
    connection: sqlite3.Connection, table: str, path: Path, first: int
) -> Iterator[Row | str]:
    """Iterate over the rows of a damaged table that can be read."""
    query = f"SELECT {','.join(COLUMNS)} FROM {table} WHERE id = ?"
    for number in range(first, first + path.stat().st_size // LEAST_BYTES):
        try:
            values = connection.execute(query, (number,)).fetchone()
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            continue
        if values is not None:
            yield from sound(values)


def sound(values: list[str]) -> Iterator[Row | str]:
    """Yield a row, or a sentence if its text is not what was written."""
    try:
        yield lines.proven(decoded(values))
    except (ValueError, TypeError, AttributeError) as error:
        yield f"row {values[0]}: {error}"


def studies_of(connection: sqlite3.Connection, path: Path) -> Iterator[Study | str]:
    """Iterate over the studies."""
    try:
        with explained(path):
            query = f"SELECT {','.join(STUDY_COLUMNS)} FROM studies ORDER BY id"
            found = connection.execute(query).fetchall()
        yield from [study_of(values) for values in found]
    except ValueError as error:
        yield str(error)
