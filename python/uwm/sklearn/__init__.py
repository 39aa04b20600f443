"""Teams of stochastic units as estimators of scikit-learn: `UnitClassifier`, `UnitRegressor`.

They learn as a bandit does: the team acts, and one number says how well. Everything that takes an
estimator of scikit-learn takes them: pipelines, grid searches, cross-validation, clone, pickle.
"""

try:
    import sklearn.utils.validation as _validation
except ImportError as _error:
    raise ImportError("uwm.sklearn needs scikit-learn: pip install 'uwm[sklearn]'") from _error

if not hasattr(_validation, "validate_data"):
    raise ImportError("uwm.sklearn needs scikit-learn 1.6 or newer: pip install 'uwm[sklearn]'")

from uwm.sklearn.classifier import UnitClassifier as UnitClassifier
from uwm.sklearn.regressor import UnitRegressor as UnitRegressor

__all__ = ["UnitClassifier", "UnitRegressor"]
