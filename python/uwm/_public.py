"""What `uwm` exports: what is imported as itself is public.

The classes of the rules are those that the engine lists.
"""

import types as _types
import typing as _typing

from uwm import tasks as tasks
from uwm._core import (
    SGD as SGD,
    Adam as Adam,
    Baseline as Baseline,
    DivergenceError as DivergenceError,
    Exponential as Exponential,
    FileError as FileError,
    Interrupted as Interrupted,
    InverseRoot as InverseRoot,
    Layer as Layer,
    LayerGradient as LayerGradient,
    Learner as Learner,
    Linear as Linear,
    Log as Log,
    Network as Network,
    Optimizer as Optimizer,
    Rule as Rule,
    RunningMean as RunningMean,
    Sample as Sample,
    Task as Task,
    __version__ as __version__,
    automatic_rates as automatic_rates,
    philox as philox,
    simd_level as simd_level,
    simd_levels as simd_levels,
    train as train,
)
from uwm._rule_classes import *  # noqa: F403
from uwm.checkpoint import Checkpoint as Checkpoint, load as load, save as save
from uwm.gradient import Gradient as Gradient
from uwm.outputs import *  # noqa: F403
from uwm.rules import RULES as RULES, RuleInfo as RuleInfo, rule as rule, rule_info as rule_info

if not _typing.TYPE_CHECKING:  # type checkers see what is public from the lines above
    _public = {k: v for k, v in vars().items() if k[0] != "_" and type(v) is not _types.ModuleType}
    __all__ = ["__version__", *sorted(_public), "tasks"]
    for _value in _public.values():
        # Where the public lives, in tracebacks and documentation.
        if getattr(_value, "__module__", None) in (
            "uwm._core",
            "uwm.checkpoint",
            "uwm.gradient",
            "uwm.outputs",
        ):
            _value.__module__ = "uwm"
