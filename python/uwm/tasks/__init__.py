"""Tasks: where inputs come from and what an action earns.

`Multiplexer` and `Bandit` run inside the engine; `Task` is the base class of tasks in Python.
`digits` and `from_file` build a `Classification`: a `Bandit` that also holds data out to test on.
`resolve` returns the task that a name stands for, as the command line takes it.
"""

from uwm._core import Bandit, Multiplexer, Task
from uwm.tasks.classification import Classification
from uwm.tasks.digits import digits
from uwm.tasks.files import LayoutWarning, from_file
from uwm.tasks.resolve import resolve

__all__ = [
    "Bandit",
    "Classification",
    "LayoutWarning",
    "Multiplexer",
    "Task",
    "digits",
    "from_file",
    "resolve",
]

for _task in (Bandit, Multiplexer, Task):
    _task.__module__ = "uwm.tasks"
del _task
