"""Experiments: the questions that the command line answers, as functions of Python.

`compare`, `tune`, `gradients` and `measure_scaling` return results, which `uwm.report` writes into
files and draws.

>>> from uwm.experiments import Settings, compare
>>> rules = ("ste", "weight_max")
>>> result = compare(Settings(address_bits=1, hidden=(8,), rules=rules, episodes=100, seeds=2))
>>> [(run.rule, run.seed) for run in result.runs]
[('ste', 0), ('ste', 1), ('weight_max', 0), ('weight_max', 1)]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uwm.experiments.comparison import Comparison as Comparison, compare as compare
    from uwm.experiments.frames import load as load
    from uwm.experiments.gradient_study import (
        GradientStudy as GradientStudy,
        Measurement as Measurement,
        gradients as gradients,
    )
    from uwm.experiments.progress import Progress as Progress
    from uwm.experiments.runs import Run as Run, Unfinished as Unfinished
    from uwm.experiments.scaling import (
        Plan as Plan,
        Point as Point,
        Scaling as Scaling,
        measure_scaling as measure_scaling,
    )
    from uwm.experiments.settings import Settings as Settings
    from uwm.experiments.store import Store as Store
    from uwm.experiments.tuning import (
        Search as Search,
        Trial as Trial,
        Tuned as Tuned,
        tune as tune,
    )

# The module of each name, imported when it is asked for: a command takes a few of them only.
_MODULES = {
    "Comparison": "comparison",
    "compare": "comparison",
    "load": "frames",
    "GradientStudy": "gradient_study",
    "Measurement": "gradient_study",
    "gradients": "gradient_study",
    "Progress": "progress",
    "Run": "runs",
    "Unfinished": "runs",
    "Plan": "scaling",
    "Point": "scaling",
    "Scaling": "scaling",
    "measure_scaling": "scaling",
    "Settings": "settings",
    "Store": "store",
    "Search": "tuning",
    "Trial": "tuning",
    "Tuned": "tuning",
    "tune": "tuning",
}

__all__ = [
    "Comparison",
    "GradientStudy",
    "Measurement",
    "Plan",
    "Point",
    "Progress",
    "Run",
    "Scaling",
    "Search",
    "Settings",
    "Trial",
    "Tuned",
    "Unfinished",
    "compare",
    "gradients",
    "load",
    "measure_scaling",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'uwm.experiments' has no attribute {name!r}")
    found = getattr(importlib.import_module(f"uwm.experiments.{_MODULES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
