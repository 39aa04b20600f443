"""Noise, learning and cost against the number of units: plan.py says of what, study.py measures."""

from uwm.experiments.scaling.plan import Plan
from uwm.experiments.scaling.result import Point, Scaling
from uwm.experiments.scaling.study import measure_scaling

__all__ = ["Plan", "Point", "Scaling", "measure_scaling"]
