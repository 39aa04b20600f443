"""Pictures of results, one file each; style.py, colours.py and bands.py are what they share."""

from uwm.report.figures.of_comparison import learning_curves
from uwm.report.figures.of_gradients import gradient_plot
from uwm.report.figures.of_scaling import scaling_curves

__all__ = ["gradient_plot", "learning_curves", "scaling_curves"]
