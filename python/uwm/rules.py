"""The built-in rules by name, as the command line and the results have them."""

from collections.abc import Callable

from uwm._core import (
    FlipDifference,
    PosteriorReinforce,
    Reinforce,
    Rule,
    StraightThrough,
    UnbiasedWeightMax,
    WeightMax,
)
from uwm.checks import shown

_MAKERS: dict[str, Callable[[], Rule]] = {
    "reinforce": Reinforce,
    "ste": StraightThrough,
    "weight_max": WeightMax,
    "unbiased_weight_max": UnbiasedWeightMax,
    "unbiased_weight_max_blended": lambda: UnbiasedWeightMax(blended=True),
    "unbiased_weight_max_two_sided": lambda: UnbiasedWeightMax(two_sided=True),
    "unbiased_weight_max_one_sided": lambda: UnbiasedWeightMax(one_sided=True),
    "flip_difference": FlipDifference,
    "posterior_reinforce": PosteriorReinforce,
}

#: Names of the built-in rules.
RULES: tuple[str, ...] = tuple(_MAKERS)


def rule(name: str) -> Rule:
    """A built-in rule by its name.

    Args:
        name: one of ``uwm.RULES``.

    Raises:
        ValueError: no rule has this name; the message lists those that there are.

    >>> import uwm
    >>> uwm.rule("weight_max").name
    'weight_max'
    """
    if not isinstance(name, str) or name not in _MAKERS:
        raise ValueError(f"rule must be one of {', '.join(RULES)}; got {shown(name)}")
    return _MAKERS[name]()
