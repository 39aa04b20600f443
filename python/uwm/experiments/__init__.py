"""Experiments: the questions that the command line answers, as functions of Python.

>>> from uwm.experiments import Settings, compare
>>> rules = ("ste", "weight_max")
>>> result = compare(Settings(address_bits=1, hidden=(8,), rules=rules, episodes=100, seeds=2))
>>> [(run.rule, run.seed) for run in result.runs]
[('ste', 0), ('ste', 1), ('weight_max', 0), ('weight_max', 1)]
"""

from uwm.experiments.comparison import Comparison, ComparisonInterrupted, Run, Unfinished, compare
from uwm.experiments.gradients import GradientStudy, Measurement, gradients
from uwm.experiments.scaling import Plan, Point, Scaling, measure_scaling
from uwm.experiments.settings import Settings
from uwm.experiments.tuning import Search, Trial, Tuned, TuningInterrupted, tune

__all__ = [
    "Comparison",
    "ComparisonInterrupted",
    "GradientStudy",
    "Measurement",
    "Plan",
    "Point",
    "Run",
    "Scaling",
    "Search",
    "Settings",
    "Trial",
    "Tuned",
    "TuningInterrupted",
    "Unfinished",
    "compare",
    "gradients",
    "measure_scaling",
    "tune",
]
