"""A task as a table: all its inputs and what every output earns there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import uwm
from uwm._arrays import finite_array
from uwm.checks import function, kind
from uwm.protocols import Array

from .exact import Reward

LIMIT = 2**20  # inputs


def inputs_and_reward(task: Any) -> tuple[Array, Reward]:
    """All inputs of a task, equally likely, and its reward, as `exact_gradient` takes them.

    task: a `Multiplexer`, a `Bandit` (a `Classification` is one), or a task of your own that has a
    method of this name, without arguments, which returns the two.
    Returns x (n, n_inputs) and a function of outputs (m, n_out) that returns rewards (n, m).
    Raises TypeError for other tasks, ValueError for more than 2^20 inputs, either for what such a
    method should not return.

    >>> x, reward = inputs_and_reward(uwm.tasks.Multiplexer(address_bits=1))
    >>> x.shape, reward(np.array([[0.0], [1.0]])).shape
    ((8, 3), (8, 2))
    >>> x[0], reward(np.array([[0.0], [1.0]]))[0]
    (array([-1., -1., -1.]), array([ 1., -1.]))
    """
    if hasattr(task, "inputs_and_reward"):
        x, of_outputs = task.inputs_and_reward()
        function("reward of inputs_and_reward", of_outputs)
        return finite_array("x of inputs_and_reward", x, ("rows", task.n_inputs)), of_outputs
    if isinstance(task, uwm.tasks.Multiplexer):
        k, n = task.address_bits, task.n_inputs
        if 2**n > LIMIT:
            raise ValueError(f"inputs of the task must be at most {LIMIT}, got 2^{n}")
        bits = (np.arange(2**n)[:, None] >> np.arange(n)[::-1]) & 1
        address = bits[:, :k] @ (2 ** np.arange(k)[::-1])
        return np.where(bits > 0, 1.0, -1.0), _match(bits[np.arange(2**n), k + address])
    if isinstance(task, uwm.tasks.Bandit):
        x = np.array(task.table, np.float64)
        return x, _pays(task.rewards) if task.labels is None else _match(task.labels)
    raise TypeError(f"task must be one whose inputs are known, got {kind(task)}")


def _match(labels: NDArray[Any]) -> Reward:
    """+1 for an output that is the row's label, -1 for any other."""
    return lambda output: np.where(_action(output)[None, :] == labels[:, None], 1.0, -1.0)


def _pays(rewards: Any) -> Reward:
    """What each row pays for the action of an output; rewards (rows, actions)."""
    table = np.array(rewards, np.float64)
    return lambda output: table[:, _action(output)]


def _action(output: Array) -> NDArray[np.int64]:
    action = output[:, 0] if output.shape[1] == 1 else output.argmax(axis=1)
    return action.astype(np.int64)
