"""Regression: the action is a number, and the reward is minus its squared error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from uwm._core import Rule, Sample, Task, philox
from uwm.checks import finite
from uwm.outputs import Gaussian
from uwm.sklearn.estimator import Array, UnitEstimator

if TYPE_CHECKING:
    from typing_extensions import Self

TASK_INPUTS = 2  # the stream of random numbers that tasks draw rows from


class SquaredError(Task):
    """A bandit on a table: the action is a point, the reward minus its squared distance from y.

    inputs: (n, n_in). targets: (n, n_out).
    """

    def __init__(self, inputs: Array, targets: Array) -> None:
        super().__init__()
        self.table, self.targets = inputs, targets

    @property
    def n_inputs(self) -> int:
        """Columns of the inputs."""
        return int(self.table.shape[1])

    @property
    def n_outputs(self) -> int:
        """Columns of the targets."""
        return int(self.targets.shape[1])

    def _rows(self, seed: int, step: int, n: int) -> NDArray[np.int64]:
        words = philox(seed, step, TASK_INPUTS, 0, n, 1)[:, 0].astype(np.uint64)
        rows = (words * np.uint64(len(self.table))) >> np.uint64(32)
        return np.asarray(rows, dtype=np.int64)

    def inputs(self, seed: int, step: int, batch_size: int) -> Array:
        """Rows drawn with replacement, (batch_size, n_in)."""
        return self.table[self._rows(seed, step, batch_size)]

    def reward(self, seed: int, step: int, sample: Sample) -> Array:
        """Minus the squared distance, (batch_size,)."""
        error = sample.output - self.targets[self._rows(seed, step, sample.batch_size)]
        return np.asarray(-np.square(error).sum(axis=1))


class UnitRegressor(RegressorMixin, UnitEstimator):
    """A regressor that is a team of stochastic units with a Gaussian output.

    In training the team draws numbers around what it expects, and is told minus their squared
    error, in standard deviations of the targets; never the target itself. A prediction is the
    mean over several passes.

    Parameters
    ----------
    sigma : the standard deviation of the drawn numbers, in standard deviations of the targets.

    The other parameters and the attributes are those of `UnitClassifier`. y may have several
    columns. There are no sample weights, and sparse matrices are refused.

    Raises ValueError or TypeError in `fit` for a parameter out of its range.

    >>> import numpy as np
    >>> from uwm.sklearn import UnitRegressor
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> y = X[:, 0] * X[:, 1]
    >>> UnitRegressor(max_iter=200, random_state=0).fit(X, y).score(X, y) > 0.7
    True
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (64, 32),
        *,
        sigma: float = 0.3,
        rule: str | Rule = "unbiased_weight_max",
        learning_rate: Any = "auto",
        batch_size: int = 32,
        max_iter: int | None = None,
        units: str = "binary",
        standardize: bool = True,
        passes: int = 32,
        random_state: Any = None,
        warm_start: bool = False,
    ) -> None:
        super().__init__(
            hidden_layer_sizes,
            rule=rule,
            learning_rate=learning_rate,
            batch_size=batch_size,
            max_iter=max_iter,
            units=units,
            standardize=standardize,
            passes=passes,
            random_state=random_state,
            warm_start=warm_start,
        )
        self.sigma = sigma

    def fit(self, X: Any, y: Any) -> Self:
        """Train on X (examples, features), y (examples,) or (examples, targets); returns self.

        Raises ValueError for data that are no finite numbers.

        >>> from uwm.sklearn import UnitRegressor
        >>> UnitRegressor(max_iter=1).fit([[0.0], [1.0]], [0.0, 2.0]).n_iter_
        1
        """
        goes_on = self._goes_on()
        return self._train(X, y, epochs=None, anew=not goes_on)

    def partial_fit(self, X: Any, y: Any) -> Self:
        """Train one epoch on these examples; returns self.

        >>> from uwm.sklearn import UnitRegressor
        >>> UnitRegressor().partial_fit([[0.0], [1.0]], [0.0, 2.0]).n_iter_
        1
        """
        return self._train(X, y, epochs=1, anew=not hasattr(self, "net_"))

    def predict(self, X: Any) -> Array:
        """Return the mean action for each example, (examples,) or (examples, targets) as y was.

        >>> from uwm.sklearn import UnitRegressor
        >>> UnitRegressor(max_iter=1).fit([[0.0], [1.0]], [0.0, 2.0]).predict([[0.5]]).shape
        (1,)
        """
        check_is_fitted(self, "net_")
        action = self.net_.predict(self._inputs(X), passes=self.passes).astype(np.float64)
        scaled = np.asarray(self.target_scaler_.inverse_transform(action))
        return scaled[:, 0] if self.one_target_ else scaled

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _train(self, X: Any, y: Any, *, epochs: int | None, anew: bool) -> Self:
        X, y = validate_data(
            self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, reset=anew
        )
        targets = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        if anew:
            sigma = finite("sigma", self.sigma, above=0)
            self.one_target_ = y.ndim == 1
            self.target_scaler_ = StandardScaler()
            self._begin(targets.shape[1], Gaussian(sigma))
        elif targets.shape[1] != self.net_.sizes[-1]:
            raise ValueError(
                f"y must have {self.net_.sizes[-1]} column(s) as in the first fit,"
                f" got {targets.shape[1]}"
            )
        scaled = np.asarray(self.target_scaler_.partial_fit(targets).transform(targets))
        task = SquaredError(self._scale(np.asarray(X), anew=anew), scaled)
        self._learn(task, len(X), self._epochs(len(X)) if epochs is None else epochs)
        return self
