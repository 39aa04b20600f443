"""Calls on the workers of a Dask scheduler: a cluster, or processes of this machine."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import logging
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

from uwm.experiments.build import available_cores
from uwm.experiments.cells import Context
from uwm.experiments.executors.executor import Executor
from uwm.experiments.executors.packing import made, packed, reply, shared
from uwm.experiments.executors.pool import (
    Broken,
    Call,
    Happening,
    Lost,
    NotBegun,
    Pool,
    Raised,
    Told,
    cannot_start,
)
from uwm.experiments.progress import Monitor, Progress

AHEAD = 64  # calls, at least, that the scheduler holds: a cluster that adapts grows by them
SHORTEST = 1.0  # seconds between two messages of a call
LOOK = 2.0  # seconds between two looks at the workers
ANSWER = 10.0  # seconds in which a scheduler must answer


class Dask(Executor):
    """Makes calls on Dask's workers.

    where: the address of a scheduler or the file in which it has written it; a
    `distributed.Client`, which is left open; None for `jobs` processes of this machine, which end
    with the run. jobs: how many calls at most the scheduler holds; None for twice its threads. A
    call has one thread on other machines: a worker has as many at a time as it has threads itself.
    """

    def __init__(self, where: Any = None, jobs: int | None = None) -> None:
        self.where, self.jobs = where, jobs

    def __repr__(self) -> str:
        return f"Dask({self.where!r}, {self.jobs})"

    def pool(self, monitor: Monitor, threads: int, checkpoints: Path | None) -> Pool:
        """Return a new pool for one run.

        Raises ImportError without Dask, ConnectionError if no scheduler answers.
        """
        with contextlib.ExitStack() as opened:
            client = _client(self.where, self.jobs, opened)
            threads = threads if self.where is None else 1
            most = None if self.where is None else self.jobs
            pool = _DaskPool(client, most, threads, checkpoints, opened.pop_all())
        return pool


def _client(where: Any, jobs: int | None, opened: contextlib.ExitStack) -> Any:
    """Return a client; what is opened for it is closed with `opened`."""
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError as error:
        raise ImportError("the executor dask needs distributed: pip install 'uwm[dask]'") from error
    if where is None:
        cluster = opened.enter_context(_own_cluster(jobs))
        return opened.enter_context(distributed.Client(cluster, set_as_default=False))
    if not isinstance(where, str):
        return where
    for logger in ("distributed.client", "distributed.batched"):
        opened.enter_context(_silent(logger))
    try:
        address = _address_in(Path(where)) if where.endswith(".json") else where
        client = distributed.Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ConnectionError(
            f"executor must name a Dask scheduler that answers, got dask={where}: {error}"
        ) from error
    return opened.enter_context(client)


def _address_in(path: Path) -> str:
    """Return the address that a scheduler writes into a file when it has started."""
    for _ in range(round(ANSWER / LOOK)):
        if path.exists():
            break
        time.sleep(LOOK)
    return str(json.loads(path.read_text())["address"])


@contextlib.contextmanager
def _silent(logger: str) -> Iterator[None]:
    """Let a logger say nothing of errors that are raised, too."""
    log = logging.getLogger(logger)
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def _own_cluster(jobs: int | None) -> Any:
    """Return a scheduler, in this process, and its workers, a process each.

    A worker holds the call that it makes and no other, so that one that dies loses nothing else,
    and it is known at once which call has ended it.
    """
    dask: Any = importlib.import_module("dask")
    distributed: Any = importlib.import_module("distributed")
    settings = {
        "distributed.scheduler.allowed-failures": 0,
        "distributed.scheduler.worker-saturation": 1.0,
    }
    try:
        with dask.config.set(settings):
            return distributed.LocalCluster(
                n_workers=available_cores() if jobs is None else jobs,
                threads_per_worker=1,
                dashboard_address=None,
                memory_limit=0,
                silence_logs=logging.CRITICAL,
            )
    except RuntimeError as error:
        raise cannot_start(error) from error


@contextlib.contextmanager
def _answers() -> Iterator[None]:
    """Let a scheduler that does not answer be a ConnectionError."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) or type(error).__name__ == "ClosedClientError":
            raise _gone(error) from error
        raise


def _gone(reason: object) -> ConnectionError:
    return ConnectionError(f"the Dask scheduler no longer answers: {reason}")


