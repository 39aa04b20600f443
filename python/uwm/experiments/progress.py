"""How a long call tells how far it is, and hands over what it has when it is stopped."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import uwm
from uwm.checks import function, is_false


@dataclass(frozen=True)
class Progress:
    """How far a part of the work is: `step` of `steps` are done.

    name: the rule that is trained, or what else is going on. seed: of the run or the network.
    reward: the mean reward of late, NaN where there is none.

    >>> Progress("ste", seed=0, step=50, steps=100, reward=0.5).name
    'ste'
    """

    name: str
    seed: int
    step: int
    steps: int
    reward: float = math.nan


class WaitingWarning(UserWarning):
    """The work waits for something that may never come."""


Listener = Callable[[Progress], object]


def nobody(event: Progress) -> None:
    """Listen to nothing."""


class Monitor:
    """Tells a listener how far the work is, from any thread, and knows whether to stop.

    Ctrl-C and a listener that returns False stop the work in the same way.

    >>> monitor = Monitor(lambda event: event.step < 2)
    >>> [monitor.tell(Progress("ste", seed=0, step=step, steps=3)) for step in (1, 2, 3)]
    [True, False, False]
    >>> monitor.stopped
    True
    """

    def __init__(self, listener: Listener = nobody, stop: threading.Event | None = None) -> None:
        function("progress", listener)
        self._listener = listener
        self._stop = threading.Event() if stop is None else stop

    @property
    def stopped(self) -> bool:
        """Whether the work is to stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask all threads to stop."""
        self._stop.set()

    def tell(self, event: Progress) -> bool:
        """Tell the listener, unless the work is to stop already; return whether to go on."""
        if not self.stopped and is_false(self._listener(event)):
            self.stop()
        return not self.stopped

    def heard_by(self, listener: Listener) -> Monitor:
        """Return a monitor that stops with this one and has another listener."""
        return Monitor(listener, stop=self._stop)

    def silent(self) -> Monitor:
        """Return a monitor that stops with this one and has no listener."""
        return self.heard_by(nobody)


def interrupted(result: Any, words: str) -> uwm.Interrupted:
    """Return the error of a call that was stopped; its `result` is what was finished."""
    stop = uwm.Interrupted(f"interrupted, {words}")
    stop.result = result
    return stop
