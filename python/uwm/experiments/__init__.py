"""Experiments: the questions that the command line answers, as functions of Python.

`compare`, `tune`, `gradients` and `measure_scaling` return results, which `uwm.report` writes into
files and draws.

>>> from uwm.experiments import Settings, compare
>>> rules = ("ste", "weight_max")
>>> result = compare(Settings(address_bits=1, hidden=(8,), rules=rules, episodes=100, seeds=2))
>>> [(run.rule, run.seed) for run in result.runs]
[('ste', 0), ('ste', 1), ('weight_max', 0), ('weight_max', 1)]
"""

from typing import TYPE_CHECKING, Any

from uwm import _on_demand

if TYPE_CHECKING:
    from uwm.experiments._public import *  # noqa: F403


def __getattr__(name: str) -> Any:
    return _on_demand.find("uwm.experiments", name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__getattr__("__all__")})
