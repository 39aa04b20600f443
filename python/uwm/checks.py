"""Numbers and names that a user gives, checked in one way for functions, files and options.

Numbers may come from anywhere: Python, NumPy, JSON, the text of an option. What passes is returned
as plain Python, which JSON can hold.
"""

from __future__ import annotations

import difflib
import math
import numbers
import operator
import os
import re
import sys
from collections.abc import Sequence
from decimal import Context, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

LONGEST = 60  # characters of a value in a message
MOST = 2**63 - 1
MOST_SEED = 2**64 - 1
EXACT = 2**53  # every integer up to here is a float64


def whole_number(name: str, value: object, least: int, most: int = MOST) -> int:
    """Return a whole number between least and most as an int.

    An integer of Python or NumPy passes, and a float without a fraction such as 1e4.
    Raises TypeError for what is no whole number, ValueError for one that is out of range.

    >>> whole_number("steps", 1e4, 1)
    10000
    """
    made = _integer(name, value)
    if made < least:
        raise ValueError(f"{name} must be at least {least}, got {shown(made)}")
    if made > most:
        raise ValueError(f"{name} must be at most {most:,}, got {shown(made)}")
    return made


def _integer(name: str, value: object) -> int:
    value = _scalar(value)
    if isinstance(value, bool) or _of_numpy(value, "bool_"):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        pass
    if isinstance(value, numbers.Real) and math.isfinite(value) and value == math.floor(value):
        return int(value)  # type: ignore[call-overload,no-any-return]
    raise TypeError(f"{name} must be a whole number, got {shown(value)}")


def finite(
    name: str,
    value: object,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
    most: float | None = None,
) -> float:
    """Return a finite number within bounds as a float, or as the int that it was.

    Raises TypeError for what is no number, ValueError for NaN, infinity, what no float can hold,
    and what is out of bounds.

    >>> finite("momentum", 0.5, least=0, below=1)
    0.5
    >>> finite("momentum", 1, least=0, below=1)
    Traceback (most recent call last):
    ValueError: momentum must be at least 0 and below 1, got 1
    """
    made = _finite(name, value)
    limits = (("above", above), ("at least", least), ("below", below), ("at most", most))
    inside = (
        (above is None or made > above)
        and (least is None or made >= least)
        and (below is None or made < below)
        and (most is None or made <= most)
    )
    if not inside:
        bounds = " and ".join(f"{word} {limit:g}" for word, limit in limits if limit is not None)
        raise ValueError(f"{name} must be {bounds}, got {shown(made)}")
    return made


def _finite(name: str, value: object) -> float:
    value = _scalar(value)
    truth = isinstance(value, bool) or _of_numpy(value, "bool_")
    if truth or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {shown(value)}")
    try:
        made = float(value)
    except OverflowError:
        made = math.inf
    if not math.isfinite(made):
        raise ValueError(f"{name} must be a finite number, got {shown(value)}")
    if isinstance(value, numbers.Integral):
        return int(value)
    # The shortest decimal of a float32: 0.1 stays 0.1.
    return float(str(value)) if _of_numpy(value, "floating") else made


def sequence(name: str, value: object) -> tuple[object, ...]:
    """Return the items of a list, tuple, range or one-dimensional array.

    Raises TypeError for anything else, a set or a dict for instance, whose items have no order.
    """
    if not is_sequence(value):
        raise TypeError(f"{name} must be a sequence, got {shown(value)}")
    return tuple(value)  # type: ignore[arg-type]


def is_false(answer: object) -> bool:
    """Whether a progress function has asked to stop: None, or 0, has not.

    >>> is_false(False), is_false(None), is_false(0)
    (True, False, False)
    """
    return (isinstance(answer, bool) or _of_numpy(answer, "bool_")) and not answer


