"""Which kinds of output a network for a task may have."""

from __future__ import annotations

from typing import Any

from uwm._core import Bandit, Multiplexer


def output_kinds(task: Any) -> tuple[str, ...]:
    """Return the kinds of output that suit a task, the usual one first.

    A task may say so itself, by its attribute `output_kinds`. A built-in task pays for an answer:
    a class, or a single bit. Other tasks take any kind; a softmax chooses among two or more.

    >>> import uwm
    >>> output_kinds(uwm.tasks.Multiplexer(1)), output_kinds(uwm.tasks.Bandit([[0], [1]], [0, 1]))
    (('bernoulli',), ('softmax', 'bernoulli'))
    """
    if hasattr(task, "output_kinds"):
        return tuple(task.output_kinds)
    if isinstance(task, Multiplexer):
        return ("bernoulli",)
    if isinstance(task, Bandit):
        return ("softmax", "bernoulli") if task.n_outputs == 2 else ("softmax",)
    return ("softmax", "bernoulli", "gaussian") if task.n_outputs > 1 else ("bernoulli", "gaussian")


def check_output(kind: str, task: Any) -> None:
    """Raise ValueError unless a kind of output suits a task.

    >>> import uwm
    >>> check_output("softmax", uwm.tasks.Multiplexer(1))
    Traceback (most recent call last):
    ValueError: output must be bernoulli for the task Multiplexer, got softmax
    """
    kinds = output_kinds(task)
    if kind not in kinds:
        name = getattr(task, "name", type(task).__name__)
        raise ValueError(f"output must be {' or '.join(kinds)} for the task {name}, got {kind}")


def number_of_units(kind: str, task: Any) -> int:
    """Return how many output units a network for a task has: one Bernoulli unit for two classes.

    >>> import uwm
    >>> number_of_units("bernoulli", uwm.tasks.Bandit([[0], [1]], [0, 1]))
    1
    """
    return 1 if kind == "bernoulli" and isinstance(task, Bandit) else int(task.n_outputs)
