"""Real numbers of any size: a sign and the logarithm of the magnitude.

A unit's kappa may be exp(10,000), and a layer multiplies thousands of them. Kept as logarithms they
stay finite, and the rules can be written as the equations they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Array

LARGEST = 1e300  # value() goes no further: leaves room to multiply and add in float64


@dataclass(frozen=True)
class SignedLog:
    """Arrays of numbers sign * exp(log); zero has sign 0 and log -infinity.

    >>> product = SignedLog.exp(np.array([9e3, 9e3])) * SignedLog.exp(np.array([-9e3, -1e4]))
    >>> product.value()
    array([1., 0.])
    """

    sign: Array
    log: Array

    @staticmethod
    def of(value: Array) -> SignedLog:
        """The numbers of an ordinary array."""
        with np.errstate(divide="ignore"):
            return SignedLog(np.sign(value), np.log(np.abs(value)))

    @staticmethod
    def exp(log: Array) -> SignedLog:
        """Positive numbers, given their logarithms."""
        return SignedLog(np.ones_like(log), log)

    @staticmethod
    def one_minus_exp(log: Array) -> SignedLog:
        """1 - exp(log), keeping its digits when exp(log) is close to 1 and when it is huge."""
        # 1 - e^x is -expm1(x) for x <= 0, and e^x expm1(-x), where nothing overflows, for x > 0
        difference = SignedLog.of(np.expm1(-np.abs(log)))
        return SignedLog(-np.sign(log), difference.log + np.maximum(log, 0.0))

    def __mul__(self, other: SignedLog) -> SignedLog:
        return SignedLog(self.sign * other.sign, self.log + other.log)

    def __truediv__(self, other: SignedLog) -> SignedLog:
        return SignedLog(self.sign * other.sign, self.log - other.log)

    def __neg__(self) -> SignedLog:
        return SignedLog(-self.sign, self.log)

    def __add__(self, other: SignedLog) -> SignedLog:
        top = _finite(np.maximum(self.log, other.log))
        total = self.sign * np.exp(self.log - top) + other.sign * np.exp(other.log - top)
        return SignedLog.of(total)._scaled(top)

    def __sub__(self, other: SignedLog) -> SignedLog:
        return self + (-other)

    def __getitem__(self, index: tuple[slice | None, ...]) -> SignedLog:
        return SignedLog(self.sign[index], self.log[index])

    def sum(self, axis: int) -> SignedLog:
        """Sum over one axis."""
        top = _finite(self.log.max(axis=axis))
        total = (self.sign * np.exp(self.log - np.expand_dims(top, axis))).sum(axis=axis)
        return SignedLog.of(total)._scaled(top)

    def value(self) -> Array:
        """The ordinary numbers, those beyond +-1e300 cut off there."""
        return np.asarray(self.sign * np.minimum(np.exp(np.minimum(self.log, 700.0)), LARGEST))

    def _scaled(self, log: Array) -> SignedLog:
        return SignedLog(self.sign, self.log + log)


def _finite(log: Array) -> Array:
    return np.where(np.isfinite(log), log, 0.0)
