"""Experiments: the questions that the command line answers, as functions of Python.

>>> from uwm.experiments import Settings, compare
>>> rules = ("ste", "weight_max")
>>> result = compare(Settings(address_bits=1, hidden=(8,), rules=rules, episodes=100, seeds=2))
>>> [(run.rule, run.seed) for run in result.runs]
[('ste', 0), ('ste', 1), ('weight_max', 0), ('weight_max', 1)]
"""

from uwm.experiments.comparison import Comparison, ComparisonInterrupted, Run, Unfinished, compare
from uwm.experiments.gradients import GradientStudy, Measurement, gradients
from uwm.experiments.settings import Settings

__all__ = [
    "Comparison",
    "ComparisonInterrupted",
    "GradientStudy",
    "Measurement",
    "Run",
    "Settings",
    "Unfinished",
    "compare",
    "gradients",
]
