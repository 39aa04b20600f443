"""How a long call tells how far it is, and hands over what it has when Ctrl-C stops it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import uwm


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


Listener = Callable[[Progress], object]


def nobody(event: Progress) -> None:
    """Listen to nothing."""


def interrupted(result: Any, words: str) -> uwm.Interrupted:
    """Return the error of a call that Ctrl-C has stopped; its `result` is what was finished."""
    stop: Any = uwm.Interrupted(f"interrupted, {words}")
    stop.result = result
    made: uwm.Interrupted = stop
    return made
