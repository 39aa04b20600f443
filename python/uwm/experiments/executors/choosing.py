"""Executors by name, for the command line, settings files and Python."""

from __future__ import annotations

import sys
from concurrent.futures import Executor as FuturesExecutor
from typing import Any

from uwm.checks import one_of, shown
from uwm.experiments.build import number_of_jobs
from uwm.experiments.executor_names import NAMES
from uwm.experiments.executors.dask import Dask
from uwm.experiments.executors.executor import Executor
from uwm.experiments.executors.futures import of_futures
from uwm.experiments.executors.mpi import Mpi
from uwm.experiments.executors.processes import Processes
from uwm.experiments.executors.threads import Threads


def choose(
    spec: str | Executor | FuturesExecutor | Any | None = None,
    *,
    jobs: int | None = None,
    default: str = "threads",
) -> Executor:
    """Return an executor by its name. It starts nothing before it is used.

    spec: "threads", for work in C++; "processes", for work in Python; "dask", for Dask's workers on
    this machine; "dask=ADDRESS", for those of a scheduler, by its address or by the file in which
    it has written it; "mpi", for the ranks of an MPI job; a `distributed.Client` or an executor of
    `concurrent.futures`, which the caller closes; or what this function has returned. None takes
    `default`. jobs: how many calls at a time, by default one per core; on a scheduler's workers by
    default as many as they have threads; no matter for "mpi".

    Raises ValueError or TypeError for anything else.

    >>> choose("processes", jobs=2)
    Processes(2)
    >>> choose("thread")
    Traceback (most recent call last):
    ValueError: executor must be one of threads, ..., mpi, got 'thread' (did you mean threads?)
    """
    spec = default if spec is None else spec
    if isinstance(spec, Executor):
        return spec
    at_a_time = number_of_jobs(jobs)
    if isinstance(spec, FuturesExecutor):
        return of_futures(spec, at_a_time)
    if _is_client(spec):
        return Dask(spec, None if jobs is None else at_a_time)
    if not isinstance(spec, str):
        raise TypeError(
            f"executor must be one of {', '.join(NAMES)} or a concurrent.futures.Executor,"
            f" got {shown(spec)}"
        )
    name, _, where = spec.partition("=")
    if name == "dask" and where:
        return Dask(where, None if jobs is None else at_a_time)
    one_of("executor", spec, NAMES)
    made: dict[str, Executor] = {
        "threads": Threads(at_a_time),
        "processes": Processes(at_a_time),
        "dask": Dask(None, at_a_time),
        "mpi": Mpi(),
    }
    return made[spec]


def _is_client(spec: object) -> bool:
    """Whether this is a client of Dask, which need not be imported for the question."""
    distributed = sys.modules.get("distributed")
    return distributed is not None and isinstance(spec, distributed.Client)
