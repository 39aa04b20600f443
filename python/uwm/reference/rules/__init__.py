"""The learning rules, a file each, as in the engine's ``rules`` folder.

Every file here is read; the classes in it that the engine has too are the rules.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from uwm import _core
from uwm.rules import RULES, rule_info

from .base import LayerGradient, Rule


def _found() -> dict[str, type[Rule]]:
    files = [import_module(file.name) for file in iter_modules(__path__, f"{__name__}.")]
    defined = {name: value for file in files for name, value in vars(file).items()}
    names = [cls.__name__ for cls in _core.rule_classes()]
    return {name: defined[name] for name in names if name in defined}


#: The class of each rule by its name, which is that of the engine's.
CLASSES = _found()

__all__ = ["CLASSES", "RULES", "LayerGradient", "Rule", "rule", *CLASSES]


def __getattr__(name: str) -> Any:
    """Return the class of a rule, as if it had been imported by its name."""
    if name in CLASSES:
        return CLASSES[name]
    raise AttributeError(f"uwm.reference has no {name}")


def rule(name: str) -> Rule:
    """The built-in rule of that name or alias; ValueError listing the names if there is none.

    >>> rule("ste")
    StraightThrough()
    """
    wanted = rule_info(name).name
    for cls in CLASSES.values():
        for made in cls.forms():
            if made.name == wanted:
                return made
    raise NotImplementedError(f"no file in python/uwm/reference/rules has the rule {wanted}")
