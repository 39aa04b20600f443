"""Classification: the class is the action, and the reward says whether it was the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import column_or_1d, validate_data

from uwm._core import Bandit
from uwm.sklearn.estimator import Array, UnitEstimator

if TYPE_CHECKING:
    from typing_extensions import Self


class UnitClassifier(ClassifierMixin, UnitEstimator):
    """A classifier that is a team of stochastic units, trained from bandit feedback.

    In training the team draws a class for an example and is told +1 if it is the right one, -1 if
    not; never which one would have been right. A prediction is the mean over several passes of what
    the team would do.

    Parameters
    ----------
    hidden_layer_sizes : units of each hidden layer; a number is one layer.
    rule : the name of a learning rule (`uwm.RULES`), or a `uwm.Rule`.
    learning_rate : "auto", rates that follow from the network; a number or schedule, or one per
        layer.
    batch_size : examples per update.
    max_iter : epochs; one draws as many examples as there are, at random. By default as many as
        draw 200,000, but at least 20.
    units : how hidden units encode their action: "binary" 0/1 or "bipolar" -1/+1.
    standardize : whether each column's mean and deviation are taken out. Without it the inputs
        should be of size 1.
    passes : over how many passes a prediction is averaged.
    random_state : an int makes the same classifier again.
    warm_start : whether `fit` goes on with the team that is there.

    Attributes
    ----------
    classes_ : the classes, sorted.
    net_, optimizer_ : the `uwm.Network` and the `uwm.Adam`.
    n_iter_ : epochs done. reward_curve_ : (n_iter_,), the mean reward of each.
    n_features_in_, feature_names_in_ : as everywhere in scikit-learn.

    There are no sample weights, and sparse matrices are refused.

    Raises ValueError or TypeError in `fit` for a parameter out of its range.

    >>> from sklearn.datasets import make_blobs
    >>> from uwm.sklearn import UnitClassifier
    >>> X, y = make_blobs(300, centers=3, random_state=0)
    >>> UnitClassifier(max_iter=100, random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """

    classes_: NDArray[Any]

    def fit(self, X: Any, y: Any) -> Self:
        """Train on X (examples, features) with the classes y (examples,); returns self.

        Raises ValueError for data that are no finite numbers, or fewer than two classes.

        >>> from uwm.sklearn import UnitClassifier
        >>> UnitClassifier(max_iter=1).fit([[0.0], [1.0]], ["no", "yes"]).classes_.tolist()
        ['no', 'yes']
        """
        goes_on = self._goes_on()
        X, y = self._examples(X, y, reset=not goes_on)
        found = unique_labels(y)
        if goes_on and not np.array_equal(found, self.classes_):
            raise ValueError(
                f"y must have the classes of the fit before to go on (warm_start),"
                f" {self.classes_.tolist()}, got {found.tolist()}"
            )
        if len(found) < 2:
            raise ValueError(f"y must hold at least two classes, got one class: {found.tolist()}")
        if not goes_on:
            self.classes_ = found
            self._begin(len(found), "softmax")
        return self._train(X, y, epochs=self._epochs(len(X)), anew=not goes_on)

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Train one epoch on these examples; the first call needs all classes; returns self.

        Raises ValueError for a first call without classes, and a label that is none of them.

        >>> from uwm.sklearn import UnitClassifier
        >>> clf = UnitClassifier().partial_fit([[0.0], [1.0]], [0, 1], classes=[0, 1, 2])
        >>> clf.partial_fit([[2.0]], [2]).n_iter_
        2
        """
        first = not hasattr(self, "net_")
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit")
        given = None if classes is None else unique_labels(classes)
        if given is not None and not first and not np.array_equal(given, self.classes_):
            raise ValueError(
                f"classes must be those of the first call to partial_fit,"
                f" {self.classes_.tolist()}, got {given.tolist()}"
            )
        X, y = self._examples(X, y, reset=first)
        known = np.asarray(given if first else self.classes_)
        unknown = np.setdiff1d(y, known)
        if len(unknown):
            raise ValueError(
                f"y must be among the classes {known.tolist()}, got {unknown.tolist()}"
            )
        if first:
            if len(known) < 2:
                raise ValueError(f"classes must hold at least two, got {known.tolist()}")
            self.classes_ = known
            self._begin(len(known), "softmax")
        return self._train(X, y, epochs=1, anew=first)

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, (examples, classes): the mean over the passes.

        >>> from uwm.sklearn import UnitClassifier
        >>> clf = UnitClassifier(max_iter=1).fit([[0.0], [1.0]], [0, 1])
        >>> clf.predict_proba([[0.5]]).sum(axis=1).round(6)
        array([1.])
        """
        inputs = self._inputs(X)
        share = self.net_.predict_proba(inputs, passes=self.passes).astype(np.float64)
        return np.asarray(share / share.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each example, (examples,).

        >>> from uwm.sklearn import UnitClassifier
        >>> UnitClassifier(max_iter=1).fit([[0.0], [1.0]], ["a", "b"]).predict([[0.5]]).shape
        (1,)
        """
        likeliest = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[likeliest])

    def _examples(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, NDArray[Any]]:
        X, y = validate_data(self, X, y, dtype=np.float64, reset=reset)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        return np.asarray(X), y

    def _train(self, X: Array, y: NDArray[Any], *, epochs: int, anew: bool) -> Self:
        labels = np.searchsorted(self.classes_, y)
        inputs = self._scale(X, anew=anew)
        self._learn(Bandit(inputs, labels, n_classes=len(self.classes_)), len(X), epochs)
        return self
