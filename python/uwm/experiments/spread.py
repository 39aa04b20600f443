"""Mean, spread and interval over seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

# The 97.5% quantile for 1, 2, ... degrees of freedom.
STUDENT_T = [12.70620474, 4.30265273, 3.18244631, 2.77644511, 2.57058184]
STUDENT_T += [2.44691185, 2.36462425, 2.30600414, 2.26215716, 2.22813885]


@dataclass(frozen=True)
class Spread:
    """The mean over runs, their standard deviation, and half of the mean's 95% interval.

    The last two are NaN for a single run.
    """

    mean: float
    deviation: float
    margin: float
    runs: int


def spread(values: ArrayLike) -> Spread:
    """Return the statistics of one number per run.

    >>> values = spread([1.0, 2.0, 3.0])
    >>> values.mean, values.deviation, round(values.margin, 3)
    (2.0, 1.0, 2.484)
    """
    array = np.asarray(values, dtype=np.float64)
    deviation = float(array.std(ddof=1)) if len(array) > 1 else math.nan
    return Spread(float(array.mean()), deviation, float(margin(array[:, None])[0]), len(array))


def margin(curves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return half of the 95% interval of the mean over rows (Student t), NaN for a single row."""
    runs = len(curves)
    if runs < 2:
        return np.full(curves.shape[1], math.nan)
    error: NDArray[np.float64] = curves.std(axis=0, ddof=1) / math.sqrt(runs)
    return student_t(runs - 1) * error


def student_t(freedom: int) -> float:
    """Return the 97.5% quantile of Student's t, right to 5 digits.

    From 11 degrees of freedom by the normal quantile's expansion (Abramowitz and Stegun, 26.7.5).

    >>> round(student_t(30), 4)
    2.0423
    """
    if freedom <= len(STUDENT_T):
        return STUDENT_T[freedom - 1]
    z = 1.959963985
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    fourth = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160
    return z + first / freedom + second / freedom**2 + third / freedom**3 + fourth / freedom**4
