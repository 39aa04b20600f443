"""The built-in rules by name. The engine's registry is the only list of them."""

from __future__ import annotations

from dataclasses import dataclass

from uwm import _core
from uwm._core import Rule
from uwm.checks import instance, one_of
from uwm.own import is_own, make_own


@dataclass(frozen=True)
class RuleInfo:
    """What is known of a built-in rule.

    name: on the command line and in results. aliases: what else the field calls it. unbiased:
    whether its mean update is claimed to be the gradient, which the tests prove. description: a
    line on it.

    >>> import uwm
    >>> [name for name in uwm.RULES if not uwm.rule_info(name).unbiased]
    ['ste', 'weight_max', 'flip_difference', 'feedback_alignment']
    """

    name: str
    aliases: tuple[str, ...]
    unbiased: bool
    description: str


_INFOS = {info[0]: RuleInfo(*info) for info in _core.rule_infos()}
_NAMES = {alias: info.name for info in _INFOS.values() for alias in (info.name, *info.aliases)}

#: Names of the built-in rules.
RULES: tuple[str, ...] = tuple(_INFOS)


def rule_info(name: str) -> RuleInfo:
    """Return what is known of a built-in rule, by its name or an alias.

    Args:
        name: one of ``uwm.RULES``, or ``"hnca"`` (posterior_reinforce), ``"psa"``
            (flip_difference).

    Raises:
        ValueError: no rule has this name; the message lists those that there are.

    >>> import uwm
    >>> uwm.rule_info("hnca")  # doctest: +ELLIPSIS
    RuleInfo(name='posterior_reinforce', aliases=('hnca',), unbiased=True, description=...)
    """
    if not isinstance(name, str) or name not in _NAMES:
        one_of("rule", name, RULES)
    return _INFOS[_NAMES[name]]


def rule(name: str) -> Rule:
    """Return a new built-in rule by its name or an alias.

    Args, raises: as ``rule_info``.

    >>> import uwm
    >>> uwm.rule("weight_max").name
    'weight_max'
    """
    return _core.make_rule(rule_info(name).name)


def canonical(what: str, spec: str) -> str:
    """The name that results give a rule: a built-in rule's own, or that of a class of one's own.

    Args:
        what: what the rule is for, the first word of a message.
        spec: as `resolve` takes it.

    Raises:
        ValueError: no rule has this name. A class of one's own is not looked for.
    """
    instance(what, spec, str, "a name or a uwm.Rule")
    if is_own(spec):
        return spec
    try:
        return str(rule(spec).name)
    except ValueError:
        one_of(what, spec, (*RULES, "file.py:Class"))
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
    if not isinstance(spec, str) or not is_own(spec):
        return rule(canonical(what, spec))
    made = make_own(what, spec)
    if not isinstance(made, Rule):
        raise ValueError(f"{what} must name a subclass of uwm.Rule, got {spec}")
    return made
