"""Tasks: where inputs and rewards come from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from uwm._arrays import finite_array, real_array
from uwm.checks import whole_number
from uwm.protocols import Array

from . import random


class Task:
    """Base: a task is a pure function of (seed, step), so that a run can be repeated exactly.

    >>> class Match(Task):
    ...     n_inputs, n_outputs = 2, 1
    ...     def inputs(self, seed, step, batch_size):
    ...         return np.ones((batch_size, 2))
    ...     def reward(self, seed, step, sample):
    ...         return sample.output[:, 0]
    >>> Match().inputs(0, 0, 3).shape
    (3, 2)
    """

    n_inputs: int
    n_outputs: int

    def inputs(self, seed: int, step: int, batch_size: int) -> Array:
        """Inputs of one step, (batch_size, n_inputs)."""
        raise NotImplementedError(f"{type(self).__name__} does not define inputs")

    def reward(self, seed: int, step: int, sample: Any) -> Array:
        """Rewards of that step's sample, (batch_size,)."""
        raise NotImplementedError(f"{type(self).__name__} does not define reward")


class Multiplexer(Task):
    """k address bits, then 2^k data bits, fair coins encoded -1/+1, most significant bit first.

    The output unit must give the data bit that the address names: reward +1 if it does, else -1.
    Raises ValueError unless 1 <= address_bits <= 16.

    >>> task = Multiplexer(address_bits=2)
    >>> task.n_inputs, task.inputs(0, 0, 3).shape
    (6, (3, 6))
    """

    def __init__(self, address_bits: int = 4) -> None:
        self.address_bits = whole_number("address_bits", address_bits, 1, 16)
        self.n_inputs = self.address_bits + 2**self.address_bits
        self.n_outputs = 1

    def inputs(self, seed: int, step: int, batch_size: int) -> Array:
        words = random.philox(seed, step, random.TASK_INPUTS, 0, batch_size, self.n_inputs)
        return np.where(random.uniforms(words) < 0.5, 1.0, -1.0)

    def reward(self, seed: int, step: int, sample: Any) -> Array:
        x = np.asarray(sample.inputs)
        k = self.address_bits
        address = (x[:, :k] > 0) @ (2 ** np.arange(k)[::-1])
        bit = x[np.arange(len(x)), k + address] > 0
        return np.where((np.asarray(sample.output)[:, 0] > 0) == bit, 1.0, -1.0)


class Bandit(Task):
    """Contextual bandit over a table: inputs (N, n_in), labels (N,) of 0 ... classes - 1.

    Each sample is a row drawn at random; reward +1 if the action is its label, else -1. The network
    acts by a softmax output or, where there are two classes, by one Bernoulli unit.
    labels of shape (N, n_actions) are rewards: what each action pays in a row.
    n_classes: by default one more than the largest label.
    Raises ValueError or TypeError if the tables do not fit together.

    >>> task = Bandit([[0.0], [1.0]], [0, 1])
    >>> task.n_inputs, task.n_outputs
    (1, 2)
    """

    def __init__(self, inputs: Any, labels: Any, *, n_classes: int | None = None) -> None:
        self._inputs = finite_array("inputs", inputs, ("rows", "inputs"))
        self.n_inputs = self._inputs.shape[1]
        given = np.asarray(real_array("labels", labels), dtype=np.float64)
        self._rewards: Array | None = None
        if given.ndim == 2:
            self._rewards = finite_array("rewards", given, (len(self._inputs), "actions"))
            self.n_outputs = given.shape[1]
            whole_number("the number of actions", self.n_outputs, 2)
            if n_classes is not None:
                whole_number("n_classes", n_classes, self.n_outputs, self.n_outputs)
            return
        whole = (given >= 0) & (given == np.floor(given)) & (given <= 1e9)
        if given.shape != (len(self._inputs),) or not np.all(whole):
            raise ValueError(
                f"labels must be {len(self._inputs)} whole numbers of at least 0 and at most 1e9,"
                f" got {given if given.size < 8 else given.shape}"
            )
        self._labels = given.astype(np.int64)
        least = int(self._labels.max()) + 1
        self.n_outputs = least if n_classes is None else whole_number("n_classes", n_classes, least)

    def _rows(self, seed: int, step: int, batch_size: int) -> NDArray[np.int64]:
        words = random.philox(seed, step, random.TASK_INPUTS, 0, batch_size, 1)[:, 0]
        index = (words.astype(np.uint64) * np.uint64(len(self._inputs))) >> np.uint64(32)
        return np.asarray(index, dtype=np.int64)

    def inputs(self, seed: int, step: int, batch_size: int) -> Array:
        return self._inputs[self._rows(seed, step, batch_size)]

    def reward(self, seed: int, step: int, sample: Any) -> Array:
        rows = self._rows(seed, step, sample.batch_size)
        output = np.asarray(sample.output)
        action = output[:, 0] if output.shape[1] == 1 else np.asarray(sample.actions)
        if self._rewards is not None:
            return self._rewards[rows, action.astype(np.int64)]
        return np.where(action == self._labels[rows], 1.0, -1.0)
