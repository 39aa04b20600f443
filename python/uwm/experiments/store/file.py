"""The SQLite file of a store: opened, and whatever goes wrong with it in one sentence."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from uwm.checks import one_line

T = TypeVar("T")

NAME = "results.sqlite"
#: Marks the file as a store of this library, and the form of its tables.
APPLICATION, VERSION = int.from_bytes(b"uwmr", "big"), 1
SECONDS = 60.0  # that a process waits for others to finish their writing
MAGIC = b"SQLite format 3\0"

# Lists of numbers stand in the last column: who reads the others never reads their pages.
TABLES = """
CREATE TABLE results (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, status TEXT NOT NULL,
    reason TEXT NOT NULL, traceback TEXT NOT NULL, spec TEXT NOT NULL, about TEXT NOT NULL,
    result TEXT NOT NULL, curves TEXT NOT NULL);
CREATE TABLE failures (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, status TEXT NOT NULL,
    reason TEXT NOT NULL, traceback TEXT NOT NULL, spec TEXT NOT NULL, about TEXT NOT NULL,
    result TEXT NOT NULL, curves TEXT NOT NULL);
CREATE TABLE studies (
    id INTEGER PRIMARY KEY, command TEXT NOT NULL, title TEXT NOT NULL, settings TEXT NOT NULL,
    keys TEXT NOT NULL, made TEXT NOT NULL)
"""


def connect(path: Path, create: bool) -> tuple[sqlite3.Connection, bool]:
    """Open a store's file, and return it and whether it can be written.

    Raises OSError if there is none or it cannot be opened, ValueError if it is no store, one of a
    newer version, or damaged.
    """
    if not os.path.lexists(path) and not create:
        raise no_store(path)
    if path.exists():
        check_kind(path)
    elif create:
        os.makedirs(path.parent, exist_ok=True)
    file = path if path.exists() else path.parent
    if may_write(file) and may_write(path.parent):
        return opened(path, f"{path.absolute().as_uri()}?mode=rwc", prepare), True
    if not path.exists():
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path.parent))
    return for_reading(path), False


def may_write(path: Path) -> bool:
    """Whether this process may write a file or into a folder."""
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def opened(
    path: Path, address: str, first: Callable[[sqlite3.Connection, Path], None]
) -> sqlite3.Connection:
    """Open a database and do what comes first with it."""
    with explained(path):
        made = sqlite3.connect(
            address, uri=True, timeout=SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            first(made, path)
        except BaseException:
            made.close()
            raise
    return made


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file, and check those of another."""
    # Where the file system lacks what this mode needs, the earlier mode stays. It is as safe.
    patient(lambda: connection.execute("PRAGMA journal_mode = WAL").fetchone())
    # What is committed outlives the process. The last rows before a power cut may be missing.
    connection.execute("PRAGMA synchronous = NORMAL")
    if new(connection):
        connection.execute("BEGIN IMMEDIATE")
        if new(connection):  # still, now that no other process writes
            for command in TABLES.split(";"):
                connection.execute(command)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    check(connection, path)


def patient(call: Callable[[], T]) -> T:
    """Call until the database is not locked: SQLite itself does not wait for a change of mode."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            return call()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.01)


def new(connection: sqlite3.Connection) -> bool:
    """Whether nothing has been written into the file."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return bool(application == 0 and tables == 0)


def for_reading(path: Path) -> sqlite3.Connection:
    """Open a store that cannot be written.

    SQLite shares memory with writers through a file beside the store. Where that cannot be made,
    nobody else writes, and the file is read as it is; what its journal holds, from a copy.
    """
    address = path.absolute().as_uri()
    with suppress(OSError):
        return opened(path, f"{address}?mode=ro", check)
    journal = Path(f"{path}-wal")
    if not journal.exists() or journal.stat().st_size == 0:
        return opened(path, f"{address}?mode=ro&immutable=1", check)
    with tempfile.TemporaryDirectory(prefix="uwm-") as folder:
        copy = Path(folder, NAME)
        shutil.copyfile(path, copy)
        shutil.copyfile(journal, f"{copy}-wal")
        with explained(path), closing(sqlite3.connect(copy)) as source:
            return opened(path, ":memory:", lambda made, _: restored(made, source, path))


def restored(connection: sqlite3.Connection, source: sqlite3.Connection, path: Path) -> None:
    """Copy a database into an empty one, and check it."""
    source.backup(connection)
    check(connection, path)


def check_kind(path: Path) -> None:
    """Raise ValueError unless the file is an SQLite database, or empty."""
    if not path.is_file():
        raise foreign(path)
    with open(path, "rb") as file:
        start = file.read(len(MAGIC))
    if start not in (b"", MAGIC):
        raise foreign(path)


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Raise FileNotFoundError or ValueError unless the database is a store of this version."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if new(connection):  # whoever made the file could not go on
        raise no_store(path)
    if application != APPLICATION:
        raise foreign(path)
    if version > VERSION:
        raise ValueError(
            f"{path} must be a store of version {VERSION}, got version {version} of a newer uwm:"
            " update uwm, or choose another folder"
        )


def no_store(path: Path) -> FileNotFoundError:
    """Return the error for a store that must be there."""
    return FileNotFoundError(errno.ENOENT, "there is no store of results", str(path))


def foreign(path: Path) -> ValueError:
    """Return the error for a file of somebody else's."""
    return ValueError(f"{path} must be a store of results, got something else: it stays as it is;"
                      " choose another folder")  # fmt: skip


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into OSError and ValueError that say what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise in_words(str(error), path) from error


def in_words(words: str, path: Path) -> Exception:
    """Return the error for SQLite's message."""
    if "full" in words:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    if "readonly" in words:
        return PermissionError(errno.EACCES, "it can be read, not written", str(path))
    if "locked" in words:
        what = f"another process has kept it locked for {SECONDS:g} seconds"
        return TimeoutError(errno.ETIMEDOUT, what, str(path))
    if any(part in words for part in ("malformed", "not a database", "no such")):
        return damaged(path, words)
    return OSError(errno.EIO, words, str(path))


def damaged(path: Path, words: str) -> ValueError:
    """Return the error for a file that cannot be read whole."""
    return ValueError(
        f"{path} is damaged ({words}): it stays as it is;"
        f" uwm merge NEW_FOLDER {path.parent} saves the rows that can be read"
    )


@contextmanager
def as_written(path: Path) -> Iterator[None]:
    """Turn the errors of texts that are not what was written into one that says what to do."""
    try:
        yield
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise damaged(path, one_line(str(error))) from error
