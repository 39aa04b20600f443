"""The store's tables as rows of results, failures and studies."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, BinaryIO

from uwm.checks import file_path
from uwm.experiments.cells import FAILED, FINAL, Row
from uwm.experiments.store import lines, merging
from uwm.experiments.store.file import NAME, as_written, connect, explained
from uwm.experiments.store.merging import Merged
from uwm.experiments.store.rows import (
    COLUMNS,
    STUDY_COLUMNS,
    Lists,
    Study,
    decoded,
    encoded,
    now,
    study_of,
    whole,
    written,
)
from uwm.files import replace_file

AT_A_TIME = 500  # keys of a query, rows of a page


class Store:
    """The results in a folder: one row a cell in the SQLite file `results.sqlite`.

    Threads and processes of one machine may add to it at the same time. When `add` returns, the
    rows are on the disk: they outlive the process, whatever ends it. After a power cut the file is
    whole, and the last rows may be missing.

    SQLite's locks are not for network disks. Results of several hosts belong into a folder each;
    `write_lines` and `merge` bring them together.

    folder: made if need be. create: whether to make the store; otherwise it must be there.
    A store that cannot be written is opened for reading; `writable` tells.

    Raises FileNotFoundError without a store that must be there, OSError for a folder that cannot be
    used, ValueError for a file that is no store, that is of a newer version, or that is damaged.
    None of these changes the file.

    >>> import tempfile
    >>> from uwm.experiments.cells import Row
    >>> with Store(tempfile.mkdtemp()) as store:
    ...     store.add([Row("a1", "run", {"rule": "ste", "seed": 0}, "done", {"mean_reward": 0.5})])
    ...     store.find(["a1", "b2"])["a1"].result
    1
    {'mean_reward': 0.5}
    """

    def __init__(self, folder: str | os.PathLike[str], *, create: bool = True) -> None:
        self.folder = file_path("folder", folder)
        self.path = self.folder / NAME
        self._lock = threading.RLock()
        self._connection, self.writable = connect(self.path, create)

    def find(self, keys: Iterable[str]) -> dict[str, Row]:
        """Return the results among these keys, by key."""
        wanted, found = list(dict.fromkeys(keys)), {}
        for start in range(0, len(wanted), AT_A_TIME):
            some = wanted[start : start + AT_A_TIME]
            places = ",".join("?" * len(some))
            for row in self._select(f"FROM results WHERE key IN ({places})", some):
                found[row.key] = row
        return found

    def add(self, rows: Iterable[Row]) -> int:
        """Keep rows; return how many results are new.

        A key that has a result keeps it. A failure is kept beside the results until its cell has
        one. Interrupted rows hold nothing and are not kept.

        Raises OSError if the disk is full or the store cannot be written, TypeError or ValueError
        for what JSON cannot hold. None of the rows is kept then.
        """
        return self._write(rows, "ON CONFLICT (key) DO NOTHING")

    def replace(self, rows: Iterable[Row]) -> int:
        """Keep rows in the place of those with the same keys; return how many results there are.

        Raises what `add` raises.
        """
        return self._write(rows, f"ON CONFLICT (key) DO UPDATE SET {UPDATED}")

    def rows(self, kind: str | None = None, *, curves: bool = True) -> Iterator[Row]:
        """Iterate over the results, or those of one kind, in the order in which they came.

        curves: whether to read lists of numbers, too, which take most of the time.
        """
        columns = ",".join(COLUMNS if curves else (*COLUMNS[:-1], "''"))
        last = -1
        while True:
            page = self._fetch(
                f"SELECT {columns}, id FROM results WHERE id > ? AND kind = ifnull(?,"
                " kind) ORDER BY id LIMIT ?", (last, kind, AT_A_TIME),
            )  # fmt: skip
            with as_written(self.path):
                rows = [decoded(values[:-1]) for values in page]
            yield from rows
            if not page:
                return
            last = page[-1][-1]

    def curves(self, keys: Sequence[str]) -> Iterator[tuple[str, dict[str, list[Any]]]]:
        """Iterate over the lists of numbers of the results among these keys, with their keys.

        Results may share a list that is the same in all of them: do not change it.
        """
        lists = Lists()
        for start in range(0, len(keys), AT_A_TIME):
            some = keys[start : start + AT_A_TIME]
            places = ",".join("?" * len(some))
            query = f"SELECT key, curves FROM results WHERE curves != '' AND key IN ({places})"
            for key, text in self._fetch(query, some):
                with as_written(self.path):
                    curves = lists.read(text)
                yield key, curves

    def failures(self) -> list[Row]:
        """Return the latest failure of every cell without a result."""
        return self._select("FROM failures WHERE key NOT IN (SELECT key FROM results) ORDER BY id")

    def note_study(
        self, command: str, title: str, settings: Mapping[str, Any], keys: Sequence[str]
    ) -> None:
        """Keep what was asked for: the command with its settings, and which cells that takes.

        A study that is there already, with some of these cells or with more, is renewed.
        """
        self.note(Study(command, title, settings, tuple(keys), now()))

    def note(self, study: Study) -> None:
        """Keep a study as it is, with its time."""
        asked = (whole(study.command), whole(study.title), written("settings", study.settings))
        with self._changing() as connection:
            there = connection.execute(
                "SELECT id, keys, made FROM studies WHERE command = ? AND title = ?"
                " AND settings = ? ORDER BY id",
                asked,
            ).fetchall()
            for number, text, made in reversed(there):
                with as_written(self.path):
                    known = json.loads(text)
                if set(known) <= set(study.keys) or set(study.keys) <= set(known):
                    keys = max(known, study.keys, key=len)
                    connection.execute(
                        "UPDATE studies SET keys = ?, made = ? WHERE id = ?",
                        (written("keys", keys), max(made, study.when), number),
                    )
                    return
            connection.execute(
                "INSERT INTO studies (command, title, settings, keys, made) VALUES (?, ?, ?, ?, ?)",
                (*asked, written("keys", study.keys), study.when),
            )

    def studies(self) -> list[Study]:
        """Return all studies, the latest at the end."""
        query = f"SELECT {','.join(STUDY_COLUMNS)} FROM studies ORDER BY made, id"
        found = self._fetch(query)
        with as_written(self.path):
            return [study_of(values) for values in found]

    def write_lines(self, path: str | os.PathLike[str] | BinaryIO) -> None:
        """Write everything as lines of JSON, sorted, into a file that `merge` reads.

        path: of the file, or one that is open for bytes.

        Raises OSError if it cannot be written.
        """
        if isinstance(path, (str, os.PathLike)):
            replace_file(path, lambda file: lines.write(self, file))
        else:
            lines.write(self, path)

    def merge(self, source: str | os.PathLike[str]) -> Merged:
        """Add what another folder's store, or a file of JSON lines, has; return what came of it.

        Of two results of the same cell that differ, the one that is here stays. From a damaged
        store comes what can be read.

        Raises OSError or ValueError for a source that cannot be read at all, and what `add` raises.

        >>> import tempfile
        >>> from uwm.experiments.cells import Cell, Context, Found
        >>> one, other = tempfile.mkdtemp(), tempfile.mkdtemp()
        >>> cell = Cell("run", {"rule": "ste"}, lambda context: Found(result={"mean_reward": 0.5}))
        >>> with Store(one) as store:
        ...     store.add([cell(Context())])
        ...     store.write_lines(f"{one}/results.jsonl")
        1
        >>> with Store(other) as store:
        ...     store.merge(one).added, store.merge(f"{one}/results.jsonl").same
        (1, 1)
        """
        return merging.merge(self, file_path("source", source))

    def close(self) -> None:
        """Close the file. A closed store refuses everything else."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return int(self._fetch("SELECT count(*) FROM results")[0][0])

    def _write(self, rows: Iterable[Row], on_conflict: str) -> int:
        made = [(row.status, encoded(row)) for row in rows]
        results = [values for status, values in made if status in FINAL]
        failures = [values for status, values in made if status == FAILED]
        if not results and not failures:
            return 0
        with self._changing() as connection:
            changes = connection.total_changes
            connection.executemany(INSERT.format("results") + on_conflict, results)
            new = connection.total_changes - changes
            latest = f"ON CONFLICT (key) DO UPDATE SET {UPDATED}"
            connection.executemany(INSERT.format("failures") + latest, failures)
        return new

    def _select(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        found = self._fetch(f"SELECT {','.join(COLUMNS)} {query}", values)
        with as_written(self.path):
            return [decoded(each) for each in found]

    def _fetch(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with self._lock, explained(self.path):
            self._check_open()
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """Make a transaction of the block: all of it is kept, or nothing."""
        with self._lock, explained(self.path):
            self._check_open()
            connection = self._connection
            if not self.writable:
                raise sqlite3.OperationalError("attempt to write a readonly database")
            try:
                # Inside: Ctrl-C during the wait for other writers is raised once this has begun.
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _check_open(self) -> None:
        try:
            _ = self._connection.in_transaction
        except sqlite3.ProgrammingError:
            raise ValueError(f"{self.path} must be open, got a store that was closed") from None


INSERT = f"INSERT INTO {{}} ({','.join(COLUMNS)}) VALUES ({','.join('?' * len(COLUMNS))}) "
UPDATED = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])
