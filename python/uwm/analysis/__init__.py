"""Exact gradients, exact mean updates, and what they say about a learning rule."""

from __future__ import annotations

from .exact import exact_gradient, expected_update
from .statistics import RuleStatistics, is_unbiased, relative_bias, rule_statistics

__all__ = [
    "RuleStatistics",
    "exact_gradient",
    "expected_update",
    "is_unbiased",
    "relative_bias",
    "rule_statistics",
]
