"""What it costs to open a store and draw it: `uwm plot` of many runs, all their curves included.

python bench/store.py [--cells 10000] writes such a store into a temporary folder and draws it three
times, each time in a new process. It prints the seconds, and the seconds of processor time.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import numpy as np

from uwm.experiments.build import choose_task
from uwm.experiments.cells import Found, Row, made_here
from uwm.experiments.runs import Request
from uwm.experiments.settings import Settings
from uwm.experiments.store import Store

POINTS, WINDOW = 200, 100  # of a curve, and episodes of a point: a mean of rewards of -1 and +1


def rows(number: int) -> Iterator[Row]:
    """Yield the rows of runs whose curves are drawn at random."""
    settings, random = Settings(), np.random.default_rng(0)
    task, rules = choose_task(settings), settings.rule_names
    episodes = (WINDOW * np.arange(1, POINTS + 1)).tolist()
    for k in range(number):
        cell = Request(settings, task, rules[k % len(rules)], k // len(rules)).cell
        rewards = 2 * random.binomial(WINDOW, 0.75, POINTS) / WINDOW - 1
        result = {
            "mean_reward": rewards.mean().item(),
            "final_reward": rewards[-POINTS // 10 :].mean().item(),
            "rewards": rewards.tolist(),
            "episodes": episodes,
        }
        yield cell.row(Found(result=result), made_here(1.0))


def drawn(folder: str) -> tuple[float, float]:
    """Draw the store once; return the seconds and those of processor time."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "uwm", "plot", folder]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=10_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with Store(folder) as store:
            store.add(rows(args.cells))
        for _ in range(3):
            print("{:.2f} s, {:.2f} s of processor time".format(*drawn(folder)), flush=True)


if __name__ == "__main__":
    main()
