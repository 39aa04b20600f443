"""Inputs of mean 0 and standard deviation 1, without loss where a column hardly varies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def standardized(
    train: NDArray[np.float64], test: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both parts with each column's mean and standard deviation over `train` taken out.

    A column that is constant in `train` tells nothing and becomes 0 in both.
    Raises ValueError for a test value that is too far from the training values for float64.

    The mean is taken of differences from the first row, which are exact where the values are close
    to one another, and of numbers that a power of two has brought to at most 1, so that no size of
    them overflows.

    >>> import numpy as np
    >>> times = 1.7e9 + np.arange(3.0)[:, None] * 1e-4
    >>> standardized(times, times[:1])[0].round(2)
    array([[-1.22],
           [ 0.  ],
           [ 1.22]])
    """
    _, exponent = np.frexp(np.abs(train).max(axis=0))
    first = np.ldexp(train[0], -exponent)
    distance = np.ldexp(train, -exponent) - first
    mean = distance.mean(axis=0)
    mean += (distance - mean).mean(axis=0)
    deviation = np.sqrt(np.square(distance - mean).mean(axis=0))
    scale = np.where(np.any(distance != 0, axis=0), deviation, np.inf)
    with np.errstate(over="ignore", invalid="ignore"):
        apart = np.ldexp(test, -exponent) - first
        scaled = np.where(np.isinf(scale), 0.0, (apart - mean) / scale)
    if not np.isfinite(scaled).all():
        row, column = np.argwhere(~np.isfinite(scaled))[0].tolist()
        raise ValueError(
            f"test_inputs: {test[row, column]} in row {row}, column {column} is too far from the"
            " training examples to be scaled as they are"
        )
    return (distance - mean) / scale, scaled
