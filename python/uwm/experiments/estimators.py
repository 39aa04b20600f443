"""Rules and gradient estimators by name, as the command line has them."""

from __future__ import annotations

import re
from typing import Any

import uwm
from uwm.analysis import Arm, DisArm, LeaveOneOut, PerInputBaseline
from uwm.checks import meant, shown
from uwm.experiments.estimator_names import PEERS
from uwm.own import is_own, make_own
from uwm.rules import resolve

CRITIC = "_per_input"


def rule_or_estimator(spec: Any) -> Any:
    """Return a rule, an estimator of `uwm.analysis`, or an object of a class of one's own.

    spec: a rule as `uwm.rules.resolve` takes it, or the name of an estimator, one of PEERS:
    leave_one_out_K for K samples, any rule's name with _per_input for the rule with a perfect
    critic. A class of one's own may be an estimator, too. An object is itself.
    Raises ValueError for an unknown name or a class that is neither, OSError for a missing file,
    ImportError for a missing module.

    >>> rule_or_estimator("ste").name, rule_or_estimator("leave_one_out_8").name
    ('ste', 'leave_one_out_8')
    """
    if not isinstance(spec, str):
        return spec
    if is_own(spec):
        made = make_own("rules", spec)
        if not (hasattr(made, "unit_rewards") or hasattr(made, "updates")):
            raise ValueError(f"rules must name subclasses of uwm.Rule, got {spec}")
        return made
    several = re.fullmatch(r"leave_one_out_(\d{1,9})", spec)
    if several:
        return LeaveOneOut(int(several.group(1)))
    if spec in ("arm", "disarm"):
        return Arm() if spec == "arm" else DisArm()
    rule = _rule(spec)
    if rule is not None:
        return rule
    rule = _rule(spec.removesuffix(CRITIC))
    if rule is not None:
        return PerInputBaseline(rule)
    known = (*uwm.RULES, *PEERS)
    raise ValueError(
        f"rules must be some of {', '.join(known)}, or file.py:Class, got"
        f" {shown(spec)}{meant(spec, known)}"
    )


def _rule(name: str) -> uwm.Rule | None:
    try:
        return resolve(name)
    except ValueError:
        return None
