"""What tells one rule or task from another, as part of a cell's key.

Built-in ones are known by name and parameters, data by its digest, and a class of one's own by its
name, its parameters and the text of its source: after a change of the text, results are other ones.
Where the source lies plays no part.
"""

from __future__ import annotations

import hashlib
import inspect
import pickle
import sys
import uuid
from pathlib import Path
from typing import Any

from uwm.experiments.settings import Settings, name_of
from uwm.own import is_own
from uwm.tasks import TASKS, Task, task_info


def short_name(rule: Any) -> str:
    """Return a rule's name in results; of a class in a file, without the file's folder.

    >>> short_name("somewhere/mine.py:MyRule"), short_name(uwm.WeightMax())
    ('mine.py:MyRule', 'weight_max')
    """
    name = name_of(rule)
    if is_own(name):
        where, _, of_class = name.rpartition(":")
        return f"{Path(where).name}:{of_class}"
    return name


def rule_identity(rule: Any, made: Any) -> dict[str, Any]:
    """Return what defines a rule or estimator: its name, and what else it takes.

    rule: as settings have it. made: the object that it stands for.

    >>> rule_identity("ste", uwm.rule("ste"))
    {'rule': 'ste'}
    >>> rule_identity(uwm.WeightMax(norm=1), uwm.WeightMax(norm=1))
    {'rule': 'weight_max', 'rule_parameters': 'uwm.WeightMax(norm=1.0)'}
    """
    found: dict[str, Any] = {"rule": short_name(rule)}
    if not is_built_in(made):
        return {**found, "rule_source": own_identity(made)}
    if not isinstance(rule, str):
        plain = " at 0x" in repr(made)
        found["rule_parameters"] = parameters(made) if plain else repr(made)
    return found


def task_identity(settings: Settings, task: Task, *, given: bool = False) -> dict[str, Any]:
    """Return what defines the task that settings name, or that was given in its place.

    >>> task_identity(Settings(address_bits=2), uwm.tasks.Multiplexer(2))
    {'task': 'multiplexer', 'address_bits': 2}
    """
    if settings.task in TASKS and not given:
        names = task_info(settings.task).settings
        return {"task": settings.task, **{name: getattr(settings, name) for name in names}}
    found: dict[str, Any] = {"task": Path(settings.task).name}
    digest = getattr(task, "sha256", None)
    if digest is not None:
        found["task_sha256"] = str(digest)
    if not is_built_in(task):
        found["task_source"] = own_identity(task)
    elif given or digest is None:
        found["task_parameters"] = parameters(task)
    return found


def is_built_in(part: object) -> bool:
    """Tell whether an object's class is of this package."""
    return type(part).__module__.partition(".")[0] == "uwm"


def own_identity(part: object) -> dict[str, str]:
    """Return name, digest of the source and parameters of an object of a class of one's own."""
    return {
        "class": type(part).__qualname__,
        "source": source(type(part)),
        "parameters": parameters(part),
    }


def source(of_class: type) -> str:
    """Return a digest of the text of a class's module, or of the class alone in a notebook.

    A class whose text is nowhere to be found is unlike all others.
    """
    file = getattr(sys.modules.get(of_class.__module__), "__file__", None)
    try:
        text = Path(file).read_text(encoding="utf-8") if file else inspect.getsource(of_class)
    except (OSError, TypeError, UnicodeError):
        return uuid.uuid4().hex
    return hashlib.sha256(text.encode()).hexdigest()


def parameters(part: object) -> str:
    """Return a digest of an object's parameters; one that cannot be read is unlike all others."""
    of_class = type(part)
    names = (of_class, of_class.__module__, of_class.__qualname__)  # the source says who it is
    try:
        made = part.__reduce_ex__(4)
        arguments = [each for each in made[1] if not any(each is n or each == n for n in names)]
        text = pickle.dumps((arguments, made[2:]), protocol=4)
        return hashlib.sha256(text).hexdigest()
    except Exception:  # whatever an object of the user's may raise
        return uuid.uuid4().hex
