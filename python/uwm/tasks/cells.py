"""What one cell of a table says: a number, a missing value, or a name."""

from __future__ import annotations

import math
import re

from uwm.checks import EXACT

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "<na>", "none", "?", "-", "."})
SPECIAL = frozenset({"nan", "inf", "infinity"})
COMMA_NUMBER = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?", re.ASCII)


def is_missing_cell(cell: str) -> bool:
    """Tell whether a cell is empty or holds one of the usual words for a missing value.

    >>> is_missing_cell("NA"), is_missing_cell("0")
    (True, False)
    """
    return cell.lower() in MISSING


def as_number(cell: str, *, decimal_comma: bool = False) -> float | None:
    """Return a cell's number, infinite where it is too large, and None if it is no number.

    A number is written as in 12, -1.5, .5 or 1e-3; Python's own 1_000, nan and inf are none.

    >>> as_number("1e3"), as_number("1_000"), as_number("1,5", decimal_comma=True)
    (1000.0, None, 1.5)
    """
    if decimal_comma and COMMA_NUMBER.fullmatch(cell):
        cell = cell.replace(",", ".")
    try:
        number = float(cell)
    except ValueError:
        return None
    if "_" in cell or not cell.isascii() or cell.lstrip("+-").lower() in SPECIAL:
        return None
    return number


def why_no_input(cell: str, number: float | None) -> str | None:
    """Return what is wrong with a cell as an input, None if nothing is.

    >>> why_no_input("12%", None)
    "'12%' is not a number"
    """
    shown = repr(cell) if len(cell) <= 40 else f"{cell[:40]!r}..."
    if number is None:
        if cell.lstrip("+-").lower() in SPECIAL:
            return f"{shown} is not a finite number"
        return f"{shown} is not a number" + (
            ": the value is missing" if is_missing_cell(cell) else ""
        )
    if not math.isfinite(number):
        return f"{shown} is not a finite number in float64"
    if abs(number) > EXACT and cell.lstrip("+-").isdigit() and int(number) != int(cell):
        return f"{shown} is an integer that float64 cannot hold"
    return None
