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
    from uwm.experiments.gradient_study.result import (
        GradientStudy as GradientStudy,
        Measurement as Measurement,
    )
    from uwm.experiments.gradient_study.study import gradients as gradients
    from uwm.experiments.progress import Progress as Progress
    from uwm.experiments.runs import Run as Run, Unfinished as Unfinished
    from uwm.experiments.scaling.plan import Plan as Plan
    from uwm.experiments.scaling.result import Point as Point, Scaling as Scaling
    from uwm.experiments.scaling.study import measure_scaling as measure_scaling
    from uwm.experiments.settings import Settings as Settings
    from uwm.experiments.store import Store as Store
    from uwm.experiments.tuning.result import Tuned as Tuned
    from uwm.experiments.tuning.runner import tune as tune
    from uwm.experiments.tuning.search import Search as Search
    from uwm.experiments.tuning.trials import Trial as Trial

# The module of each name, imported when it is asked for: a command takes a few of them only.
_MODULES = {
    "Comparison": "comparison",
    "compare": "comparison",
    "load": "frames",
    "GradientStudy": "gradient_study.result",
    "Measurement": "gradient_study.result",
    "gradients": "gradient_study.study",
    "Progress": "progress",
    "Run": "runs",
    "Unfinished": "runs",
    "Plan": "scaling.plan",
    "Point": "scaling.result",
    "Scaling": "scaling.result",
    "measure_scaling": "scaling.study",
    "Settings": "settings",
    "Store": "store",
    "Search": "tuning.search",
    "Trial": "tuning.trials",
    "Tuned": "tuning.result",
    "tune": "tuning.runner",
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