class _DaskPool(Pool):
    def __init__(
        self,
        client: Any,
        jobs: int | None,
        threads: int,
        checkpoints: Path | None,
        opened: contextlib.ExitStack,
    ) -> None:
        self._client, self._jobs, self._opened = client, jobs, opened
        self._run = f"uwm-{uuid.uuid4().hex}"
        self._sent = 0
        self._make = partial(make_there, run=self._run, threads=threads, checkpoints=checkpoints)
        self._new: dict[int, bytes] = {}
        self._under_way: dict[int, Any] = {}
        self._done: SimpleQueue[int | Told] = SimpleQueue()
        self._stopping = False
        self._next_look = 0.0
        self._ahead = AHEAD
        client.subscribe_topic(self._run, self._told)

    def _told(self, event: tuple[float, Any]) -> None:
        self._done.put(Told(Progress(*event[1])))

    def room(self) -> bool:
        self._look_at_workers()
        return len(self._under_way) + len(self._new) < self._ahead

    @_answers()
    def _look_at_workers(self) -> None:
        """See how many workers there are, and that all know of a stop: some may be new."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK
        if self._stopping:
            self._client.run(stop_there, self._run, on_error="return")
            begun = {key for keys in self._client.processing().values() for key in keys}
            waiting = [f for f in self._under_way.values() if f.key not in begun]
            self._client.cancel(waiting, force=True)
        elif self._jobs is None:
            self._ahead = max(AHEAD, 2 * sum(self._client.nthreads().values()))
        else:
            self._ahead = self._jobs

    def begin(self, k: int, call: Call) -> None:
        self._new[k] = packed(call)

    def _send(self) -> None:
        """Submit the calls taken since the last time, all at once: for Dask that is much less."""
        if not self._new:
            return
        keys = [f"{self._run}-{self._sent + n}" for n in range(len(self._new))]
        self._sent += len(keys)
        futures = self._client.map(self._make, list(self._new.values()), key=keys)
        for k, future in zip(self._new, futures, strict=True):
            self._under_way[k] = future
            future.add_done_callback(partial(self._note, k))
        self._new.clear()

    def _note(self, k: int, future: Any) -> None:
        self._done.put(k)

    @_answers()
    def look(self, seconds: float) -> Iterable[Happening]:
        if self._client.status == "closed":  # its futures stay as they were
            raise _gone("the connection was lost")
        if self._stopping:
            self._look_at_workers()
        self._send()
        happened: list[Happening] = []
        done: list[int] = []
        with contextlib.suppress(Empty):
            what = self._done.get(timeout=seconds)
            while True:
                if isinstance(what, Told):
                    happened.append(what)
                else:
                    done.append(what)
                what = self._done.get_nowait()
        return happened + self._results(done)

    def _results(self, done: list[int]) -> list[Happening]:
        """Fetch what calls have returned, all at once."""
        futures = {k: self._under_way.pop(k) for k in done}
        well = [k for k, future in futures.items() if future.status == "finished"]
        data = self._client.gather([futures[k] for k in well], errors="skip")
        if len(data) < len(well):  # a worker has ended before its result was fetched
            return [self._result(k, future) for k, future in futures.items()]
        happened = [reply(k, each) for k, each in zip(well, data, strict=True)]
        return happened + [self._result(k, futures[k]) for k in futures if k not in well]

    def _result(self, k: int, future: Any) -> Happening:
        from distributed import CancelledError, KilledWorker

        try:
            return reply(k, future.result())
        except KilledWorker as error:
            return Lost(k, f"on the worker {error.last_worker.address}")
        except CancelledError as error:
            return NotBegun(k) if self._stopping else Broken(_gone(error))
        except Exception as error:
            return Raised(k, error)

    def stop(self) -> None:
        self._stopping = True
        self._next_look = 0.0

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._opened:
            if self._client.status != "running":
                return
            if self._under_way:
                self._client.cancel(list(self._under_way.values()), force=True)
            self._client.unsubscribe_topic(self._run)


_stops: dict[str, threading.Event] = {}  # on a worker: which runs are to stop


def stop_there(run: str) -> None:
    """On a worker: stop the calls of a run."""
    _stops.setdefault(run, threading.Event()).set()


def make_there(data: bytes, run: str, threads: int, checkpoints: Path | None) -> bytes:
    """On a worker: make a packed call; see `packing.made`."""
    from distributed import get_worker

    worker: Any = get_worker()
    last = -SHORTEST

    def listen(event: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= SHORTEST:
            last = now
            worker.log_event(run, dataclasses.astuple(event))

    monitor = Monitor(listen, _stops.setdefault(run, threading.Event()))
    return made(data, Context(threads, monitor, shared(checkpoints)))
