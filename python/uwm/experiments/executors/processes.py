"""Calls in processes of this machine: for work in Python, which holds Python's lock.

Each process has a connection of its own, so that one that dies loses its own call and nothing else:
`concurrent.futures.ProcessPoolExecutor` would end all others, too, and not say whose call it was.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Iterable
from multiprocessing import connection as connections
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any

from uwm.experiments.cells import Context
from uwm.experiments.executors.executor import Executor
from uwm.experiments.executors.packing import made, packed, reply
from uwm.experiments.executors.pool import (
    Broken,
    Call,
    Happening,
    Lost,
    NotBegun,
    Pool,
    Told,
    cannot_start,
)
from uwm.experiments.progress import Monitor, Progress

FAILED_STARTS = 3  # in a row, then processes cannot be started here
LEAVE = 5.0  # seconds that an idle process has to end, with threads and processes of its own
CHECK = 1.0  # seconds between two looks at which processes live
READY, TOLD, MADE = b"r", b"t", b"m"  # first byte of what a worker says
CALL, STOP, END = b"c", b"s", b"e"  # first byte of what it is told


class Processes(Executor):
    """Makes calls in fresh processes, `jobs` at a time."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def __repr__(self) -> str:
        return f"Processes({self.jobs})"

    def pool(self, monitor: Monitor, threads: int, checkpoints: Path | None) -> Pool:
        """Return a new pool for one run."""
        return _ProcessPool(self.jobs, threads, checkpoints)


class _Worker:
    """A process, and what it is doing."""

    def __init__(self, threads: int, checkpoints: Path | None) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, threads, checkpoints))
        try:
            self.process.start()
        except BaseException:
            self.connection.close()  # ends the process, if there is one
            raise
        finally:
            theirs.close()  # or its end would not be seen
        self.ready = False
        self.k: int | None = None
        self._waiting: bytes | None = None

    def give(self, k: int, call: bytes) -> None:
        """Send a call, now or when the process is ready to read it."""
        self.k, self._waiting = k, call
        if self.ready:
            self._send()

    def _send(self) -> None:
        if self._waiting is not None:
            self.tell(CALL + self._waiting)
            self._waiting = None

    def take_back(self) -> int | None:
        """Return which call has not been sent yet; it is no longer to be sent."""
        if self._waiting is None:
            return None
        k, self.k, self._waiting = self.k, None, None
        return k

    def tell(self, message: bytes) -> None:
        """Send a message; that the process has ended is noticed elsewhere."""
        with contextlib.suppress(OSError):
            self.connection.send_bytes(message)

    def hear(self) -> Happening | None:
        """Return what the process says next; raise EOFError or OSError if it has ended."""
        message = self.connection.recv_bytes()
        sort, rest = message[:1], message[1:]
        if sort == READY:
            self.ready = True
            self._send()
            return None
        if sort == TOLD:
            return Told(pickle.loads(rest))
        assert self.k is not None
        k, self.k = self.k, None
        return reply(k, rest)

    def end(self, *, kill: bool) -> None:
        """Let the process end, or end it."""
        if kill:
            self.process.kill()
        else:
            self.tell(END)
            self.process.join(LEAVE)
            self.process.kill()
        self.process.join()
        self.connection.close()

    def reason(self) -> str:
        """Return how the process has ended."""
        code = self.process.exitcode
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return f"its process was ended by {signal.Signals(-code).name}"
        return f"its process ended with exit code {code}"


class _ProcessPool(Pool):
    def __init__(self, jobs: int, threads: int, checkpoints: Path | None) -> None:
        self._jobs, self._threads, self._checkpoints = jobs, threads, checkpoints
        self._workers: list[_Worker] = []
        self._failed_starts = 0
        self._checked = time.monotonic()
        self._happened: list[Happening] = []

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.k is not None]

    def room(self) -> bool:
        return len(self._busy()) < self._jobs

    def begin(self, k: int, call: Call) -> None:
        data = packed(call)
        for worker in self._workers:
            if worker.k is None:
                break
        else:
            worker = _Worker(self._threads, self._checkpoints)
            self._workers.append(worker)
        worker.give(k, data)

    def look(self, seconds: float) -> Iterable[Happening]:
        busy = self._busy()
        happened, self._happened = self._happened, []
        if happened:
            return happened
        speaking = connections.wait([worker.connection for worker in busy], seconds)
        # A process that has ended may leave its connection open in children of its own.
        check = time.monotonic() - self._checked > CHECK
        if check:
            self._checked = time.monotonic()
        for worker in busy:
            if worker.connection in speaking:
                happened += self._heard(worker)
            elif check and not worker.process.is_alive() and not worker.connection.poll():
                happened += self._lost(worker)
        return happened

    def _heard(self, worker: _Worker) -> list[Happening]:
        try:
            what = worker.hear()
        except (EOFError, OSError):
            return self._lost(worker)
        self._failed_starts = 0
        return [] if what is None else [what]

    def _lost(self, worker: _Worker) -> list[Happening]:
        """Take leave of a process that has ended."""
        k, ready = worker.k, worker.ready
        worker.end(kill=True)
        self._workers.remove(worker)
        if not ready:
            self._failed_starts += 1
            if self._failed_starts >= FAILED_STARTS:
                return [Broken(cannot_start(worker.reason()))]
        return [] if k is None else [Lost(k, worker.reason())]

    def stop(self) -> None:
        for worker in self._busy():
            k = worker.take_back()
            if k is None:
                worker.tell(STOP)
            else:
                self._happened.append(NotBegun(k))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.ExitStack() as if_interrupted:
            # Python waits for every process at its exit: none may be left, whatever is raised here.
            for worker in self._workers:
                if_interrupted.callback(worker.end, kill=True)
            for worker in self._workers:
                worker.end(kill=worker.k is not None)
            if_interrupted.pop_all()


def work(connection: Connection, threads: int, checkpoints: Path | None) -> None:
    """Make calls for the process at the other end of a connection, until it says that all is done.

    Ctrl-C and SIGTERM are the other process's matter, and its end is the end of this one.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    speaking = threading.Lock()
    stop = threading.Event()
    calls: SimpleQueue[bytes | None] = SimpleQueue()

    def say(sort: bytes, data: bytes = b"") -> None:
        with speaking:
            connection.send_bytes(sort + data)

    def listen(event: Progress) -> None:
        say(TOLD, pickle.dumps(event))

    hearing = threading.Thread(target=_hear, args=(connection, calls, stop), daemon=True)
    hearing.start()
    context = Context(threads, Monitor(listen, stop), checkpoints)
    say(READY)
    while (call := calls.get()) is not None:
        say(MADE, made(call, context))


def _hear(connection: Connection, calls: Any, stop: threading.Event) -> None:
    while True:
        try:
            message = connection.recv_bytes()
        except BaseException as error:  # the other process was killed, or a call is too large
            if not isinstance(error, (EOFError, OSError)):
                traceback.print_exc()
            os._exit(1)  # nobody would be heard any more, and the other process wait for ever
        if message[:1] == CALL:
            calls.put(message[1:])
        elif message[:1] == STOP:
            stop.set()
        else:
            calls.put(None)
            return
