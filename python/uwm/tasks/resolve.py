"""A task by whatever stands for it, in every command, settings file and function."""

from __future__ import annotations

from pathlib import Path

from uwm._core import Multiplexer, Task
from uwm.checks import one_line, shown
from uwm.own import is_own, make_own
from uwm.tasks.digits import digits
from uwm.tasks.files import STANDARD_INPUT, from_file, is_file_name

BUILT_IN = ("multiplexer", "digits")


def resolve(
    spec: str,
    *,
    address_bits: int = 3,
    label: str | int | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
) -> Task:
    """Return the task that a name stands for.

    spec: `multiplexer`, `digits`, the path of a file as `from_file` takes it (`-` for standard
    input), or a class of one's own that needs no arguments, `mine.py:MyTask` or
    `package.module:MyTask`.
    address_bits: of the multiplexer. label, delimiter, header: as `from_file` takes them.

    Raises ValueError for an unknown name or a class that is no task, OSError for a file that cannot
    be read, ImportError for a missing module.

    >>> import uwm
    >>> uwm.tasks.resolve("multiplexer", address_bits=2).n_inputs
    6
    """
    if spec == "multiplexer":
        return Multiplexer(address_bits)
    if spec == "digits":
        return digits()
    if is_own(spec):
        task = make_own("task", spec)
        if not isinstance(task, Task):
            raise ValueError(f"task must name a subclass of uwm.Task, got {spec}")
        return task
    if is_file_name(spec):
        return from_file(spec, label=label, delimiter=delimiter, header=header)
    raise ValueError(
        "task must be multiplexer, digits, the path of a .csv or .npz file, or file.py:Class,"
        f" got {shown(spec)}"
    )


def title_of(spec: str, *, address_bits: int = 3) -> str:
    """Return a task's name for titles.

    >>> title_of("multiplexer", address_bits=2), title_of("folder/fruit.csv")
    ('Multiplexer, 2 address bits', 'fruit.csv')
    """
    if spec == "multiplexer":
        return f"Multiplexer, {address_bits} address bits"
    titles = {"digits": "Handwritten digits", STANDARD_INPUT: "Standard input"}
    return titles.get(spec, one_line(Path(spec).name))
