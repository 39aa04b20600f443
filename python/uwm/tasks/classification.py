"""Classification as a contextual bandit: the class is the action, +1 if right and -1 if wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uwm._arrays import check_finite, real_array
from uwm._core import Bandit, Network
from uwm.checks import finite, whole_number
from uwm.tasks.labels import label_vector


class Classification(Bandit):
    """Labelled examples to learn from as a bandit, and others held out to test on.

    It is a `Bandit`, so `uwm.train` takes it as its task: an episode draws one training example,
    the network's action is a class, the reward is +1 if it is the right one and -1 if not.

    inputs: (n, n_inputs) real numbers; labels: (n,), integers or names. Both may be arrays, lists,
    or frames and series of pandas. The classes are the distinct labels in sorted order. test_inputs
    and test_labels are alike, and may be left out.
    sha256: tells these examples from others with the same name in the settings of results; by
    default a digest of all arrays.

    Raises ValueError for arrays that do not fit together, what is no real number or not finite or
    missing, labels that are no classes (real numbers, integers and names mixed), fewer than two
    classes, or test labels that are no class of the training data.

    >>> from uwm.tasks import Classification
    >>> task = Classification([[0.0], [0.1], [1.0]], ["no", "no", "yes"], [[0.9]], ["yes"])
    >>> task.class_names
    ('no', 'yes')
    >>> task.n_inputs, task.n_outputs
    (1, 2)
    """

    def __init__(
        self,
        inputs: ArrayLike,
        labels: ArrayLike,
        test_inputs: ArrayLike | None = None,
        test_labels: ArrayLike | None = None,
        *,
        name: str = "classification",
        sha256: str | None = None,
    ) -> None:
        if (test_inputs is None) != (test_labels is None):
            raise ValueError("test_inputs and test_labels must be both given or neither, got one")
        train_inputs = input_matrix(inputs, "inputs")
        train_labels = label_vector(labels, "labels", len(train_inputs))
        classes = np.unique(train_labels)
        if len(classes) < 2:
            raise ValueError(f"labels must be of at least two classes, got only {classes.tolist()}")
        if test_inputs is None or test_labels is None:
            test_inputs, test_labels = train_inputs[:0], train_labels[:0]
        held_inputs = input_matrix(test_inputs, "test_inputs", train_inputs.shape[1])
        held_labels = label_vector(test_labels, "test_labels", len(held_inputs))
        targets = class_indices(train_labels, classes, "labels")
        held_targets = class_indices(held_labels, classes, "test_labels")

        super().__init__(train_inputs, targets, n_classes=len(classes))
        self.name = name
        self.class_names: tuple[str, ...] = tuple(str(c) for c in classes)
        self.train_inputs, self.train_labels = train_inputs, targets
        self.test_inputs, self.test_labels = held_inputs, held_targets
        self.sha256 = digest(self) if sha256 is None else sha256

    def accuracy(
        self,
        net: Network,
        inputs: ArrayLike | None = None,
        labels: ArrayLike | None = None,
        *,
        passes: int = 32,
    ) -> float:
        """Return the share of examples that the network puts into the right class, from 0 to 1.

        A pass of a stochastic network is one noisy opinion: the class probabilities of `passes`
        passes are averaged and the likeliest class is taken. passes=1 is one such opinion.
        Without inputs and labels (integers, positions in class_names) the held-out examples are
        taken. The network's own random numbers do not move.

        Raises ValueError or TypeError if there is no example, if the network's inputs or classes do
        not fit, or if passes is no whole number from 1 up.
        """
        if (inputs is None) != (labels is None):
            raise ValueError("inputs and labels must be both given or neither, got one")
        x = self.test_inputs if inputs is None else input_matrix(inputs, "inputs", self.n_inputs)
        y = self.test_labels if labels is None else label_vector(labels, "labels", len(x))
        if len(x) == 0:
            raise ValueError("inputs must hold at least one example to test on, got none")
        passes = whole_number("passes", passes, 1)
        y = class_indices(y, np.arange(len(self.class_names)), "labels")
        return float(np.mean(predict(net, x, len(self.class_names), passes) == y))


def digest(task: Classification) -> str:
    """Return a digest of all examples and classes."""
    found = hashlib.sha256(repr(task.class_names).encode())
    for array in (task.train_inputs, task.train_labels, task.test_inputs, task.test_labels):
        found.update(repr(array.shape).encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def predict(
    net: Network, inputs: NDArray[np.float64], n_classes: int, passes: int
) -> NDArray[np.int64]:
    """Return the likeliest class of each row, by the mean class probabilities of several passes."""
    single_unit = net.output == "bernoulli" and net.sizes[-1] == 1 and n_classes == 2
    if not single_unit and (net.output != "softmax" or net.sizes[-1] != n_classes):
        raise ValueError(
            f"net must have {n_classes} softmax output units,"
            f" got {net.sizes[-1]} {net.output} output unit(s)"
        )
    return np.asarray(net.predict(inputs, passes=passes), dtype=np.int64)


def input_matrix(values: ArrayLike, name: str, columns: int | None = None) -> NDArray[np.float64]:
    """Return values as a float64 matrix of finite numbers, or raise ValueError."""
    try:
        matrix = np.array(real_array(name, values), dtype=np.float64)
    except TypeError as error:
        raise ValueError(str(error)) from None
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise ValueError(f"{name} must have shape (examples, inputs), got {matrix.shape}")
    if columns is not None and matrix.shape[1] != columns:
        raise ValueError(f"{name} must have {columns} columns, got {matrix.shape[1]}")
    check_finite(name, matrix)
    return matrix


def class_indices(
    labels: NDArray[Any], classes: NDArray[Any] | Sequence[Any], name: str
) -> NDArray[np.int64]:
    """Return each label's position among the sorted classes, or raise ValueError."""
    known = {label: index for index, label in enumerate(np.asarray(classes).tolist())}
    names = labels.tolist()
    unknown = sorted({str(label) for label in names if label not in known})
    if unknown:
        raise ValueError(
            f"{name} must be among the {len(known)} classes {listed(known)} that there are examples"
            f" of to learn from, got {listed(unknown, 5)}"
        )
    return np.array([known[label] for label in names], dtype=np.int64)


def listed(names: Sequence[Any] | dict[Any, int], most: int = 10) -> str:
    """Return names joined by commas, the end of a long list left out."""
    words = [f"{name!s:.40}" for name in names]
    return ", ".join(words[:most]) + (", ..." if len(words) > most else "")


def held_out(labels: NDArray[Any], fraction: float) -> NDArray[np.bool_]:
    """Mark the examples to hold out: the same fraction of every class, in a fixed shuffled order.

    A class always keeps at least one example to learn from. The order comes from Philox's raw
    words, which no NumPy version changes.
    """
    fraction = finite("test_fraction", fraction, least=0, below=1)
    order = np.argsort(np.random.Philox(key=0).random_raw(len(labels)), kind="stable")
    marked = np.zeros(len(labels), dtype=np.bool_)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        marked[members[: min(round(fraction * len(members)), len(members) - 1)]] = True
    return marked
