"""The slow, obvious NumPy twin of the engine: same names, same random numbers, no cleverness.

The classes of the rules, `Reinforce` and so on, are those of its folder ``rules``.
"""

from __future__ import annotations

from . import (
    baselines,
    flips,
    network,
    optimizers,
    outputs,
    random,
    rules,
    schedules,
    step_sizes,
    tasks,
)
from .baselines import Baseline, RunningMean
from .network import Layer, Network, Sample
from .optimizers import SGD, Adam
from .outputs import *  # noqa: F403
from .random import philox
from .rules import (
    RULES,
    LayerGradient,
    Rule,
    __getattr__ as __getattr__,
    rule,
)
from .schedules import Exponential, InverseRoot, Linear, Schedule
from .step_sizes import automatic_rates
from .tasks import Bandit, Multiplexer, Task
from .training import Interrupted, Learner, Log, train

__all__ = [
    "RULES",
    "SGD",
    "Adam",
    "Bandit",
    "Baseline",
    "Exponential",
    "Interrupted",
    "InverseRoot",
    "Layer",
    "LayerGradient",
    "Learner",
    "Linear",
    "Log",
    "Multiplexer",
    "Network",
    "Rule",
    "RunningMean",
    "Sample",
    "Schedule",
    "Task",
    "automatic_rates",
    "baselines",
    "flips",
    "network",
    "optimizers",
    "outputs",
    "philox",
    "random",
    "rule",
    "rules",
    "schedules",
    "step_sizes",
    "tasks",
    "train",
    *outputs.__all__,
    *rules.CLASSES,
]
