"""What the classifier and the regressor share: the team, its training, its inputs."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from uwm import rules
from uwm._core import Adam, Interrupted, Network, Rule, Task, train
from uwm.checks import is_sequence, sequence, whole_number

Array = NDArray[np.float64]

EPISODES = 200_000  # examples that a fit draws where max_iter is not given,
LEAST_EPOCHS = 20  # and how often it goes through larger data


class UnitEstimator(BaseEstimator):
    """A team of stochastic units that learns from the reward of what it does.

    The attributes and methods here are those of both estimators.
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (64, 32),
        *,
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
        self.hidden_layer_sizes = hidden_layer_sizes
        self.rule = rule
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.units = units
        self.standardize = standardize
        self.passes = passes
        self.random_state = random_state
        self.warm_start = warm_start

    def _begin(self, n_outputs: int, output: Any) -> None:
        """Make a team that knows nothing."""
        sizes = self.hidden_layer_sizes
        hidden = sequence("hidden_layer_sizes", sizes) if is_sequence(sizes) else (sizes,)
        widths = [whole_number("hidden_layer_sizes", n, 1) for n in hidden]
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        self.net_ = Network(
            [self.n_features_in_, *widths, n_outputs], output=output, units=self.units, seed=seed
        )
        self.optimizer_ = Adam(self.learning_rate)
        self.n_iter_ = 0
        self.reward_curve_ = np.zeros(0)

    def _learn(self, task: Task, n_examples: int, epochs: int) -> None:
        """Go through the examples so many times. An epoch draws as many as there are."""
        batch_size = whole_number("batch_size", self.batch_size, 1)
        steps = math.ceil(n_examples / batch_size)
        rule = rules.rule(self.rule) if isinstance(self.rule, str) else self.rule
        try:
            log = train(
                self.net_,
                rule,
                self.optimizer_,
                task,
                steps=epochs * steps,
                batch_size=batch_size,
                record_every=steps,
            )
        except Interrupted as stop:
            log = stop.result
            warnings.warn(f"training was stopped after {log.steps // steps} epochs", stacklevel=3)
        self.n_iter_ += len(log.rewards)
        self.reward_curve_ = np.append(self.reward_curve_, log.rewards)

    def _epochs(self, n_examples: int) -> int:
        if self.max_iter is not None:
            return whole_number("max_iter", self.max_iter, 1)
        return max(LEAST_EPOCHS, math.ceil(EPISODES / n_examples))

    def _scale(self, X: Array, *, anew: bool) -> Array:
        """Take each column's mean and deviation over all examples seen out of X."""
        if not self.standardize:
            return X
        if anew:
            self.scaler_ = StandardScaler()
        return np.asarray(self.scaler_.partial_fit(X).transform(X))

    def _inputs(self, X: Any) -> Array:
        """Return examples to predict for, as the network takes them."""
        check_is_fitted(self, "net_")
        checked = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(self.scaler_.transform(checked) if self.standardize else checked)

    def _goes_on(self) -> bool:
        """Whether fit trains on what it has."""
        return bool(self.warm_start) and hasattr(self, "net_")
