"""Calls in several threads, a bounded number of them waiting, that can be stopped in order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from uwm.experiments.progress import Monitor

T = TypeVar("T")

LOOK_AROUND = 0.2  # seconds: Python handles Ctrl-C between two waits


def in_threads(
    calls: Iterable[Callable[[], T]],
    ended: Callable[[int, T], None],
    *,
    jobs: int,
    monitor: Monitor | None = None,
) -> bool:
    """Make the calls, `jobs` at a time; return whether they were stopped.

    A call is taken from `calls` when a thread is free, so a million of them take no memory.
    ended(k, result): called by this thread whenever a call has returned, the k-th of them.
    monitor: ends the calls once it is stopped, by Ctrl-C for instance. No further call begins then.
    Those under way see the monitor, and are waited for; what they return is handed to `ended`, too.

    Raises what a call or `ended` has raised.

    >>> found = {}
    >>> in_threads([lambda: "a", lambda: "b"], found.__setitem__, jobs=2)
    False
    >>> sorted(found.items())
    [(0, 'a'), (1, 'b')]
    """
    monitor = Monitor() if monitor is None else monitor
    left = enumerate(calls)
    pending: dict[Future[T], int] = {}

    def take(done: Iterable[Future[T]]) -> None:
        for future in sorted(done, key=lambda future: pending[future]):
            ended(pending.pop(future), future.result())

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            while not monitor.stopped:
                for k, call in itertools.islice(left, jobs - len(pending)):
                    pending[pool.submit(call)] = k
                if not pending:
                    return False
                take(wait(pending, timeout=LOOK_AROUND, return_when=FIRST_COMPLETED).done)
            take(list(pending))
        except KeyboardInterrupt:
            monitor.stop()
            take(list(pending))
        except BaseException:
            monitor.stop()
            raise
    return True
