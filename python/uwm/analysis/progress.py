"""How far an enumeration or a sampling is, told to a function that may stop it."""

from __future__ import annotations

from collections.abc import Callable

from uwm._core import Interrupted
from uwm.checks import is_false

Progress = Callable[[int, int], object]


def tell(progress: Progress | None, done: int, total: int) -> None:
    """Call progress(done, total), if it is given.

    Raises `uwm.Interrupted` if it returns False before everything is done. Its `result` is None:
    statistics need the whole.

    >>> tell(lambda done, total: print(done, "of", total), 3, 4)
    3 of 4
    """
    if progress is not None and is_false(progress(done, total)) and done < total:
        stop = Interrupted(f"interrupted, {done} of {total} were done")
        stop.result = None
        raise stop
