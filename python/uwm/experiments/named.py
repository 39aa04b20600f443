"""Rules and gradient estimators by name, as the command line has them."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import uwm
from uwm.analysis import Arm, DisArm, LeaveOneOut, PerInputBaseline

CRITIC = "_per_input"
PEERS = ("arm", "disarm", "leave_one_out_4", "reinforce_per_input")


def rule_or_estimator(name: str) -> Any:
    """A built-in rule, an estimator of `uwm.analysis`, or an object of a class of one's own.

    name: one of `uwm.RULES` or of PEERS (leave_one_out_K for K samples, any rule's name with
    _per_input for the rule with a perfect critic), or `module:Class` or `path/to/file.py:Class` of
    a class that needs no arguments.
    Raises ValueError for an unknown name or a class that is neither, OSError for a missing file,
    ImportError for a missing module.

    >>> rule_or_estimator("ste").name, rule_or_estimator("leave_one_out_8").name
    ('ste', 'leave_one_out_8')
    """
    if name in uwm.RULES:
        return uwm.rule(name)
    if ":" in name:
        return _own(name)
    several = re.fullmatch(r"leave_one_out_(\d{1,9})", name)
    if several:
        return LeaveOneOut(int(several.group(1)))
    rule = name.removesuffix(CRITIC)
    if rule in uwm.RULES:
        return PerInputBaseline(uwm.rule(rule))
    if name in ("arm", "disarm"):
        return Arm() if name == "arm" else DisArm()
    known = ", ".join((*uwm.RULES, *PEERS))
    raise ValueError(f"rules: unknown {name!r}, expected one of {known}, or file.py:Class")


def _own(name: str) -> Any:
    where, _, attribute = name.rpartition(":")
    module = _from_file(Path(where)) if where.endswith(".py") else importlib.import_module(where)
    made = getattr(module, attribute, None)
    if not isinstance(made, type):
        raise ValueError(f"rules: {where} has no class {attribute!r}")
    try:
        inspect.signature(made).bind()
    except TypeError as error:
        raise ValueError(f"rules: {name}: expected a class without arguments: {error}") from error
    except ValueError:  # a class of C++, whose signature Python does not know
        pass
    rule = made()
    if not (hasattr(rule, "unit_rewards") or hasattr(rule, "updates")):
        raise ValueError(f"rules: {name}: expected a subclass of uwm.Rule")
    return rule


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise FileNotFoundError(2, "No such file", str(path))
    path = path.resolve()
    name = path.stem
    if name in sys.modules and getattr(sys.modules[name], "__file__", None) != str(path):
        name = f"uwm_own_{name}"  # a file may be called numpy.py
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # what the file's own classes look themselves up in
    spec.loader.exec_module(module)
    return module


def own_files(names: Iterable[str]) -> set[str]:
    """Return the files of the names that are a user's own, as tracebacks call them."""
    files = set()
    for name in names:
        where = name.rpartition(":")[0]
        if where.endswith(".py"):
            files.add(str(Path(where).resolve()))
        elif where:
            files.add(str(getattr(sys.modules.get(where), "__file__", None) or ""))
    return files - {""}
