"""Calls on the workers of a Dask scheduler: a cluster, or processes of this machine."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import logging
import math
import pickle
import threading
import time
import uuid
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

from uwm.experiments.build import available_cores
from uwm.experiments.cells import Context
from uwm.experiments.executors.executor import Executor
from uwm.experiments.executors.pace import MOMENT, Pace, Reply
from uwm.experiments.executors.packing import made, packed, reply, shared
from uwm.experiments.executors.pool import (
    Broken,
    Call,
    Ended,
    Happening,
    Lost,
    NotBegun,
    Pool,
    Raised,
    Told,
    cannot_start,
)
from uwm.experiments.progress import Monitor, Progress, WaitingWarning
from uwm.experiments.stopping import ctrl_c_noted

AHEAD = 64  # tasks, at least, that the scheduler holds: a cluster that adapts grows by them
FIRST, SHORTEST = 0.2, 1.0  # seconds before the first message of a task, and between two
LOOK = 2.0  # seconds between two looks at the workers
PATIENCE = 10.0  # seconds without workers that are nothing to talk about
ANSWER = 10.0  # seconds in which a scheduler must answer


class Dask(Executor):
    """Makes calls on Dask's workers.

    where: the address of a scheduler or the file in which it has written it; a
    `distributed.Client`, which is left open; None for `jobs` processes of this machine, which end
    with the run. jobs: how many calls at most the scheduler holds; None for twice its threads. A
    call has one thread on other machines: a worker has as many at a time as it has threads itself.
    Quick calls go to a worker several at a time, in one task: a task costs Dask some milliseconds.
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
            return _DaskPool(client, most, threads, checkpoints, opened)


def _client(where: Any, jobs: int | None, opened: contextlib.ExitStack) -> Any:
    """Return a client; what is opened for it is closed with `opened`."""
    try:
        importlib.import_module("distributed")
    except ImportError as error:
        raise ImportError("the executor dask needs distributed: pip install 'uwm[dask]'") from error
    if where is None:
        with ctrl_c_noted() as asked:  # a cluster that is still starting cannot be closed
            cluster = opened.enter_context(_own_cluster(jobs))
        if asked.stop:
            raise KeyboardInterrupt
        return opened.enter_context(_connected(cluster))
    if not isinstance(where, str):
        return where
    for logger in ("distributed.client", "distributed.batched"):
        opened.enter_context(_silent(logger))
    try:
        address = _address_in(Path(where)) if where.endswith(".json") else where
        client = _connected(address, timeout=ANSWER)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ConnectionError(
            f"executor must name a Dask scheduler that answers, got dask={where}: {error}"
        ) from error
    return opened.enter_context(client)


