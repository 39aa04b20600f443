"""Find each rule's best learning rates: search.py says what is searched, runner.py how."""

from uwm.experiments.tuning.result import Tuned
from uwm.experiments.tuning.runner import tune
from uwm.experiments.tuning.search import Search
from uwm.experiments.tuning.trials import Trial

__all__ = ["Search", "Trial", "Tuned", "tune"]
