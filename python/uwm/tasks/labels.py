"""Class labels: integers or names, one per example, from any array or column."""

from __future__ import annotations

import numbers
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uwm._arrays import as_array, is_missing, kind_of
from uwm.checks import EXACT

MANY = 10  # different real numbers that are targets of a regression rather than a slip


def label_vector(values: ArrayLike, name: str, rows: int) -> NDArray[Any]:
    """Return one label per row: int64, or Python strings in an array of objects.

    Integers may be bool (0 and 1) or floats without a fraction, names may be bytes of UTF-8; a
    column of pandas of any of these kinds, categories included, is as good.

    Raises ValueError for another shape, missing or masked labels, real numbers, integers and names
    mixed, integers that int64 cannot hold, and names that differ only by spaces around them.

    >>> label_vector([2.0, -1.0], "labels", 2), label_vector(["b", "a"], "labels", 2)
    (array([ 2, -1]), array(['b', 'a'], dtype=object))
    """
    plain = list(values) if isinstance(values, tuple) else values
    try:
        labels = as_array(name, np.array(plain, dtype=object) if type(plain) is list else plain)
    except TypeError as error:
        raise ValueError(str(error)) from None
    if labels.shape != (rows,):
        raise ValueError(f"{name} must have shape ({rows},), one per input, got {labels.shape}")
    if labels.dtype.kind == "U":
        check_unicode(labels, name)
    if labels.dtype.kind in "US":
        return distinct_names(labels.tolist(), name)
    if labels.dtype.kind == "O":
        return from_objects(labels.tolist(), name)
    if labels.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be integers or names, got {kind_of(labels)}")
    return whole_labels(labels, name)


def check_unicode(labels: NDArray[Any], name: str) -> None:
    """Raise ValueError for texts that are none: NumPy keeps any 32 bits as a character."""
    native = np.ascontiguousarray(labels, labels.dtype.newbyteorder("="))
    codes = native.view(np.uint32).reshape(len(labels), -1)
    wrong = (codes > sys.maxunicode) | ((codes >= 0xD800) & (codes < 0xE000))
    if wrong.any():
        raise ValueError(f"{name}: the text in row {np.argwhere(wrong)[0][0]} is no Unicode")


def from_objects(labels: list[Any], name: str) -> NDArray[Any]:
    """Return labels that are Python objects."""
    for row, label in enumerate(labels):
        if is_missing(label):
            raise ValueError(
                f"{name} must be integers or names, got {label} in row {row}, a missing value"
            )
        real = isinstance(label, (numbers.Real, np.bool_)) and not isinstance(label, np.timedelta64)
        if not real and not isinstance(label, (str, bytes)):
            kind = type(label).__name__
            raise ValueError(f"{name} must be integers or names, got a {kind} in row {row}")
        if isinstance(label, (str, bytes)) != isinstance(labels[0], (str, bytes)):
            raise ValueError(
                f"{name} must be integers or names, got both: {labels[0]!r:.40} in row 0 and"
                f" {label!r:.40} in row {row}"
            )
    if labels and isinstance(labels[0], (str, bytes)):
        return distinct_names(labels, name)
    if all(isinstance(label, numbers.Integral) for label in labels):
        outside = [int(label) for label in labels if not -(2**63) <= int(label) < 2**63]
        if outside:
            raise ValueError(f"{name} must be integers of 64 bits, got {outside[0]:.3e}"
                             if outside[0].bit_length() < 1024 else
                             f"{name} must be integers of 64 bits, got a longer one")  # fmt: skip
        return np.array([int(label) for label in labels], dtype=np.int64)
    return whole_labels(np.array([float(label) for label in labels]), name)


def whole_labels(labels: NDArray[Any], name: str) -> NDArray[np.int64]:
    """Return labels that are numbers as int64."""
    if labels.dtype.kind == "f":
        wrong = ~(np.isfinite(labels) & (labels == np.floor(labels)))
        if wrong.any():
            row = int(np.argmax(wrong))
            reals = len(np.unique(labels))
            why = (
                f": {reals} different numbers are the targets of a regression, which is no"
                " classification"
            )
            raise ValueError(
                f"{name} must be integers or names, got {labels[row]} in row {row}"
                f"{why if reals > MANY else ''}"
            )
        if np.any(np.abs(labels) > EXACT):
            raise ValueError(
                f"{name} must be integers that float64 can tell apart, up to 2^53, got"
                f" {np.abs(labels).max():g}"
            )
    elif labels.dtype.kind == "u" and labels.size and int(labels.max()) >= 2**63:
        raise ValueError(f"{name} must be integers below 2^63, got {labels.max()}")
    return labels.astype(np.int64)


def distinct_names(labels: Iterable[str | bytes], name: str) -> NDArray[Any]:
    """Return names as strings, refusing two that differ only by the spaces around them."""
    try:
        texts = [label.decode() if isinstance(label, bytes) else label for label in labels]
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} must be names in UTF-8, got {error.object[:40]!r}") from None
    known: dict[str, str] = {}
    for text in set(texts):
        other = known.setdefault(text.strip(), text)
        if other != text:
            raise ValueError(
                f"{name}: {min(other, text)!r:.40} and {max(other, text)!r:.40} differ only by"
                " spaces, strip() them or name them apart"
            )
        if not text.strip():
            raise ValueError(f"{name} must be integers or names, got an empty name")
    found = np.empty(len(texts), dtype=object)
    found[:] = texts
    return found
