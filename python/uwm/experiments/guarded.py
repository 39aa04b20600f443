"""Measure several rules together; an error in one costs that one only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Failed:
    """What a rule has instead of a result."""

    rule: Any
    error: BaseException


def each_alone(measure: Callable[[Sequence[Any]], Sequence[T]], rules: Sequence[Any]) -> list[Any]:
    """Return the result of each rule, `Failed` in the place of one that cannot be measured.

    measure(rules): the results of rules measured together, which saves most of the work. Where it
    raises, they are measured one by one.

    >>> each_alone(lambda rules: [1 / rule for rule in rules], [2, 0])
    [0.5, Failed(rule=0, error=ZeroDivisionError('division by zero'))]
    """
    try:
        return list(measure(rules))
    except (Exception, SystemExit) as error:
        if len(rules) <= 1:
            return [Failed(rule, error) for rule in rules]
    return [each_alone(measure, [rule])[0] for rule in rules]
