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
from uwm.checks import one_of, shown
from uwm.own import is_own, make_own

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


def canonical(what: str, spec: str) -> str:
    """The name that results give a rule: a built-in rule's own, or that of a class of one's own.

    Args:
        what: what the rule is for, the first word of a message.
        spec: as `resolve` takes it.

    Raises:
        ValueError: no rule has this name. A class of one's own is not looked for.
    """
    if is_own(spec):
        return spec
    try:
        return str(rule(spec).name)
    except ValueError:
        one_of(what, spec, RULES)
        raise


def resolve(spec: str | Rule, what: str = "rules") -> Rule:
    """A rule by whatever stands for it, in every command and every function.

    Args:
        spec: a name or an alias, `mine.py:MyRule` or `package.module:MyRule` for a class of one's
            own that needs no arguments, or a rule.
        what: what the rule is for, the first word of a message.

    Raises:
        ValueError: no rule has this name, or the class is no rule or needs arguments.
        OSError: there is no such file.
        ImportError: there is no such module.

    >>> from uwm.rules import resolve
    >>> resolve("ste").name, resolve("uwm:WeightMax").name
    ('ste', 'weight_max')
    """
    if isinstance(spec, Rule):
        return spec
    if not is_own(spec):
        return rule(canonical(what, spec))
    made = make_own(what, spec)
    if not isinstance(made, Rule):
        raise ValueError(f"{what} must name a subclass of uwm.Rule, got {spec}")
    return made
