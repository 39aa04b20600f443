"""Arrays, the shapes of the four nouns, and the checks made where numbers come in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from uwm._arrays import real_array
from uwm.checks import shown

Array = NDArray[np.float64]


class LayerLike(Protocol):
    """What the rules read of a layer."""

    @property
    def weight(self) -> NDArray[Any]: ...
    @property
    def bias(self) -> NDArray[Any]: ...
    @property
    def temperature(self) -> float: ...


class SampleLike(Protocol):
    """What the rules read of a sample: the engine's samples and the reference's both fit."""

    @property
    def inputs(self) -> NDArray[Any]: ...
    @property
    def activations(self) -> Sequence[NDArray[Any]]: ...
    @property
    def logits(self) -> Sequence[NDArray[Any]]: ...
    @property
    def probabilities(self) -> Sequence[NDArray[Any]]: ...
    @property
    def eligibilities(self) -> Sequence[NDArray[Any]]: ...
    @property
    def output(self) -> NDArray[Any]: ...
    @property
    def batch_size(self) -> int: ...


class NetworkLike(Protocol):
    """What the rules and the analysis read of a network."""

    @property
    def sizes(self) -> tuple[int, ...]: ...
    @property
    def output(self) -> str: ...
    @property
    def units(self) -> str: ...
    @property
    def temperature(self) -> tuple[float, ...]: ...
    @property
    def sigma(self) -> float: ...
    @property
    def dtype(self) -> Any: ...
    @property
    def seed(self) -> int: ...
    @property
    def step(self) -> int: ...
    @property
    def layers(self) -> Sequence[LayerLike]: ...
    def clamp(self, x: Any, activations: Any) -> Any: ...


class RuleLike(Protocol):
    """What the analysis reads of a rule."""

    def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Sequence[NDArray[Any]]: ...


def finite_array(name: str, value: object, shape: tuple[int | None, ...]) -> Array:
    """Return `value` as a new float64 array of the given shape (None: any length from 1 up).

    Raises TypeError if it is not an array of real numbers (`uwm._arrays` says what is), ValueError
    if its shape is another or if it holds NaN or infinity.

    >>> finite_array("reward", [1, -1], (None,))
    array([ 1., -1.])
    """
    array = np.array(real_array(name, value), dtype=np.float64)
    fits = array.ndim == len(shape) and all(
        (n >= 1 if want is None else n == want) for n, want in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise ValueError(f"{name}: expected shape ({wanted}), got {array.shape}")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
    return array


def finite_product(factors: Sequence[Any], b: Any) -> Array:
    """The matrix product (factors[0] * factors[1] * ...) @ b, finite whatever finite numbers go in.

    What overflows becomes the largest number of its sign. Sums are formed of numbers below 1 and
    brought to their size at the end.

    >>> finite_product([[[1e300, 2e300]], 1e200], [[1.0], [-1.0]])
    array([[-1.79769313e+308]])
    """
    scaled = [_scaled(factor) for factor in (*factors, b)]
    product = np.float64(1.0)
    for mantissas, _ in scaled[:-1]:
        product = product * mantissas
    power = sum(power for _, power in scaled)
    with np.errstate(over="ignore", under="ignore"):
        total = np.ldexp(product @ scaled[-1][0], power)
    most = np.finfo(np.float64).max
    return np.asarray(np.clip(total, -most, most), dtype=np.float64)


def _scaled(value: Any) -> tuple[Array, int]:
    """Numbers below 1 and the power of 2 that brings them back."""
    array = np.asarray(value, dtype=np.float64)
    power = int(np.frexp(np.max(np.abs(array), initial=0.0))[1])
    return np.ldexp(array, -power), power


def whole_number(name: str, value: object, low: int, high: int | None = None) -> int:
    """Return `value` as an int; TypeError if it is no integer, ValueError if out of [low, high).

    >>> whole_number("steps", 3, 1)
    3
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name}: expected an integer, got {shown(value)}")
    number = int(value)
    if not (number >= low and (high is None or number < high)):
        bound = f"at least {low}" if high is None else f"from {low} to {high - 1}"
        raise ValueError(f"{name}: expected an integer {bound}, got {shown(number)}")
    return number


def real_number(name: str, value: object) -> float:
    """Return `value` as a finite float; TypeError if it is no number, ValueError if not finite.

    >>> real_number("sigma", 1)
    1.0
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name}: expected a number, got {shown(value)}")
    number = float(value)
    if not np.isfinite(number):
        raise ValueError(f"{name}: expected a finite number, got {number}")
    return number


def positive_number(name: str, value: object) -> float:
    """Return `value` as a finite float above zero; TypeError or ValueError otherwise.

    >>> positive_number("temperature", 0.5)
    0.5
    """
    number = real_number(name, value)
    if not number > 0:
        raise ValueError(f"{name}: expected a number above 0, got {number}")
    return number
