"""One peer in a process of its own: reads requests and writes answers, one JSON object per line.

{"do": "open", "hidden", "batch", "rule"} -> versions, disagreement, time of a step
{"do": "time", "seconds"} -> {"steps", "seconds"} of one measurement
{"do": "quit"}
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any


def limit_threads(threads: int) -> None:
    """Set before any numeric package is imported, for every pool that may be in the process."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    if hasattr(os, "sched_setaffinity"):  # XLA takes as many threads as it may use processors
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[:threads])


def timed(run: Callable[[int], None], steps: int) -> float:
    """Seconds that `steps` steps take."""
    start = time.perf_counter()
    run(steps)
    return time.perf_counter() - start


class Session:
    """The problem that is open, and the trainer that goes on with it."""

    def __init__(self, peer: str, threads: int) -> None:
        import peers

        self.name, self.threads = peer, threads
        self.module = peers.load(peer)
        self.trainer: Any = None
        self.step_seconds = 0.0

    def open(self, request: dict[str, Any]) -> dict[str, Any]:
        from peers.problem import Problem, disagreement, moment

        start = time.perf_counter()
        self.trainer = None
        problem = Problem(tuple(request["hidden"]), request["batch"], request["rule"])
        wrong = 0.0
        if request.get("check", True):
            import peers

            given = moment(problem)
            ours = peers.load("uwm").check(problem, given)
            wrong = disagreement(self.module.check(problem, given), ours)
        self.trainer = self.module.trainer(problem, self.threads)
        # Warm up for long enough to know how long a step takes.
        chunk = steps = self.trainer.chunk
        timed(self.trainer.run, chunk)
        seconds = timed(self.trainer.run, steps)
        while seconds < request["warm_up"]:
            steps *= 2
            seconds = timed(self.trainer.run, steps)
        self.step_seconds = seconds / steps
        return {
            "versions": self.module.versions(),
            "disagreement": wrong,
            "way": getattr(self.trainer, "way", None),
            "step_seconds": self.step_seconds,
            "opened_in": time.perf_counter() - start,
        }

    def time(self, request: dict[str, Any]) -> dict[str, Any]:
        chunk = self.trainer.chunk
        steps = max(1, round(request["seconds"] / self.step_seconds / chunk)) * chunk
        return {"steps": steps, "seconds": timed(self.trainer.run, steps)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()
    limit_threads(arguments.threads)
    answers = os.fdopen(os.dup(1), "w")  # what a package prints goes to standard error
    os.dup2(2, 1)
    session: Session | None = None
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "quit":
            break
        try:
            session = session or Session(arguments.peer, arguments.threads)
            answer = session.open(request) if request["do"] == "open" else session.time(request)
        except Exception as error:  # reported with the case, which is then left out
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
