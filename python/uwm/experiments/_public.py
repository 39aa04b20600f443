"""What `uwm.experiments` exports."""

from uwm.experiments.comparison import Comparison, compare
from uwm.experiments.frames import load
from uwm.experiments.gradient_study.result import GradientStudy, Measurement
from uwm.experiments.gradient_study.study import gradients
from uwm.experiments.progress import Progress
from uwm.experiments.runs import Run, Unfinished
from uwm.experiments.scaling.plan import Plan
from uwm.experiments.scaling.result import Point, Scaling
from uwm.experiments.scaling.study import measure_scaling
from uwm.experiments.settings import Settings
from uwm.experiments.store import Store
from uwm.experiments.tuning.result import Tuned
from uwm.experiments.tuning.runner import tune
from uwm.experiments.tuning.search import Search
from uwm.experiments.tuning.trials import Trial

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
    "Store",
    "Trial",
    "Tuned",
    "Unfinished",
    "compare",
    "gradients",
    "load",
    "measure_scaling",
    "tune",
]
