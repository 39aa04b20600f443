"""The store's tables as rows of results, failures and studies."""

from __future__ import annotations

import hashlib
import json
import math
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from types import TracebackType
from typing import Any

from uwm.checks import file_path, instance, one_line
from uwm.experiments.cells import FAILED, Row
from uwm.experiments.store.file import NAME, connect, explained

COLUMNS = ("key", "kind", "status", "reason", "traceback", "spec", "about", "result", "curves")
AT_A_TIME = 500  # keys of a query, rows of a page


@dataclass(frozen=True)
class Study:
    """What somebody has asked for: a command with its settings, and the keys of its cells.

    when: the last time, in UTC.
    """

    command: str
    title: str
    settings: Mapping[str, Any]
    keys: tuple[str, ...]
    when: str = ""


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

    def rows(self, kind: str | None = None) -> Iterator[Row]:
        """Iterate over the results, or those of one kind, in the order in which they came."""
        last = -1
        while True:
            page = self._fetch(
                f"SELECT {','.join(COLUMNS)}, id FROM results WHERE id > ? AND kind = ifnull(?,"
                " kind) ORDER BY id LIMIT ?", (last, kind, AT_A_TIME),
            )  # fmt: skip
            yield from (decoded(values[:-1]) for values in page)
            if not page:
                return
            last = page[-1][-1]

    def failures(self) -> list[Row]:
        """Return the latest failure of every cell without a result."""
        return self._select("FROM failures WHERE key NOT IN (SELECT key FROM results) ORDER BY id")

    def note_study(
        self, command: str, title: str, settings: Mapping[str, Any], keys: Sequence[str]
    ) -> None:
        """Keep what was asked for. The same study again only renews its time."""
        self.note(Study(command, title, settings, tuple(keys), now()))

    def note(self, study: Study) -> None:
        """Keep a study as it is, unless the store has it with a later time."""
        values = (
            whole(study.command), whole(study.title), written("settings", dict(study.settings)),
            written("keys", study.keys),
        )  # fmt: skip
        digest = hashlib.sha256(json.dumps(values).encode()).hexdigest()
        with self._changing() as connection:
            connection.execute(
                "INSERT INTO studies (digest, command, title, settings, keys, made)"
                " VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (digest) DO UPDATE SET made = max(made, excluded.made)",
                (digest, *values, study.when),
            )

    def studies(self) -> list[Study]:
        """Return all studies, the latest at the end."""
        columns = "command, title, settings, keys, made"
        return [
            Study(command, title, json.loads(settings), tuple(json.loads(keys)), when)
            for command, title, settings, keys, when in self._fetch(
                f"SELECT {columns} FROM studies ORDER BY made, id"
            )
        ]

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
        results = [values for status, values in made if status in ("done", "diverged")]
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
        return [
            decoded(each) for each in self._fetch(f"SELECT {','.join(COLUMNS)} {query}", values)
        ]

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
            connection.execute("BEGIN IMMEDIATE")
            try:
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


def now() -> str:
    """Return the time in UTC, to the microsecond: studies are sorted by it."""
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")


def encoded(row: Row) -> tuple[str, ...]:
    """Return a row as the text of each column."""
    instance("row", row, Row, "a Row")
    result: Mapping[str, Any] = row.result if row.result is not None else {}
    curves = {name: value for name, value in result.items() if isinstance(value, (list, tuple))}
    numbers = {name: value for name, value in result.items() if name not in curves}
    return (
        row.key, row.kind, row.status, whole(row.reason), whole(row.traceback),
        written("spec", dict(row.spec)), written("about", dict(row.about)),
        written("result", None if row.result is None else numbers),
        written("result", curves) if curves else "",
    )  # fmt: skip


def decoded(values: Sequence[str]) -> Row:
    """Return the row of the text of each column."""
    key, kind, status, reason, traceback, spec, about, result, curves = values
    numbers = json.loads(result)
    if curves:
        numbers.update(json.loads(curves))
    return Row(key, kind, json.loads(spec), status, numbers, reason, traceback, json.loads(about))


def whole(text: str) -> str:
    """Return a text without the half characters that a file's name may have."""
    return text.encode("utf-8", "backslashreplace").decode()


def written(name: str, value: object) -> str:
    """Return a value as JSON, null in the place of NaN.

    Raises TypeError or ValueError for what JSON cannot hold, infinity for one.
    """
    try:
        return plain_json(value)
    except ValueError:
        pass
    except TypeError as error:
        raise TypeError(f"{name} must be JSON values, got {one_line(str(error))}") from None
    try:
        return plain_json(without_nan(value))
    except ValueError:
        raise ValueError(f"{name} must be finite numbers or NaN, got infinity") from None


def plain_json(value: object) -> str:
    """Return a value as JSON; other characters than ASCII are escapes, half ones, too."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def without_nan(value: object) -> object:
    """Return JSON values with None in the place of NaN."""
    if isinstance(value, Mapping):
        return {name: without_nan(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
