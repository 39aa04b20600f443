"""What a learning curve says: at chance to the end, still rises, fell back from its best.

A curve is cut into tenths. The noise of a tenth's mean is estimated from neighbouring points of the
curve's second half, so that a rise of the curve is no noise.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]

FEWEST_POINTS = 20  # two in each tenth
ERRORS = 3.0  # standard errors that are no accident
STEEP = 0.05  # of all that was gained, in the last tenth alone
FAR = 0.25  # of all that was gained, lost again


def is_long_enough(curve: Curve) -> bool:
    """Tell whether a curve has enough points for the other functions: 20."""
    return len(curve) >= FEWEST_POINTS


def tenths(curve: Curve) -> Curve:
    """Return the means of the ten tenths of a curve.

    >>> tenths(np.arange(20.0))[:3].tolist()
    [0.5, 2.5, 4.5]
    """
    return np.array([part.mean() for part in np.array_split(curve, 10)])


def noise(curve: Curve) -> float:
    """Return the standard error of a tenth's mean.

    The deviation of a point is the root of half the mean squared difference of neighbours.
    """
    steps = np.diff(curve[len(curve) // 2 :])
    return math.sqrt(float(np.mean(steps**2)) / 2 / (len(curve) / 10))


def at_chance(curve: Curve, line: float, error: float = 0.0) -> bool:
    """Tell whether the last tenth earned no more, within noise, than a policy that does not learn.

    line: what that policy earns, with a standard error. Within noise is: not above the line by
    three standard errors of the difference. In a short run that may hide what was learned.

    >>> flat = np.tile([0.1, -0.1], 20)
    >>> at_chance(flat, 0.0), at_chance(flat + 0.5, 0.0)
    (True, False)
    """
    last = float(tenths(curve)[-1])
    return last <= line + ERRORS * math.hypot(noise(curve), error)


def fell_back(curve: Curve, line: float | None = None) -> bool:
    """Tell whether the last tenth has lost a quarter of what the best tenth had gained.

    line: where the gain begins, by default the lowest tenth. The loss must be beyond four standard
    errors of the difference, more than usual because the best tenth is the best of ten.

    >>> curve = np.concatenate([np.linspace(0, 1, 50), np.full(50, 0.5)])
    >>> fell_back(curve), fell_back(np.linspace(0, 1, 100))
    (True, False)
    """
    parts = tenths(curve)
    best, loss = float(parts.max()), float(parts.max() - parts[-1])
    gain = best - (float(parts.min()) if line is None else line)
    beyond = (ERRORS + 1) * math.sqrt(2) * noise(curve)
    return gain > 0 and loss > FAR * gain and loss > beyond


def still_rises(curves: list[Curve], line: float | None = None) -> tuple[float, float] | None:
    """Return the means of the last two tenths over all runs if the rise between them is steep.

    Steep is a twentieth of all that was gained since `line`, by default since the first tenth, and
    three standard errors.

    >>> still_rises([np.linspace(0, 1, 100)])
    (0.85, 0.95)
    >>> still_rises([np.minimum(np.linspace(0, 2, 100), 1.0)]) is None
    True
    """
    parts = np.mean([tenths(curve) for curve in curves], axis=0)
    before, last = float(parts[-2]), float(parts[-1])
    gain = last - (float(parts[0]) if line is None else line)
    error = math.sqrt(2 * sum(noise(curve) ** 2 for curve in curves)) / len(curves)
    rise = last - before
    steep = gain > 0 and rise > STEEP * gain and rise > ERRORS * error
    return (before, last) if steep else None
