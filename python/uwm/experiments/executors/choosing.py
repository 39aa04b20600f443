"""Executors by name, for the command line, settings files and Python."""

from __future__ import annotations

from concurrent.futures import Executor as FuturesExecutor

from uwm.checks import one_of, shown
from uwm.experiments.build import number_of_jobs
from uwm.experiments.executors.executor import Executor
from uwm.experiments.executors.futures import of_futures
from uwm.experiments.executors.processes import Processes
from uwm.experiments.executors.threads import Threads

NAMES = ("threads", "processes")


def choose(
    spec: str | Executor | FuturesExecutor | None = None,
    *,
    jobs: int | None = None,
    default: str = "threads",
) -> Executor:
    """Return an executor by its name.

    spec: "threads", for work in C++; "processes", for work in Python; an executor of
    `concurrent.futures`, which the caller shuts down; or what this function has returned. None
    takes `default`. jobs: how many calls at a time, by default one per core.

    Raises ValueError or TypeError for anything else.

    >>> choose("processes", jobs=2)
    Processes(2)
    >>> choose("thread")
    Traceback (most recent call last):
    ValueError: executor must be one of threads, processes, got 'thread' (did you mean threads?)
    """
    spec = default if spec is None else spec
    if isinstance(spec, Executor):
        return spec
    at_a_time = number_of_jobs(jobs)
    if isinstance(spec, FuturesExecutor):
        return of_futures(spec, at_a_time)
    if not isinstance(spec, str):
        raise TypeError(
            f"executor must be one of {', '.join(NAMES)} or a concurrent.futures.Executor,"
            f" got {shown(spec)}"
        )
    one_of("executor", spec, NAMES)
    return Processes(at_a_time) if spec == "processes" else Threads(at_a_time)
