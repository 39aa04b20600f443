"""What `uwm.tasks` exports."""

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
