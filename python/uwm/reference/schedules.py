"""Learning rates that change with the number of updates."""

from __future__ import annotations

import numpy as np

from uwm.checks import finite, whole_number


class Schedule:
    """A learning rate that changes: called with the number of updates made so far."""

    def __init__(self, start: float, end: float, steps: int) -> None:
        self.start = float(finite("start", start, least=0))
        self.end = float(finite("end", end, least=0))
        self.steps = whole_number("steps", steps, 1)

    def __call__(self, t: int) -> float:
        """The rate after t updates."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.start:g}, {self.end:g}, {self.steps})"


class Linear(Schedule):
    """From `start` to `end` in a straight line over `steps` updates, then constant.

    >>> [Linear(1.0, 0.0, 4)(t) for t in (0, 1, 4, 9)]
    [1.0, 0.75, 0.0, 0.0]
    """

    def __call__(self, t: int) -> float:
        if t >= self.steps:
            return self.end
        return self.start + (self.end - self.start) * (t / self.steps)


class Exponential(Schedule):
    """From `start` to `end` by equal factors over `steps` updates, then constant; both above 0.

    >>> [Exponential(1.0, 0.25, 2)(t) for t in (0, 1, 2, 9)]
    [1.0, 0.5, 0.25, 0.25]
    """

    def __init__(self, start: float, end: float, steps: int) -> None:
        super().__init__(start, end, steps)
        finite("start", start, above=0)
        finite("end", end, above=0)

    def __call__(self, t: int) -> float:
        if t >= self.steps:
            return self.end
        return float(self.start * (self.end / self.start) ** (t / self.steps))


class InverseRoot(Schedule):
    """rate / sqrt(1 + t / steps), after a rise in equal steps over the first `warm_up` updates.

    >>> fall = InverseRoot(1.0, 100, warm_up=10)
    >>> fall(0), fall(300)
    (0.1, 0.5)
    """

    def __init__(self, rate: float, steps: int, *, warm_up: int = 0) -> None:
        super().__init__(rate, rate, steps)
        finite("rate", rate, least=0)
        self.rate = self.start
        self.warm_up = whole_number("warm_up", warm_up, 0)

    def __call__(self, t: int) -> float:
        risen = (t + 1) / self.warm_up if t < self.warm_up else 1.0
        return float(risen * self.rate / np.sqrt(1.0 + t / self.steps))

    def __repr__(self) -> str:
        warm_up = f", warm_up={self.warm_up}" if self.warm_up else ""
        return f"InverseRoot({self.rate:g}, {self.steps}{warm_up})"
