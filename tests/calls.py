"""Calls that the tests of executors make in other processes; those import this file alone."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from uwm.experiments.cells import Context
from uwm.experiments.progress import Progress


def double(number: int, context: Context) -> int:
    return 2 * number


def sleep(seconds: float, context: Context) -> None:
    time.sleep(seconds)


def wait_until_stopped(context: Context) -> str:
    """Tell on and on; without a way to tell, end soon."""
    for step in range(500):
        if not context.tell(Progress("waiting", 0, step, 500)):
            return "stopped"
        time.sleep(0.02)
    return "waited in vain"


def end_process(how: str, marks: Path, context: Context) -> str:
    """End the process on the first try, on each try if `how` says so."""
    with open(marks, "a") as file:
        file.write(f"{os.getpid()}\n")
    if how == "always" or len(marks.read_text().splitlines()) == 1:
        if how == "exit":
            os._exit(3)
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


def fail(context: Context) -> None:
    raise KeyError("no such thing")


class Awkward(Exception):
    """An error that pickle cannot make again."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def fail_awkwardly(context: Context) -> None:
    raise Awkward(1, 2)


def lock(context: Context) -> Any:
    return threading.Lock()


def about(context: Context) -> tuple[int, int, str]:
    return os.getpid(), context.threads, str(context.checkpoints)
