"""Rules against the exact gradient: study.py goes along training, one_network.py measures."""

from uwm.experiments.gradient_study.result import GradientStudy, Measurement
from uwm.experiments.gradient_study.study import gradients

__all__ = ["GradientStudy", "Measurement", "gradients"]