def _connected(to: Any, **options: Any) -> Any:
    """Return a client of a cluster or of the scheduler at an address.

    One that cannot connect is closed at once. Closing takes the lock of Dask's event loops: left to
    the garbage collector, it may happen in a thread that holds this lock and then waits for ever.
    """
    distributed: Any = importlib.import_module("distributed")
    client = distributed.Client.__new__(distributed.Client)
    try:
        client.__init__(to, set_as_default=False, **options)
    except BaseException:
        client.close()
        raise
    return client


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
                # Dask serves its state even so: on a free port, or two runs at once would warn.
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
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
        self._client, self._jobs = client, jobs
        self._run = f"uwm-{uuid.uuid4().hex}"
        self._make = partial(make_there, run=self._run, threads=threads, checkpoints=checkpoints)
        self._calls: dict[int, bytes] = {}  # all that have not ended yet
        self._new: list[int] = []  # of these, those that are to be sent
        self._alone: list[int] = []  # those that are to be sent again, each in a task of its own
        self._tasks: dict[int, _Task] = {}  # under way
        self._sent = 0
        self._pace = Pace()
        self._done: SimpleQueue[int | Told] = SimpleQueue()
        self._stopping = False
        self._next_look = 0.0
        self._most = AHEAD if jobs is None else jobs
        self._lonely_since: float | None = None
        with _answers():
            client.subscribe_topic(self._run, self._told)
        self._opened = opened.pop_all()  # last: what raises before leaves the closing to `opened`

    def _told(self, event: tuple[float, Any]) -> None:
        self._done.put(Told(Progress(*event[1])))

    def room(self) -> bool:
        self._look_at_workers()
        return len(self._calls) < self._most * self._pace.together

    @_answers()
    def _look_at_workers(self) -> None:
        """See how many workers there are, and that all know of a stop: some may be new."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK
        if self._stopping:
            self._client.run(stop_there, self._run, on_error="return")
            begun = {key for keys in self._client.processing().values() for key in keys}
            waiting = [t.future for t in self._tasks.values() if t.future.key not in begun]
            self._client.cancel(waiting, force=True)
            return
        threads = sum(self._client.nthreads().values())
        self._most = max(AHEAD, 2 * threads) if self._jobs is None else self._jobs
        self._say_if_lonely(threads)

    def _say_if_lonely(self, threads: int) -> None:
        """Warn, once, if there are calls and has been no worker for a while."""
        now = time.monotonic()
        if threads or not self._calls:
            self._lonely_since = None
        elif self._lonely_since is None:
            self._lonely_since = now
        elif now - self._lonely_since > PATIENCE:
            self._lonely_since = math.inf
            warnings.warn(
                "the Dask scheduler has no workers: waiting for some", WaitingWarning, stacklevel=2
            )

    def begin(self, k: int, call: Call) -> None:
        self._calls[k] = packed(call)
        self._new.append(k)

    def _send(self) -> None:
        """Submit the calls taken since the last time, all at once: for Dask that is much less."""
        n = self._pace.together
        parts = [self._new[at : at + n] for at in range(0, len(self._new), n)]
        parts += [[k] for k in self._alone]
        if not parts:
            return
        keys = [f"{self._run}-{self._sent + each}" for each in range(len(parts))]
        data = [pickle.dumps([self._calls[k] for k in part]) for part in parts]
        for part, future in zip(parts, self._client.map(self._make, data, key=keys), strict=True):
            self._tasks[self._sent] = _Task(future, part)
            future.add_done_callback(partial(self._note, self._sent))
            self._sent += 1
        self._new, self._alone = [], []

    def _note(self, task: int, future: Any) -> None:
        self._done.put(task)

    @_answers()
    def look(self, seconds: float) -> Iterable[Happening]:
        if self._client.status == "closed":  # its futures stay as they were
            raise _gone("the connection was lost")
        happened: list[Happening] = []
        if self._stopping:
            self._look_at_workers()
            happened += [NotBegun(k) for k in (*self._new, *self._alone)]
            self._new, self._alone = [], []
        self._send()
        done: list[int] = []
        with contextlib.suppress(Empty):
            what = self._done.get(timeout=0 if happened else seconds)
            while True:
                if isinstance(what, Told):
                    happened.append(what)
                else:
                    done.append(what)
                what = self._done.get_nowait()
        happened += self._results([self._tasks.pop(task) for task in done])
        for each in happened:
            if isinstance(each, (Ended, Raised, Lost, NotBegun)):
                del self._calls[each.k]
        return happened

    def _results(self, tasks: list[_Task]) -> list[Happening]:
        """Fetch what tasks have returned, all at once."""
        well = [task for task in tasks if task.future.status == "finished"]
        others = [task for task in tasks if task.future.status != "finished"]
        data = self._client.gather([task.future for task in well], errors="skip")
        if len(data) < len(well):  # a worker has ended before its result was fetched
            well, others, data = [], tasks, []
        made = zip(well, data, strict=True)
        happened = [each for task, replies in made for each in self._replies(task, replies)]
        return happened + [each for task in others for each in self._result(task)]

    def _result(self, task: _Task) -> list[Happening]:
        from distributed import CancelledError, KilledWorker

        try:
            return self._replies(task, task.future.result())
        except CancelledError as error:
            if self._stopping:
                return [NotBegun(k) for k in task.calls]
            return [Broken(_gone(error))]
        except Exception as error:
            if len(task.calls) > 1:  # it is the matter of one of them, nobody knows of which
                self._alone += task.calls
                return []
            (k,) = task.calls
            if isinstance(error, KilledWorker):
                return [Lost(k, f"on the worker {error.last_worker.address}")]
            return [Raised(k, error)]

    def _replies(self, task: _Task, data: bytes) -> list[Happening]:
        """Return what came of the calls of a task; those that it has not begun are sent again."""
        replies: list[Reply] = pickle.loads(data)
        happened: list[Happening] = []
        for k, each in zip(task.calls, replies, strict=False):
            self._pace.note(each.seconds)
            if each.event is not None:
                happened.append(Told(each.event))
            happened.append(reply(k, each.data))
        self._alone += task.calls[len(replies) :]
        return happened

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
            if self._tasks:
                self._client.cancel([t.future for t in self._tasks.values()], force=True)
            self._client.unsubscribe_topic(self._run)


@dataclass(frozen=True, eq=False)
class _Task:
    """What Dask makes as one: some calls, by number."""

    future: Any
    calls: list[int]


_stops: dict[str, threading.Event] = {}  # on a worker: which runs are to stop


def stop_there(run: str) -> None:
    """On a worker: stop the calls of a run."""
    _stops.setdefault(run, threading.Event()).set()


def make_there(data: bytes, run: str, threads: int, checkpoints: Path | None) -> bytes:
    """On a worker: make the packed calls of a task; return a Reply for each that was made, packed.

    After a slow call, or a stop, the others are left.
    """
    from distributed import get_worker

    worker: Any = get_worker()
    stop = _stops.setdefault(run, threading.Event())
    started = time.monotonic()
    said = started + FIRST - SHORTEST
    untold: Progress | None = None

    def listen(event: Progress) -> None:
        nonlocal said, untold
        now, untold = time.monotonic(), event
        if now - said >= SHORTEST:
            said, untold = now, None
            worker.log_event(run, dataclasses.astuple(event))

    context = Context(threads, Monitor(listen, stop), shared(checkpoints))
    replies: list[Reply] = []
    for call in pickle.loads(data):
        untold, begun = None, time.monotonic()
        result = made(call, context)
        now = time.monotonic()
        replies.append(Reply(result, now - begun, untold))
        if now - started > MOMENT or stop.is_set():
            break
    return pickle.dumps(replies)
