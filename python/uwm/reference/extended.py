"""Real numbers of any size: a mantissa and a power of 2 that does not run out.

A unit's kappa may be exp(10,000), a layer multiplies thousands of them, and the likelihood ratio of
a sharp Gaussian may be exp(1e30). Kept in this form they stay finite, and the rules can be written
as the equations they are. Logarithms would not do: that of exp(1e17) has no digits left for the
factors near 1 that the number is multiplied with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uwm.protocols import Array

LARGEST = 1e300  # value() goes no further: leaves room to multiply and add in float64
LIMIT = 2**61  # of the powers of 2: the sum of two of them is an int64 still
LN2, REST_OF_LN2 = np.log(2.0), 2.3190468138462996e-17  # together to 106 bits


@dataclass(frozen=True)
class Extended:
    """Arrays of numbers mantissa * 2^power, 1/2 <= |mantissa| < 1 or 0; float64 and int64.

    Powers beyond +-2^61 are cut off there.

    >>> product = Extended.exp(np.array([9e3, 9e3])) * Extended.exp(np.array([-9e3, -1e4]))
    >>> product.value()
    array([1., 0.])
    """

    mantissa: Array
    power: NDArray[np.int64]

    @staticmethod
    def of(value: Any) -> Extended:
        """The numbers of an ordinary array."""
        value = np.asarray(value, dtype=np.float64)
        return _normal(value, np.zeros(value.shape, dtype=np.int64))

    @staticmethod
    def exp(x: Array) -> Extended:
        """exp(x), to the last digit however large x; up to 2^(+-2^59)."""
        x = np.clip(x, -(2.0**59) * LN2, 2.0**59 * LN2)
        power = np.floor(x / LN2)
        product, error = _exact_product(power, LN2)
        return _normal(np.exp(x - product - error - power * REST_OF_LN2), power.astype(np.int64))

    @staticmethod
    def one_minus_exp(x: Array) -> Extended:
        """1 - exp(x), keeping its digits when exp(x) is close to 1 and when it is huge."""
        # 1 - e^x is -expm1(x) for x <= 0, and e^x expm1(-x), where nothing overflows, for x > 0
        return Extended.of(-np.sign(x) * -np.expm1(-np.abs(x))) * Extended.exp(np.maximum(x, 0.0))

    @staticmethod
    def sigmoid(y: Array) -> Extended:
        """1 / (1 + exp(-y))."""
        return Extended.of(1.0) / (Extended.of(1.0) + Extended.exp(-y))

    def __mul__(self, other: Extended) -> Extended:
        return _normal(self.mantissa * other.mantissa, self.power + other.power)

    def __truediv__(self, other: Extended) -> Extended:
        return _normal(self.mantissa / other.mantissa, self.power - other.power)

    def __neg__(self) -> Extended:
        return Extended(-self.mantissa, self.power)

    def __add__(self, other: Extended) -> Extended:
        top = np.maximum(self._top(), other._top())
        return _normal(self._over(top) + other._over(top), top)

    def __sub__(self, other: Extended) -> Extended:
        return self + (-other)

    def __getitem__(self, index: Any) -> Extended:
        return Extended(self.mantissa[index], self.power[index])

    def magnitude(self) -> Extended:
        """The numbers without their signs."""
        return Extended(np.abs(self.mantissa), self.power)

    def sum(self, axis: int) -> Extended:
        """Sum over one axis."""
        top = self._top().max(axis=axis)
        return _normal(self._over(np.expand_dims(top, axis)).sum(axis=axis), top)

    def before(self) -> Extended:
        """Product of the numbers before each one along axis 1."""
        mantissa, power = np.ones_like(self.mantissa), np.zeros_like(self.power)
        for j in range(1, mantissa.shape[1]):
            product = Extended(mantissa[:, j - 1], power[:, j - 1]) * self[:, j - 1]
            mantissa[:, j], power[:, j] = product.mantissa, product.power
        return Extended(mantissa, power)

    def after(self) -> Extended:
        """Product of the numbers after each one along axis 1."""
        return self[:, ::-1].before()[:, ::-1]

    def product(self) -> Extended:
        """Product along axis 1."""
        return self[:, -1] * self.before()[:, -1]

    def value(self) -> Array:
        """The ordinary numbers, those beyond +-1e300 cut off there."""
        power = np.clip(self.power, -1100, 1020).astype(np.int32)
        return np.clip(np.ldexp(self.mantissa, power), -LARGEST, LARGEST)

    def _top(self) -> NDArray[np.int64]:
        return np.where(self.mantissa == 0.0, -LIMIT, self.power)

    def _over(self, top: NDArray[np.int64]) -> Array:
        """The mantissas over 2^top."""
        shift = np.clip(self.power - top, -2000, 0).astype(np.int32)
        return np.asarray(np.ldexp(self.mantissa, shift))


def where(condition: NDArray[np.bool_], a: Extended, b: Extended) -> Extended:
    """a where the condition holds, else b."""
    return Extended(
        np.where(condition, a.mantissa, b.mantissa), np.where(condition, a.power, b.power)
    )


def _normal(mantissa: Array, power: NDArray[np.int64]) -> Extended:
    mantissa, shift = np.frexp(mantissa)
    power = np.where(mantissa == 0.0, 0, np.clip(power + shift, -LIMIT, LIMIT))
    return Extended(np.asarray(mantissa), power)


def _exact_product(a: Array, b: float) -> tuple[Array, Array]:
    """a * b as a rounded product and its error (Dekker 1971)."""
    (a1, a2), (b1, b2) = _halves(a), _halves(np.float64(b))
    product = a * b
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def _halves(a: Any) -> tuple[Any, Any]:
    high = a * (2.0**27 + 1.0)
    high = high - (high - a)
    return high, a - high
