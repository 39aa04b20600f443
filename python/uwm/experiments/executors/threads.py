"""Calls in threads of this process: for work in C++, which lets go of Python's lock."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType

from uwm.experiments.cells import Context
from uwm.experiments.executors.executor import Executor
from uwm.experiments.executors.pool import (
    Call,
    Ended,
    Happening,
    ListenerRaised,
    NotBegun,
    Pool,
    Raised,
    cancelled,
)
from uwm.experiments.progress import Monitor, Progress


class Threads(Executor):
    """Makes calls in threads, `jobs` at a time; in those of a given executor, if there is one."""

    in_processes = False

    def __init__(self, jobs: int, executor: ThreadPoolExecutor | None = None) -> None:
        self.jobs, self._executor = jobs, executor

    def __repr__(self) -> str:
        return f"Threads({self.jobs})"

    def pool(self, monitor: Monitor, threads: int, checkpoints: Path | None) -> Pool:
        """Return a new pool for one run."""
        return _ThreadPool(self.jobs, self._executor, Context(threads, monitor, checkpoints))


class _ThreadPool(Pool):
    def __init__(self, jobs: int, executor: ThreadPoolExecutor | None, context: Context) -> None:
        self._jobs, self._monitor = jobs, context.monitor
        self._context = dataclasses.replace(context, monitor=self._monitor.heard_by(self._listen))
        self._happened: SimpleQueue[Happening] = SimpleQueue()
        self._own = executor is None
        self._pool = ThreadPoolExecutor(max_workers=jobs) if executor is None else executor
        self._under_way = 0

    def _listen(self, event: Progress) -> bool:
        """Tell the monitor; an error of its listener is no error of the call."""
        try:
            return self._monitor.tell(event)
        except BaseException as error:
            self._happened.put(ListenerRaised(error))
            self._monitor.stop()
            return False

    def room(self) -> bool:
        return self._under_way < self._jobs

    def begin(self, k: int, call: Call) -> None:
        future = self._pool.submit(self._make, k, call)
        self._under_way += 1
        future.add_done_callback(partial(self._note, k))

    def _note(self, k: int, future: Future[None]) -> None:
        """Note a call that is not made any more: somebody has shut down a given executor."""
        if future.cancelled():
            stopped = self._monitor.stopped
            self._happened.put(NotBegun(k) if stopped else Raised(k, cancelled()))

    def _make(self, k: int, call: Call) -> None:
        try:
            self._happened.put(Ended(k, call(self._context)))
        except BaseException as error:
            self._happened.put(Raised(k, error))

    def look(self, seconds: float) -> Iterable[Happening]:
        try:
            what = self._happened.get(timeout=seconds)
        except Empty:
            return []
        if not isinstance(what, ListenerRaised):
            self._under_way -= 1
        return [what]

    def stop(self) -> None:
        """The calls see the monitor themselves."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._own:
            # Calls under way end by themselves; a second Ctrl-C does not wait for that.
            self._pool.shutdown(wait=kind is None or not issubclass(kind, KeyboardInterrupt))
