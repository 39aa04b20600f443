"""Exact gradients, exact mean updates, and what they say about a learning rule."""

from __future__ import annotations

from .estimators import Arm, DisArm, Estimator, LeaveOneOut, OneSample, PerInputBaseline
from .exact import (
    can_differentiate,
    count_activities,
    exact_gradient,
    expected_reward,
    expected_update,
    update_moments,
)
from .problems import inputs_and_reward
from .sampling import Estimate, SampledStatistics, sampled_statistics
from .statistics import (
    RuleStatistics,
    exact_statistics,
    is_unbiased,
    relative_bias,
    rule_statistics,
)

__all__ = [
    "Arm",
    "DisArm",
    "Estimate",
    "Estimator",
    "LeaveOneOut",
    "OneSample",
    "PerInputBaseline",
    "RuleStatistics",
    "SampledStatistics",
    "can_differentiate",
    "count_activities",
    "exact_gradient",
    "exact_statistics",
    "expected_reward",
    "expected_update",
    "inputs_and_reward",
    "is_unbiased",
    "relative_bias",
    "rule_statistics",
    "sampled_statistics",
    "update_moments",
]
