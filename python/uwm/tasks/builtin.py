"""The built-in tasks by name: the only list of them.

The command line, settings files, messages and `resolve` read it. A task more is a file with its
`INFO`, and its line here.
"""

from __future__ import annotations

from uwm.checks import one_of
from uwm.tasks.handwritten import INFO as DIGITS
from uwm.tasks.info import TaskInfo
from uwm.tasks.multiplexer import INFO as MULTIPLEXER

_INFOS = {info.name: info for info in (MULTIPLEXER, DIGITS)}

#: Names of the built-in tasks; the first is the default of the commands.
TASKS: tuple[str, ...] = tuple(_INFOS)


def task_info(name: str) -> TaskInfo:
    """Return what is known of a built-in task.

    Raises ValueError if no task has this name; the message lists those that there are.

    >>> import uwm
    >>> uwm.tasks.task_info("digits").description
    'handwritten digits, a bandit of ten actions'
    """
    one_of("task", name, TASKS)
    return _INFOS[name]
