"""Local learning rules for networks of stochastic units.

``Network`` holds parameters and draws actions, ``Sample`` is the record of one forward pass, a
``Rule`` turns the reward into one reward per unit, an ``Optimizer`` applies the update, and
``train`` runs the circle in C++.

What is public stands in ``uwm._public``.
"""

import importlib as _importlib
import typing as _typing

from uwm import _on_demand
from uwm._core import __version__ as __version__  # the engine refuses a Python that is not for it

if _typing.TYPE_CHECKING:
    from uwm._public import *  # noqa: F403

_SUBPACKAGES = ("rl", "sklearn", "torch")  # those that need further packages


def __getattr__(name: str) -> _typing.Any:
    if name in _SUBPACKAGES:
        return _importlib.import_module(f"uwm.{name}")
    return _on_demand.find("uwm", name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__getattr__("__all__")})
