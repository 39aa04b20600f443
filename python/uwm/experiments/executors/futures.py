"""Calls in an executor of `concurrent.futures` that the user has, on whatever it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor as FuturesExecutor,
    Future,
    ThreadPoolExecutor,
)
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType

from uwm.experiments.cells import Context
from uwm.experiments.executors.executor import Executor
from uwm.experiments.executors.packing import made, packed, reply, shared
from uwm.experiments.executors.pool import (
    Broken,
    Call,
    Happening,
    NotBegun,
    Pool,
    Raised,
    cancelled,
)
from uwm.experiments.executors.threads import Threads
from uwm.experiments.progress import Monitor


class Futures(Executor):
    """Makes calls in an executor that is there already, `jobs` at a time; it is not shut down.

    The calls cannot tell how far they are, nor be stopped once they have begun.
    """

    def __init__(self, executor: FuturesExecutor, jobs: int) -> None:
        self.executor, self.jobs = executor, jobs

    def __repr__(self) -> str:
        return f"Futures({self.executor!r}, {self.jobs})"

    def pool(self, monitor: Monitor, threads: int, checkpoints: Path | None) -> Pool:
        """Return a new pool for one run."""
        make = partial(make_there, threads=threads, checkpoints=checkpoints)
        return FuturesPool(self.executor, self.jobs, make)


def of_futures(executor: FuturesExecutor, jobs: int) -> Executor:
    """Return what makes calls in an executor of `concurrent.futures`."""
    if isinstance(executor, ThreadPoolExecutor):
        return Threads(jobs, executor)
    return Futures(executor, jobs)


def make_there(data: bytes, threads: int, checkpoints: Path | None) -> bytes:
    """Make a packed call, in the process that this is run in; see `packing.made`."""
    return made(data, Context(threads, Monitor(), shared(checkpoints)))


class FuturesPool(Pool):
    """A pool of what `submit` of an executor returns, so many at a time.

    make: makes a packed call there, and returns what came of it, packed.
    """

    def __init__(
        self, executor: FuturesExecutor, ahead: int, make: Callable[[bytes], bytes]
    ) -> None:
        self._executor, self._ahead, self._make = executor, ahead, make
        self._under_way: dict[int, Future[bytes]] = {}
        self._done: SimpleQueue[int] = SimpleQueue()
        self._stopping = False

    def room(self) -> bool:
        return len(self._under_way) < self._ahead

    def begin(self, k: int, call: Call) -> None:
        future = self._executor.submit(self._make, packed(call))
        self._under_way[k] = future
        future.add_done_callback(partial(self._note, k))

    def _note(self, k: int, future: Future[bytes]) -> None:
        self._done.put(k)

    def look(self, seconds: float) -> Iterable[Happening]:
        try:
            k = self._done.get(timeout=seconds)
        except Empty:
            return []
        try:
            return [reply(k, self._under_way.pop(k).result())]
        except CancelledError:
            return [NotBegun(k) if self._stopping else Raised(k, cancelled())]
        except BrokenExecutor as error:
            return [Broken(error)]
        except Exception as error:
            return [Raised(k, error)]

    def stop(self) -> None:
        self._stopping = True
        for future in self._under_way.values():
            future.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
