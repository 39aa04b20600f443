"""Matrix products that stay finite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from uwm.protocols import Array


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
