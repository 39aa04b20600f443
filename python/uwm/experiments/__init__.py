"""Experiments: the questions that the command line answers, as functions of Python.

`compare`, `tune`, `gradients` and `measure_scaling` return results, which `uwm.report` writes into
files and draws.

>>> from uwm.experiments import Settings, compare
>>> rules = ("ste", "weight_max")
>>> result = compare(Settings(address_bits=1, hidden=(8,), rules=rules, episodes=100, seeds=2))
>>> [(run.rule, run.seed) for run in result.runs]
[('ste', 0), ('ste', 1), ('weight_max', 0), ('weight_max', 1)]
"""

from uwm.experiments.comparison import Comparison, compare
from uwm.experiments.frames import load
from uwm.experiments.gradient_study import GradientStudy, Measurement, gradients
from uwm.experiments.progress import Progress
from uwm.experiments.runs import Run, Unfinished
from uwm.experiments.scaling import Plan, Point, Scaling, measure_scaling
from uwm.experiments.settings import Settings
from uwm.experiments.tuning import Search, Trial, Tuned, tune

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
