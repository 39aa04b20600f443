"""What is known of a built-in task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from uwm._core import Task

#: The settings of a comparison that suit labelled examples.
CLASSIFICATION: Mapping[str, Any] = {"hidden": (64,), "episodes": 200_000, "batch_size": 16}


@dataclass(frozen=True)
class TaskInfo:
    """What is known of a built-in task.

    name: on the command line and in results. description: a line on it. title: its name for titles;
    {address_bits} stands for the setting of this name.
    make: returns the task. settings: the names of the settings that it is called with.
    suits: the settings of a comparison that suit it, where they are not the default.
    small: the settings with which all its inputs, and all activities of a network, can be listed.
    fit(n_inputs): the settings with which it has so many inputs, if it can have several numbers of
    them; raises ValueError if no setting will do.

    >>> import uwm
    >>> uwm.tasks.task_info("multiplexer").title
    'Multiplexer, {address_bits} address bits'
    """

    name: str
    description: str
    title: str
    make: Callable[..., Task]
    settings: tuple[str, ...] = ()
    suits: Mapping[str, Any] = field(default_factory=dict)
    small: Mapping[str, Any] = field(default_factory=dict)
    fit: Callable[[int], Mapping[str, Any]] | None = None
