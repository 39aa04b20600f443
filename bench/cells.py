"""What an executor costs: the time of a cell that does nothing, on threads, processes and Dask.

python bench/cells.py [--cells 10000] [--jobs 2] prints a line for each executor.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

from uwm.experiments.cells import Cell, Context, Found
from uwm.experiments.executors import choose
from uwm.experiments.progress import Monitor

EXECUTORS = ("threads", "processes", "dask")


def nothing(context: Context) -> Found:
    return Found(result={"mean_reward": 0.0})


def cells(number: int) -> Iterator[Cell]:
    return (Cell("run", {"seed": seed}, nothing) for seed in range(number))


def milliseconds(executor: str, number: int, jobs: int) -> float:
    """Return the time of a cell. The first, which waits for processes to start, is not counted."""
    ends: list[float] = []
    choose(executor, jobs=jobs).run(
        cells(number), lambda k, row: ends.append(time.perf_counter()), monitor=Monitor()
    )
    return 1e3 * (ends[-1] - ends[0]) / (number - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--executors", default=",".join(EXECUTORS))
    args = parser.parse_args()
    for executor in args.executors.split(","):
        spent = milliseconds(executor, args.cells, args.jobs)
        print(f"{executor:10} {spent:7.3f} ms a cell", flush=True)


if __name__ == "__main__":
    main()
