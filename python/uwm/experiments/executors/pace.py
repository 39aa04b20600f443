"""How many quick calls are worth sending at once."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from uwm.experiments.progress import Progress

MOMENT = 0.05  # seconds that calls in one task may take together: their results come at its end
MOST = 32  # calls in one task
LATE = 64  # calls that are remembered


@dataclass(frozen=True)
class Reply:
    """What a worker says of one call of a task.

    data: what came of it, packed. event: what it told last, if that has not been sent already.
    """

    data: bytes
    seconds: float
    event: Progress | None


class Pace:
    """How long calls take.

    >>> pace = Pace()
    >>> pace.note(0.01)
    >>> pace.together
    5
    >>> pace.note(3600.0)
    >>> pace.together
    1
    """

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=LATE)
        self.together = 1  # calls that make up a task

    def note(self, seconds: float) -> None:
        """Hear how long a call has taken. The longest one of late counts."""
        self._seconds.append(seconds)
        self.together = int(min(MOST, max(1.0, MOMENT / max(1e-9, *self._seconds))))
