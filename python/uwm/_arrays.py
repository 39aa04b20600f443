"""What counts as an array of real numbers: the one door for every array that a user hands in.

The engine's bindings, the NumPy reference, the tasks and the analysis all ask `real_array`. It
accepts whatever holds real numbers: NumPy arrays of bool, integers and floats, lists, tuples,
ranges, frames and series of pandas and polars, tensors that NumPy can read. It refuses what NumPy
would turn into real numbers by losing something.
"""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uwm.checks import EXACT, kind


def real_array(name: str, value: object) -> NDArray[Any]:
    """Return `value` as an array of bool, integers or floats that float64 can hold.

    A frame becomes a matrix, column by column. NaN and infinity pass: whether they may is the
    caller's to say. The array may share memory with `value`.

    Raises TypeError for what is no real number: complex numbers, dates, text, Python objects, a
    sparse matrix. Raises ValueError for missing and masked values, for integers that float64 cannot
    hold, and for nested sequences that are no regular array. The message begins with `name`.

    >>> real_array("x", [[1, 2.5]])
    array([[1. , 2.5]])
    >>> real_array("x", [1 + 2j])
    Traceback (most recent call last):
    TypeError: x must be an array of real numbers, got complex128
    """
    if hasattr(value, "toarray") and hasattr(value, "nnz"):
        raise TypeError(
            f"{name} must be an array of real numbers, got a sparse {type(value).__name__}:"
            " pass its toarray()"
        )
    columns = frame_columns(value)
    if columns is not None:
        parts = [_real_column(name, label, column) for label, column in columns]
        table = np.empty((len(parts[0]) if parts else 0, len(parts)))
        for k, part in enumerate(parts):
            table[:, k] = part
        return table
    array = as_array(name, value)
    if array.dtype.kind == "O":
        return _from_objects(name, array, value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be an array of real numbers, got {kind_of(array)}")
    if array.dtype.kind in "iu":
        _check_exact(name, array)
    elif isinstance(value, (list, tuple)) and np.any(np.abs(array) >= EXACT):
        _check_exact(name, np.array(value, dtype=object))  # integers beside floats
    return array


def finite_array(name: str, value: object, shape: tuple[int | str, ...]) -> NDArray[np.float64]:
    """Return `value` as a new float64 array of the given shape.

    A word in the shape stands for any length from 1 up, and names it in the message.

    Raises TypeError if it is not an array of real numbers (see `real_array`), ValueError if its
    shape is another or if it holds NaN or infinity.

    >>> finite_array("reward", [1, -1], ("batch",))
    array([ 1., -1.])
    """
    array = np.array(real_array(name, value), dtype=np.float64)
    fits = array.ndim == len(shape) and all(
        n >= 1 if isinstance(want, str) else n == want
        for n, want in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        raise ValueError(f"{name} must have shape ({wanted}), got {array.shape}")
    check_finite(name, array)
    return array


def check_finite(name: str, array: NDArray[np.float64]) -> None:
    """Raise ValueError that says where if an array holds NaN or infinity."""
    finite = np.isfinite(array)
    if not finite.all():
        index = np.argwhere(~finite)[0].tolist()
        raise ValueError(f"{name} must be finite, got {array[tuple(index)]} in {place(index)}")


def as_array(name: str, value: object) -> NDArray[Any]:
    """Return `value` as NumPy takes it, but refuse masked values and ragged sequences."""
    if isinstance(value, (list, tuple)) and any(isinstance(v, np.ma.MaskedArray) for v in value):
        value = np.ma.array(value)
    if isinstance(value, np.ma.MaskedArray):
        masked = int(np.ma.getmaskarray(value).sum())
        if masked:
            raise ValueError(f"{name} must have no masked values, got {masked}")
        return np.asarray(value.data)
    try:
        return np.asarray(value)
    except MemoryError:
        raise
    except ValueError:
        raise ValueError(
            f"{name} must be an array of numbers, got {kind(value)} that is no regular array"
        ) from None
    except Exception as error:  # whatever a foreign __array__ raises
        raise TypeError(
            f"{name} must be an array of real numbers, got {kind(value)}"
            f" that NumPy cannot read: {error}"
        ) from error


def frame_columns(value: Any) -> list[tuple[Any, Any]] | None:
    """Return the names and columns of a frame of pandas or polars, None for anything else."""
    if getattr(value, "ndim", 2) != 2 or not hasattr(value, "columns"):
        return None
    if hasattr(value, "iloc"):
        return [(label, value.iloc[:, k]) for k, label in enumerate(value.columns)]
    if hasattr(value, "get_columns"):
        return [(column.name, column) for column in value.get_columns()]
    return None


def is_missing(item: object) -> bool:
    """Tell whether an object stands for a missing value: None, NaN, or a library's own NA or NaT.

    >>> is_missing(None), is_missing(float("nan")), is_missing("")
    (True, True, False)
    """
    if item is None or type(item).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(item, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(item))
    return isinstance(item, (float, np.floating)) and bool(item != item)


def place(index: Sequence[int]) -> str:
    """Return where in an array an entry is.

    >>> place((3, 1)), place((3,))
    ('row 3, column 1', 'row 3')
    """
    if len(index) <= 2:
        return ", ".join(f"{n} {k}" for n, k in zip(("row", "column"), index, strict=False))
    return f"position {tuple(index)}"


def kind_of(array: NDArray[Any]) -> str:
    """Return the array's kind as a person would name it."""
    text = array.dtype.kind in "US"
    return f"text, {array.flat[0].item()!r:.40} for instance" if text and array.size else (
        "text" if text else str(array.dtype)
    )  # fmt: skip


def _real_column(name: str, label: object, column: object) -> NDArray[Any]:
    """Return a column of a frame as an array of real numbers."""
    try:
        return real_array(name, column)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{error} (column {label!r})") from None


def _from_objects(name: str, array: NDArray[Any], value: object) -> NDArray[Any]:
    """Return an array of Python objects as float64, or as bool if all are."""
    if array.ndim == 0 and not isinstance(array.item(), (numbers.Real, Decimal)):
        raise TypeError(f"{name} must be an array of real numbers, got {kind(value)}")
    found = np.empty(array.shape, dtype=np.float64)
    flat = found.reshape(-1)
    for k, item in enumerate(array.ravel()):
        try:
            flat[k] = _real(item)
        except (TypeError, ValueError, ArithmeticError) as error:
            where = place([int(i) for i in np.unravel_index(k, array.shape)])
            where = f" in {where}" if where else ""
            if isinstance(error, TypeError):
                raise TypeError(
                    f"{name} must be an array of real numbers, got {error}{where}"
                ) from None
            raise ValueError(f"{name} must hold {error}{where}") from None
    return found


def _real(item: Any) -> float:
    """Return an object's float; TypeError says what it is, ValueError what it should be."""
    if is_missing(item) and not isinstance(item, (float, np.floating)):
        raise ValueError("numbers only, got a missing value")
    real = isinstance(item, (numbers.Real, np.bool_, Decimal))
    if not real or isinstance(item, np.timedelta64):
        text = isinstance(item, (str, bytes))
        raise TypeError(f"the text {item!r:.40}" if text else f"a {type(item).__name__}")
    if isinstance(item, numbers.Integral):
        _check_integer(int(item))
    try:
        return float(item)
    except (OverflowError, ValueError):
        raise ValueError(f"numbers that float64 can hold, got {item!s:.40}") from None


def _check_integer(item: int) -> None:
    """Raise ValueError for an integer that float64 cannot hold."""
    if abs(item) > EXACT and (item.bit_length() > 1024 or int(float(item)) != item):
        shown = str(item) if item.bit_length() < 200 else f"one of {item.bit_length()} bits"
        raise ValueError(f"integers that float64 can hold, got {shown}")


def _check_exact(name: str, array: NDArray[Any]) -> None:
    """Raise ValueError if an integer of the array is changed by float64."""
    if array.dtype.kind in "iu" and (
        array.size == 0 or (int(array.max()) <= EXACT and int(array.min()) >= -EXACT)
    ):
        return
    for index, item in np.ndenumerate(array):
        if isinstance(item, numbers.Integral):
            try:
                _check_integer(int(item))
            except ValueError as error:
                where = place(index)
                raise ValueError(
                    f"{name} must hold {error}{f' in {where}' if where else ''}"
                ) from None
