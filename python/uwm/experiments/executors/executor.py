"""What every executor offers: to run calls, several at a time, until they are done or stopped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from uwm.experiments.cells import Context
from uwm.experiments.executors.driving import drive
from uwm.experiments.executors.pool import Pool
from uwm.experiments.progress import Monitor

T = TypeVar("T")


class Executor(ABC):
    """Makes calls, in threads, processes or on other machines.

    in_processes: whether calls and results are pickled, because they go to other processes.
    """

    in_processes: bool = True

    def run(
        self,
        calls: Iterable[Callable[[Context], T]],
        ended: Callable[[int, T], None],
        *,
        monitor: Monitor,
        failed: Callable[[int, BaseException], None] | None = None,
        threads: int = 1,
        checkpoints: Path | None = None,
    ) -> bool:
        """Make the calls, several at a time; return whether they were stopped.

        A call is taken from `calls` when there is room for it, so a million of them take no memory.
        ended(k, result): called by this thread whenever a call has returned, the k-th of them.
        failed(k, error): called likewise when a call has raised an error, cannot be sent to another
        process, or was lost three times with the process that made it; the other calls go on.
        Without `failed` the first such error ends the calls.
        monitor: hears what the calls tell, and ends them once it is stopped, by Ctrl-C for
        instance. No further call begins then. Those under way see the monitor and are waited for,
        what they return is handed to `ended`, too. A second Ctrl-C does not wait.
        threads, checkpoints: what each call's context says.

        Raises what `calls`, `ended`, `failed` or the monitor's listener has raised, when the calls
        under way have ended.
        """
        if checkpoints is not None:
            checkpoints = checkpoints.absolute()  # other processes may be in other folders
        return drive(self.pool(monitor, threads, checkpoints), calls, ended, failed, monitor)

    @abstractmethod
    def pool(self, monitor: Monitor, threads: int, checkpoints: Path | None) -> Pool:
        """Return a new pool for one run."""
