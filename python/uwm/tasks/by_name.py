"""A task by whatever stands for it, in every command, settings file and function."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from uwm._core import Task
from uwm.checks import instance, meant, one_line, shown
from uwm.own import is_own, make_own
from uwm.tasks.builtin import TASKS, task_info
from uwm.tasks.files import STANDARD_INPUT, from_file, is_file_name


def resolve(
    spec: str,
    *,
    label: str | int | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    **settings: Any,
) -> Task:
    """Return the task that a name stands for.

    spec: one of `uwm.tasks.TASKS`, the path of a file as `from_file` takes it (`-` for standard
    input), or a class of one's own that needs no arguments, `mine.py:MyTask` or
    `package.module:MyTask`.
    label, delimiter, header: as `from_file` takes them. settings: of a built-in task, such as the
    multiplexer's address_bits; `task_info` names them.

    Raises ValueError for an unknown name or a class that is no task, TypeError for a setting that
    the task does not have, OSError for an unreadable file, ImportError for a missing module.

    >>> import uwm
    >>> uwm.tasks.resolve("multiplexer", address_bits=2).n_inputs
    6
    """
    instance("task", spec, str, "a name")
    known = task_info(spec).settings if spec in TASKS else ()
    for name in settings:
        if name not in known:
            raise TypeError(f"settings of {spec} must be {', '.join(known) or 'none'}, got {name}")
    if spec in TASKS:
        return task_info(spec).make(**settings)
    if is_own(spec):
        task = make_own("task", spec)
        if not isinstance(task, Task):
            raise ValueError(f"task must name a subclass of uwm.Task, got {spec}")
        return task
    if is_file_name(spec):
        return from_file(spec, label=label, delimiter=delimiter, header=header)
    raise ValueError(
        f"task must be {', '.join(TASKS)}, the path of a .csv or .npz file, or file.py:Class,"
        f" got {shown(spec)}{meant(spec, TASKS)}"
    )


def title_of(spec: str, **settings: Any) -> str:
    """Return a task's name for titles.

    >>> title_of("multiplexer", address_bits=2), title_of("folder/fruit.csv")
    ('Multiplexer, 2 address bits', 'fruit.csv')
    """
    if spec in TASKS:
        return task_info(spec).title.format(**settings)
    return "Standard input" if spec == STANDARD_INPUT else one_line(Path(spec).name)
