"""Standard output and standard error as they are: full, closed, or without the character for it."""

from __future__ import annotations

import codecs
import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from uwm.checks import one_line

ERRORS = "uwm.plain"
PLAIN = {"±": "~", "µ": "u", "→": ">", "…": "."}  # one for one, or tables lose their columns
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def plain(error: UnicodeError) -> tuple[str, int]:
    """Replace what an encoding lacks: by plain characters that mean the same, else by `?`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(PLAIN.get(character, "?") for character in missing), error.end


class Lenient:
    """Standard error that never stops the work: once a write fails, it takes all and drops it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text if possible."""
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            self._drop()
            return len(text)

    def flush(self) -> None:
        """Flush if possible."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self._drop()

    def _drop(self) -> None:
        silence(self._stream)
        self._stream = nowhere()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def streams() -> Iterator[None]:
    """Make both streams safe to write to while the block runs, and warnings one line each."""
    codecs.register_error(ERRORS, plain)
    out, err = sys.stdout, sys.stderr
    before = [(s, s.errors) for s in (out, err) if hasattr(s, "reconfigure")]
    for stream, _ in before:
        with suppress(OSError, ValueError):  # what is pending may be lost already
            stream.reconfigure(errors=ERRORS)
    sys.stdout = nowhere() if out is None else out
    lenient: Any = Lenient(nowhere() if err is None else err)
    sys.stderr = lenient
    try:
        with warnings.catch_warnings():
            warnings.showwarning = show_warning
            yield
    finally:
        lenient.flush()
        sys.stdout, sys.stderr = out, err
        for stream, errors in before:
            with suppress(OSError, ValueError):
                stream.reconfigure(errors=errors)


def show_warning(message: Warning | str, *rest: Any, **more: Any) -> None:
    """Print a warning as one line, without the colours that gymnasium gives its own."""
    print(f"uwm: {one_line(COLOUR.sub('', str(message)))}", file=sys.stderr)


def silence(stream: TextIO) -> None:
    """Let what is pending in a stream that fails go nowhere, or Python fails at exit once more."""
    if stream in (sys.__stdout__, sys.__stderr__):
        with suppress(OSError, ValueError):
            number = os.open(os.devnull, os.O_WRONLY)
            os.dup2(number, stream.fileno())
            os.close(number)
            stream.flush()


def nowhere() -> TextIO:
    """Return a stream that drops everything."""
    return open(os.devnull, "w", encoding="utf-8")
