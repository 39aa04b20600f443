"""Executors: where the calls of an experiment are made, from threads of this process to a cluster.

>>> from functools import partial
>>> from uwm.experiments.cells import Context
>>> from uwm.experiments.progress import Monitor
>>> def double(number: int, context: Context) -> int:
...     return 2 * number
>>> found: dict[int, int] = {}
>>> calls = (partial(double, number) for number in (1, 2, 3))
>>> choose("threads", jobs=2).run(calls, found.__setitem__, monitor=Monitor())
False
>>> sorted(found.items())
[(0, 2), (1, 4), (2, 6)]
"""

from uwm.experiments.executor_names import NAMES
from uwm.experiments.executors.choosing import choose
from uwm.experiments.executors.executor import Executor
from uwm.experiments.executors.pool import WorkerLost

__all__ = ["NAMES", "Executor", "WorkerLost", "choose"]
