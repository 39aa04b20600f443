"""Signals that ask for an orderly end: Ctrl-C, and SIGTERM, which schedulers of clusters send."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Asked:
    """Whether Ctrl-C has been pressed."""

    stop: bool = False


@contextmanager
def ctrl_c_noted() -> Iterator[Asked]:
    """Note the first Ctrl-C and raise nothing; a second one raises KeyboardInterrupt as ever.

    What is written in the meantime is written whole. Nothing is changed in other threads than the
    main one, nor where a program handles Ctrl-C in a way of its own.

    >>> with ctrl_c_noted() as asked:
    ...     signal.raise_signal(signal.SIGINT)
    >>> asked.stop
    True
    """
    asked = Asked()
    before = signal.getsignal(signal.SIGINT)
    if not _in_main_thread() or before is not signal.default_int_handler:
        yield asked
        return

    def note(number: int, frame: FrameType | None) -> None:
        if asked.stop:
            raise KeyboardInterrupt
        asked.stop = True

    signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass
class Ending:
    """Which signal has asked for the end; `exit_code` is what a shell expects then."""

    terminated: bool = False

    @property
    def exit_code(self) -> int:
        """143 after SIGTERM, 130 after Ctrl-C."""
        return 128 + (signal.SIGTERM if self.terminated else signal.SIGINT)


@contextmanager
def sigterm_as_ctrl_c() -> Iterator[Ending]:
    """Let the first SIGTERM do what Ctrl-C does, so that everything finished is kept.

    Later ones do nothing: schedulers repeat them, and kill in the end. Nothing is changed in other
    threads than the main one.

    >>> with sigterm_as_ctrl_c() as ending:
    ...     try:
    ...         signal.raise_signal(signal.SIGTERM)
    ...     except KeyboardInterrupt:
    ...         print(ending.exit_code)
    143
    """
    ending = Ending()
    if not _in_main_thread():
        yield ending
        return

    def end(number: int, frame: FrameType | None) -> None:
        if not ending.terminated:
            ending.terminated = True
            ctrl_c = signal.getsignal(signal.SIGINT)
            if callable(ctrl_c):
                ctrl_c(signal.SIGINT, frame)
            else:  # ignored, as for what a shell starts in its background
                raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield ending
    finally:
        signal.signal(signal.SIGTERM, before)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
