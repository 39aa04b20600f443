"""The errors that a sub-command raises, and those of the library in their words."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path


class CommandError(Exception):
    """Shown as one line.

    code: the exit code, 2 for what the user has to put right, 1 for what else went wrong.
    """

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self.code = code


class OwnCodeError(Exception):
    """An error that the user's own rule raised: its traceback within the user's files.

    summary: one line that says what failed.
    """

    def __init__(self, text: str, summary: str) -> None:
        super().__init__(text)
        self.summary = summary


@contextmanager
def own_code(files: Callable[[], Collection[str]]) -> Iterator[None]:
    """Turn an error that was raised in or below the user's files into OwnCodeError.

    files: asked for after an error; a module's file is known once it has been imported.
    """
    try:
        yield
    except Exception as error:
        shown = own_traceback(error, files())
        if shown is None:
            raise
        raise OwnCodeError(*shown) from error


def own_traceback(error: Exception, files: Collection[str]) -> tuple[str, str] | None:
    """Return the traceback from the user's first frame on, and a summary; None without one."""
    frames = traceback.extract_tb(error.__traceback__)
    here = str(Path(__file__).resolve().parents[1])
    first = next((k for k, frame in enumerate(frames) if frame.filename in files), None)
    what = traceback.format_exception_only(type(error), error)
    if first is not None:
        own = [frame for frame in frames[first:] if not frame.filename.startswith(here)]
        at = [frame for frame in own if frame.filename in files][-1]
        where, line = at.filename, at.lineno
    elif isinstance(error, SyntaxError) and error.filename in files:
        own, where, line = [], str(error.filename), error.lineno
    else:
        return None
    text = "".join(["Traceback (most recent call last):\n", *traceback.format_list(own), *what])
    return text.rstrip("\n"), f"{Path(where).name}, line {line}: {what[-1].strip()}"


@contextmanager
def explained(code: int = 2) -> Iterator[None]:
    """Turn the errors that the library documents into CommandError."""
    try:
        yield
    except (ValueError, TypeError, ArithmeticError, ImportError) as error:
        raise CommandError(str(error) or type(error).__name__, code) from error
    except MemoryError as error:
        raise CommandError("not enough memory", code) from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)  # nothing in the command is wrong
        raise CommandError(explain(error), 1 if full else code) from error


def explain(error: OSError) -> str:
    """Return what went wrong with which file."""
    words = error.strerror or str(error)
    return f"{error.filename}: {words}" if error.filename else words
