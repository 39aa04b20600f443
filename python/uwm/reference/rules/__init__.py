"""The learning rules, a file each, as in the engine's ``rules`` folder."""

from __future__ import annotations

from collections.abc import Callable

from uwm.rules import RULES, rule_info

from .backward import StraightThrough, WeightMax
from .flip_difference import FlipDifference
from .posterior_reinforce import PosteriorReinforce
from .reinforce import Reinforce
from .rule import LayerGradient, Rule
from .unbiased import FORMS, UnbiasedWeightMax

__all__ = [
    "RULES",
    "FlipDifference",
    "LayerGradient",
    "PosteriorReinforce",
    "Reinforce",
    "Rule",
    "StraightThrough",
    "UnbiasedWeightMax",
    "WeightMax",
    "rule",
]

_MAKERS: tuple[Callable[[], Rule], ...] = (
    Reinforce,
    StraightThrough,
    WeightMax,
    *(lambda form=form: UnbiasedWeightMax(form) for form in FORMS),
    FlipDifference,
    PosteriorReinforce,
)


def rule(name: str) -> Rule:
    """The built-in rule of that name or alias; ValueError listing the names if there is none.

    >>> rule("ste")
    StraightThrough()
    """
    wanted = rule_info(name).name
    return next(made for made in (make() for make in _MAKERS) if made.name == wanted)
