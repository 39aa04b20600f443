"""Numbers and intervals of bias and noise, as tables show them."""

from __future__ import annotations

from uwm.analysis import Estimate


def interval(estimate: Estimate, digits: int) -> str:
    """Return a number, with its interval if it has one."""
    value, low, high = (
        number(part, digits) for part in (estimate.value, estimate.low, estimate.high)
    )
    return value if estimate.low == estimate.high else f"{value} [{low}, {high}]"


def number(value: float, digits: int) -> str:
    """Return a number to so many digits, without an exponent below a million.

    >>> number(1234.5, 3), number(1e-12, 2)
    ('1,230', '1e-12')
    """
    return f"{float(f'{value:.{digits}g}'):,g}"
