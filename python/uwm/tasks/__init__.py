"""Tasks: where inputs come from and what an action earns.

`Multiplexer` and `Bandit` run inside the engine; `Task` is the base class of tasks in Python.
`LoggedBandit` learns from what was logged while another policy acted.
`digits` and `from_file` build a `Classification`: a `Bandit` that also holds data out to test on.
`mnist` reads images from the disk; `Binarized` draws their pixels black or white.
`resolve` returns the task that a name stands for, as the command line takes it. `TASKS` are the
names of the built-in ones, and `task_info` tells what is known of one.
"""

from typing import TYPE_CHECKING, Any

from uwm import _on_demand

if TYPE_CHECKING:
    from uwm.tasks._public import *  # noqa: F403


def __getattr__(name: str) -> Any:
    return _on_demand.find("uwm.tasks", name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__getattr__("__all__")})
