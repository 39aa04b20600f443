"""Pictures of results, one file each; style.py, colours.py and bands.py are what they share."""

from uwm.report.figures.gradient_plot import gradient_plot
from uwm.report.figures.learning_curves import learning_curves
from uwm.report.figures.scaling_curves import scaling_curves

__all__ = ["gradient_plot", "learning_curves", "scaling_curves"]
