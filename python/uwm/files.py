"""Files that are replaced whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

BINARY = getattr(os, "O_BINARY", 0)  # Windows alone has another way to open a file


def replace_file(path: str | os.PathLike[str], write: Callable[[BinaryIO], object]) -> None:
    """Write a file under another name and give it its own when it is complete.

    write(file): writes the content. Of an existing file the permissions stay, and a symbolic link
    still points to it. Other processes see the old content or the new, never a part.

    Raises OSError that names the file; the old file then is as it was.

    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "note")
    >>> replace_file(path, lambda file: file.write(b"text"))
    >>> open(path).read()
    'text'
    """
    target = Path(os.path.realpath(path))  # behind a symbolic link
    unfinished: Path | None = None
    try:
        if target.exists() and not target.is_file():
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, "Is a directory")
            with open(target, "wb") as file:  # a pipe or device has no whole to keep
                write(file)
            return
        # A name of its own for every process and thread, short for any length of the file's.
        name = target.with_name(f".uwm-{secrets.token_hex(8)}.tmp")
        number = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | BINARY, 0o666)
        unfinished = name
        with open(number, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            os.chmod(unfinished, stat.S_IMODE(target.stat().st_mode))
        os.replace(unfinished, target)
        unfinished = None
    except OSError as error:
        raise type(error)(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        if unfinished is not None:
            with suppress(OSError):
                os.unlink(unfinished)


@contextmanager
def locked(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Keep other processes that ask for the same lock waiting while the block runs.

    The lock is on the folder itself, so that no file is left behind. Where the system or the file
    system has no such locks, the block runs all the same.
    """
    try:
        import fcntl

        number = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):  # Windows opens no folders
        yield
        return
    try:
        with suppress(OSError):
            fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)
