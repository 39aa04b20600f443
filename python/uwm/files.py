"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

_MAX_LINKS = 40  # Linux follows as many before it gives up


def replace_file(
    path: str | os.PathLike[str], content: bytes | Callable[[BinaryIO], object]
) -> None:
    """Write a file beside the one that it replaces, and rename it at the end.

    The name stays what it was: a symbolic link stays one and its target is replaced; the new file
    has the mode of the old one, and its owner and group where the system permits. A new file obeys
    the umask. A device or a pipe cannot be replaced: it is written as it is.

    Args:
        path: name of the file.
        content: what the file will hold, or a function that writes it, called with the open binary
            file. An exception in the function leaves everything as it was.

    Raises:
        OSError: the file cannot be written; one that may not be written is not replaced either.

    >>> import os, tempfile
    >>> from uwm.files import replace_file
    >>> path = os.path.join(tempfile.mkdtemp(), "notes.txt")
    >>> replace_file(path, b"one")
    >>> open(path).read()
    'one'
    """
    given = os.fspath(path)
    write = (lambda file: file.write(content)) if isinstance(content, bytes) else content
    target = _follow_links(given)
    if not os.path.basename(target):
        raise _os_error(errno.EISDIR if target else errno.ENOENT, given)
    old = _status(target)
    if old is not None and stat.S_ISDIR(old.st_mode):
        raise _os_error(errno.EISDIR, given)
    if old is not None and not os.access(target, os.W_OK, **_as_effective_user()):
        raise _os_error(errno.EACCES, given)
    try:
        if old is not None and not stat.S_ISREG(old.st_mode):
            with open(target, "wb") as device:
                write(device)
        else:
            _replace(target, old, write)
    except OSError as error:
        if error.filename is None and error.errno is not None:  # a full disk, for one
            raise _os_error(error.errno, given) from None
        raise


def make_folder(folder: str | os.PathLike[str]) -> None:
    """Make the folder if need be, and raise OSError unless files can be written into it."""
    os.makedirs(folder, exist_ok=True)
    test = os.path.join(folder, f".uwm-write-test-{os.getpid()}")
    replace_file(test, b"")
    with suppress(FileNotFoundError):
        os.unlink(test)


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
        with suppress(OSError):  # closing is not enough: a process forked meanwhile has it open
            fcntl.flock(number, fcntl.LOCK_UN)
        os.close(number)


def _replace(target: str, old: os.stat_result | None, write: Callable[[BinaryIO], object]) -> None:
    draft, handle = _open_draft(os.path.dirname(target), 0o666 if old is None else 0o600)
    try:
        with open(handle, "wb") as file:
            write(file)
            file.flush()
            if old is not None:
                _keep_permissions(handle, old)
            os.fsync(handle)  # the bytes must be on the disk before the name points to them
        _rename(draft, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise


def _open_draft(folder: str, mode: int) -> tuple[str, int]:
    """Create a file of a free name, less the umask, and return its name and descriptor."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    attempt = 0
    while True:
        draft = os.path.join(folder, f".uwm-{os.getpid()}-{attempt}.tmp")
        try:
            return draft, os.open(draft, flags, mode)
        except FileExistsError:
            attempt += 1
        except OSError as error:
            raise OSError(error.errno, error.strerror) from None  # the caller gives the file's name


def _rename(draft: str, target: str) -> None:
    try:
        os.replace(draft, target)
    except OSError as error:
        raise OSError(error.errno, error.strerror) from None  # the caller gives the file's name


def _follow_links(path: str) -> str:
    """Return the file that the name stands for; it need not exist."""
    target = path
    for _ in range(_MAX_LINKS + 1):
        if not os.path.islink(target):
            return target
        target = os.path.join(os.path.dirname(target), os.readlink(target))
    raise _os_error(errno.ELOOP, path)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _as_effective_user() -> dict[str, bool]:
    return {"effective_ids": True} if os.access in os.supports_effective_ids else {}


def _keep_permissions(handle: int, old: os.stat_result) -> None:
    """Give an open file the mode, owner and group of the old one."""
    if not hasattr(os, "fchown"):  # Windows
        return
    new = os.fstat(handle)
    same_owner = old.st_uid == new.st_uid or _change_owner(handle, old.st_uid, -1)
    same_group = old.st_gid == new.st_gid or _change_owner(handle, -1, old.st_gid)
    mode = stat.S_IMODE(old.st_mode)
    if not (same_owner and same_group):
        mode &= 0o1777  # no program may run as somebody else than before
    if not same_group:
        mode = (mode & ~0o070) | (mode & 0o007) << 3  # another group gets no more than all
    with suppress(PermissionError):  # some file systems know no modes
        os.fchmod(handle, mode)


def _change_owner(handle: int, owner: int, group: int) -> bool:
    try:
        os.fchown(handle, owner, group)
    except PermissionError:
        return False
    return True


def _os_error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)