def is_sequence(value: Any) -> bool:
    """Tell whether a value is a list, tuple, range or one-dimensional array.

    >>> is_sequence([3, 1]), is_sequence({3, 1}), is_sequence("31")
    (True, False, False)
    """
    if _of_numpy(value, "ndarray"):
        return bool(value.ndim == 1)
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def one_of(name: str, value: object, known: Sequence[str]) -> None:
    """Raise ValueError listing the known values if value is none of them."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(
            f"{name} must be one of {', '.join(known)}, got {shown(value)}{meant(value, known)}"
        )


def meant(value: object, known: Sequence[str], *, cutoff: float = 0.6) -> str:
    """Return the end of a message: which of the known values was perhaps meant.

    cutoff: how much alike the two must be, up to 1.

    >>> meant("WeightMax", ["ste", "weight_max"])
    ' (did you mean weight_max?)'
    """
    words = value.strip().lower() if isinstance(value, str) else ""
    close = difflib.get_close_matches(words, known, n=1, cutoff=cutoff)
    return f" (did you mean {close[0]}?)" if close else ""


def instance(name: str, value: object, of: type, words: str) -> None:
    """Raise TypeError unless a value is of a class; words says what it must be.

    >>> instance("net", [3, 1], int, "a uwm.Network")
    Traceback (most recent call last):
    TypeError: net must be a uwm.Network, got [3, 1]
    """
    if not isinstance(value, of):
        raise TypeError(f"{name} must be {words}, got {shown(value)}")


def function(name: str, value: object) -> None:
    """Raise TypeError unless a value can be called.

    >>> function("progress", print)
    """
    if not callable(value):
        raise TypeError(f"{name} must be callable, got {shown(value)}")


def file_path(name: str, value: object) -> Path:
    """Return the path of a file or folder.

    Raises TypeError for what is neither a text nor a path.

    >>> file_path("folder", "out").name
    'out'
    """
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name} must be a path, got {shown(value)}")
    return Path(os.fsdecode(value))


def check_task(net: Any, task: Any) -> None:
    """Raise ValueError unless a network has the inputs and outputs of a task.

    A single Bernoulli unit may act for a task with two outputs.

    >>> import uwm
    >>> check_task(uwm.Network([3, 1]), uwm.tasks.Multiplexer(address_bits=2))
    Traceback (most recent call last):
    ValueError: net must have the task's 6 inputs, got 3
    """
    if net.sizes[0] != task.n_inputs:
        raise ValueError(f"net must have the task's {task.n_inputs} inputs, got {net.sizes[0]}")
    one_unit = task.n_outputs == 2 and net.sizes[-1] == 1 and net.output == "bernoulli"
    if net.sizes[-1] != task.n_outputs and not one_unit:
        raise ValueError(f"net must have the task's {task.n_outputs} outputs, got {net.sizes[-1]}")


def parse_whole(text: str) -> int:
    """Return the whole number that a text stands for, in any notation: 10000, 10_000, 1e4.

    Raises ValueError for anything else.

    >>> parse_whole("1e4")
    10000
    """
    text = text.strip()
    try:
        number = Decimal(text)
        # An exponent may ask for more digits than there is memory.
        if number.is_finite() and number.adjusted() < 400 and number == number.to_integral_value():
            return int(number)
    except InvalidOperation:
        pass
    raise ValueError(f"must be a whole number, got {shown(text)}")


def shown(value: Any) -> str:
    """Return a value as one line of a message, the middle of a long one left out.

    >>> shown(10**100)
    '1e+100'
    """
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**30:
        return f"{Decimal(value).normalize(Context(prec=6)):g}"
    words = repr(value.item() if _of_numpy(value, "generic") else value)
    if isinstance(value, type) or " at 0x" in words:
        return kind(value)
    return shortened(one_line(words), LONGEST)


def kind(value: object) -> str:
    """Return what a value is, for messages: its class, or its name if it is a class itself.

    >>> kind([1]), kind(int)
    ('a list', 'the class int')
    """
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeiouAEIO" else f"a {name}"


def one_line(text: str) -> str:
    """Return text with everything that is not printable, line ends above all, written as escapes.

    >>> one_line("a\\nb")
    'a\\\\nb'
    """
    if text.isprintable():
        return text
    return re.sub(
        r"[^ -~]",
        lambda found: found[0] if found[0].isprintable() else ascii(found[0])[1:-1],
        text,
    )


def shortened(text: str, most: int) -> str:
    """Return text of at most so many characters, the middle left out of a longer one.

    >>> shortened("a long name", 6)
    'a l…me'
    """
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[len(text) - tail :]}"


def _scalar(value: Any) -> object:
    return value[()] if _of_numpy(value, "ndarray") and value.ndim == 0 else value


def _of_numpy(value: object, name: str) -> bool:
    """Tell whether a value is of a class of NumPy. Nothing is where nobody has imported it."""
    return isinstance(value, getattr(sys.modules.get("numpy"), name, ()))
