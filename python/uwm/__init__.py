"""Local learning rules for networks of stochastic units.

``Network`` holds parameters and draws actions, ``Sample`` is the record of one forward pass, a
``Rule`` turns the reward into one reward per unit, an ``Optimizer`` applies the update, and
``train`` runs the circle in C++.
"""

from uwm import tasks
from uwm._core import (
    SGD,
    Adam,
    Baseline,
    DivergenceError,
    Exponential,
    FileError,
    FlipDifference,
    Interrupted,
    InverseRoot,
    Layer,
    LayerGradient,
    Linear,
    Log,
    Network,
    Optimizer,
    PosteriorReinforce,
    Reinforce,
    Rule,
    RunningMean,
    Sample,
    StraightThrough,
    Task,
    UnbiasedWeightMax,
    WeightMax,
    __version__,
    automatic_rates,
    philox,
    simd_level,
    simd_levels,
    train,
)
from uwm.checkpoint import Checkpoint, load, save
from uwm.rules import RULES, RuleInfo, rule, rule_info

__all__ = [
    "RULES",
    "SGD",
    "Adam",
    "Baseline",
    "Checkpoint",
    "DivergenceError",
    "Exponential",
    "FileError",
    "FlipDifference",
    "Interrupted",
    "InverseRoot",
    "Layer",
    "LayerGradient",
    "Linear",
    "Log",
    "Network",
    "Optimizer",
    "PosteriorReinforce",
    "Reinforce",
    "Rule",
    "RuleInfo",
    "RunningMean",
    "Sample",
    "StraightThrough",
    "Task",
    "UnbiasedWeightMax",
    "WeightMax",
    "__version__",
    "automatic_rates",
    "load",
    "philox",
    "rule",
    "rule_info",
    "save",
    "simd_level",
    "simd_levels",
    "tasks",
    "train",
]

for _name in __all__:
    # Where the public lives, in tracebacks and documentation.
    if getattr(globals()[_name], "__module__", None) in ("uwm._core", "uwm.checkpoint"):
        globals()[_name].__module__ = "uwm"
del _name
