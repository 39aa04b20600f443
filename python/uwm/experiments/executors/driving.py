"""The loop that all executors share: it feeds a pool with calls and hands on what they return."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from uwm.experiments.executors.pool import (
    Broken,
    Call,
    Ended,
    Happening,
    ListenerRaised,
    Lost,
    NotBegun,
    Pool,
    Raised,
    Told,
    Unsendable,
    WorkerLost,
)
from uwm.experiments.progress import Monitor
from uwm.experiments.stopping import Asked, ctrl_c_noted

LOOK_AROUND = 0.2  # seconds: Ctrl-C and the monitor are looked at between two waits
TRIES = 3  # processes that a call may outlive

EndedFunction = Callable[[int, Any], None]
FailedFunction = Callable[[int, BaseException], None]


def drive(
    pool: Pool,
    calls: Iterable[Call],
    ended: EndedFunction,
    failed: FailedFunction | None,
    monitor: Monitor,
) -> bool:
    """Make the calls in a pool; return whether they were stopped. See `Executor.run`."""
    with ctrl_c_noted() as asked, pool:
        return _Drive(pool, calls, ended, failed, monitor).run(asked)


class _Drive:
    """Calls under way."""

    def __init__(
        self,
        pool: Pool,
        calls: Iterable[Call],
        ended: EndedFunction,
        failed: FailedFunction | None,
        monitor: Monitor,
    ) -> None:
        self._pool, self._ended, self._failed, self._monitor = pool, ended, failed, monitor
        self._left = enumerate(calls)
        self._exhausted = False
        self._again: deque[tuple[int, Call]] = deque()  # lost with a process
        self._losses: dict[int, int] = {}
        self._under_way: dict[int, Call] = {}
        self._heard: deque[Happening] = deque()
        self._error: BaseException | None = None
        self._pool_stopped = False

    def run(self, asked: Asked) -> bool:
        """Make all calls. The first error is raised when those under way have ended."""
        interrupted = False
        while True:
            try:
                if asked.stop:
                    self._monitor.stop()
                if self._turn():
                    break
            except KeyboardInterrupt:  # raised by `ended`, the listener, or a second Ctrl-C
                if interrupted or asked.stop:
                    raise
                interrupted = True
                self._monitor.stop()
            except BaseException as error:
                self._give_up(error)
        if self._error is not None:
            raise self._error
        return self._monitor.stopped

    def _turn(self) -> bool:
        """Hand over calls and hear what has happened; return whether nothing is left to do."""
        if self._monitor.stopped:
            if not self._pool_stopped:
                self._pool_stopped = True
                self._pool.stop()
        else:
            self._feed()
        if not self._under_way and not self._heard:
            return self._monitor.stopped or (self._exhausted and not self._again)
        if not self._heard:
            self._look()
        while self._heard:
            self._hear(self._heard.popleft())
        return False

    def _look(self) -> None:
        try:
            self._heard.extend(self._pool.look(LOOK_AROUND))
        except Exception:
            self._under_way.clear()  # a pool that cannot look hears of no call any more
            raise

    def _feed(self) -> None:
        while self._pool.room():
            if self._again:
                k, call = self._again.popleft()
            else:
                try:
                    k, call = next(self._left)
                except StopIteration:
                    self._exhausted = True
                    return
            try:
                self._pool.begin(k, call)
            except Unsendable as error:
                self._heard.append(Raised(k, error))
                return
            self._under_way[k] = call

    def _hear(self, what: Happening) -> None:
        if isinstance(what, Told):
            self._monitor.tell(what.event)
            return
        if isinstance(what, ListenerRaised):
            self._give_up(what.error)
            return
        if isinstance(what, Broken):
            self._under_way.clear()
            raise what.error
        call = self._under_way.pop(what.k, None)
        if isinstance(what, Ended):
            self._ended(what.k, what.result)
        elif isinstance(what, Raised):
            self._fail(what.k, what.error)
        elif isinstance(what, Lost) and call is not None:
            self._lose(what, call)
        else:
            assert isinstance(what, NotBegun)

    def _lose(self, what: Lost, call: Call) -> None:
        losses = self._losses[what.k] = self._losses.get(what.k, 0) + 1
        if losses < TRIES:
            self._again.append((what.k, call))
            return
        self._fail(what.k, WorkerLost(f"lost {losses} times, the last time {what.reason}"))

    def _fail(self, k: int, error: BaseException) -> None:
        if self._failed is None or isinstance(error, KeyboardInterrupt):
            self._give_up(error)
        else:
            self._failed(k, error)

    def _give_up(self, error: BaseException) -> None:
        """Stop, because of an error in a call or listener; their Ctrl-C is no error."""
        if not isinstance(error, KeyboardInterrupt):
            self._error = self._error or error
        self._monitor.stop()
