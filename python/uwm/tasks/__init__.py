"""Tasks: where inputs come from and what an action earns.

`Multiplexer` and `Bandit` run inside the engine; `Task` is the base class of tasks in Python.
`LoggedBandit` learns from what was logged while another policy acted.
`digits` and `from_file` build a `Classification`: a `Bandit` that also holds data out to test on.
`mnist` reads images from the disk; `Binarized` draws their pixels black or white.
`resolve` returns the task that a name stands for, as the command line takes it. `TASKS` are the
names of the built-in ones, and `task_info` tells what is known of one.
"""

from uwm._core import Bandit, Multiplexer, Task
from uwm.tasks.binarized import Binarized
from uwm.tasks.builtin import TASKS, task_info
from uwm.tasks.by_name import resolve
from uwm.tasks.classification import Classification
from uwm.tasks.files import LayoutWarning, from_file
from uwm.tasks.handwritten import digits
from uwm.tasks.idx_files import mnist
from uwm.tasks.info import TaskInfo
from uwm.tasks.logged import LoggedBandit, PolicyValue

__all__ = [
    "TASKS",
    "Bandit",
    "Binarized",
    "Classification",
    "LayoutWarning",
    "LoggedBandit",
    "Multiplexer",
    "PolicyValue",
    "Task",
    "TaskInfo",
    "digits",
    "from_file",
    "mnist",
    "resolve",
    "task_info",
]

for _task in (Bandit, Multiplexer, Task):
    _task.__module__ = "uwm.tasks"
del _task
