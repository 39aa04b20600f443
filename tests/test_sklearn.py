"""The estimators of uwm.sklearn: scikit-learn's own checks, and what users do with them."""

import pickle
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone
from sklearn.datasets import load_digits, make_blobs, make_friedman1
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import uwm.sklearn
from uwm.sklearn import UnitClassifier, UnitRegressor

# Enough for the checks that ask for accuracy, and quick.
QUICK: dict[str, Any] = {"max_iter": 60, "batch_size": 8, "hidden_layer_sizes": (32,)}
X, Y = make_blobs(120, centers=3, n_features=4, random_state=0)
NAMES = np.array(["ash", "birch", "cedar"])[Y]


@parametrize_with_checks([UnitClassifier(**QUICK), UnitRegressor(**QUICK)])
def test_scikit_learns_own_check(estimator: Any, check: Any) -> None:
    check(estimator)


def test_digits_with_no_argument() -> None:
    parts = train_test_split(*load_digits(return_X_y=True), random_state=0)
    X_train, X_test, y_train, y_test = parts
    clf = UnitClassifier(random_state=0).fit(X_train, y_train)
    assert clf.score(X_test, y_test) >= 0.95
    assert len(clf.reward_curve_) == clf.n_iter_ and clf.reward_curve_[-1] > 0.9


def test_regression_with_no_argument() -> None:
    X_all, y_all = make_friedman1(600, noise=0.5, random_state=0)
    X_train, X_test, y_train, y_test = train_test_split(X_all, y_all, random_state=0)
    model = UnitRegressor(random_state=0).fit(X_train, 1e6 + 1e3 * y_train)
    assert model.score(X_test, 1e6 + 1e3 * y_test) > 0.8


def test_several_targets() -> None:
    targets = np.column_stack([X[:, 0], X[:, 1] - X[:, 2]])
    model = UnitRegressor(max_iter=300, random_state=0).fit(X, targets)
    assert model.predict(X).shape == targets.shape and model.score(X, targets) > 0.9


def test_words_as_classes_in_a_pipeline_and_a_pickle() -> None:
    model = make_pipeline(MinMaxScaler(), UnitClassifier(random_state=0, **QUICK)).fit(X, NAMES)
    assert model.score(X, NAMES) > 0.9
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)


def test_a_grid_search_in_two_processes() -> None:
    grid = {"rule": ["ste", uwm.UnbiasedWeightMax()]}
    search = GridSearchCV(UnitClassifier(max_iter=20, random_state=0), grid, cv=2, n_jobs=2)
    assert search.fit(X, NAMES).best_score_ > 0.8


def test_the_random_state_makes_the_same_again() -> None:
    first = UnitClassifier(random_state=3, **QUICK).fit(X, Y)
    again = clone(first).fit(X, Y)
    np.testing.assert_array_equal(first.reward_curve_, again.reward_curve_)
    other = clone(first).set_params(random_state=4).fit(X, Y)
    assert not np.array_equal(first.reward_curve_, other.reward_curve_)


def test_partial_fit_and_warm_start_go_on() -> None:
    clf = UnitClassifier(random_state=0)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        clf.partial_fit(X, Y)
    for _ in range(100):
        clf.partial_fit(X, Y, classes=[0, 1, 2])
    assert clf.n_iter_ == 100 and clf.score(X, Y) > 0.9
    with pytest.raises(ValueError, match="among the classes"):
        clf.partial_fit(X, Y + 1)
    with pytest.raises(ValueError, match="those of the first call"):
        clf.partial_fit(X, Y, classes=[0, 1])

    warm = UnitClassifier(random_state=0, warm_start=True, max_iter=5).fit(X, Y)
    net = warm.net_
    assert warm.fit(X, Y).n_iter_ == 10 and warm.net_ is net
    with pytest.raises(ValueError, match="classes of the fit before"):
        warm.fit(X, Y % 2)
    assert warm.set_params(warm_start=False).fit(X, Y).n_iter_ == 5

    model = UnitRegressor(random_state=0, max_iter=5, warm_start=True).fit(X, X[:, 0])
    assert model.fit(X, X[:, 0]).partial_fit(X, X[:, 0]).n_iter_ == 11
    with pytest.raises(ValueError, match=r"1 column\(s\)"):
        model.partial_fit(X, X[:, :2])


def test_units_of_any_scale() -> None:
    clf = UnitClassifier(random_state=0, **QUICK)
    for scale, shift in ((1e-6, 0.0), (1e6, 0.0), (1.0, 1e6)):
        assert clone(clf).fit(X * scale + shift, Y).score(X * scale + shift, Y) > 0.9


def test_names_of_columns_are_kept_and_checked() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    clf = UnitClassifier(random_state=0, **QUICK).fit(frame, NAMES)
    assert clf.feature_names_in_.tolist() == ["a", "b", "c", "d"] and clf.n_features_in_ == 4
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame[["b", "a", "c", "d"]])


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes must be at least 1"),
    ({"hidden_layer_sizes": "big"}, "hidden_layer_sizes must be a whole number"),
    ({"batch_size": 0}, "batch_size must be at least 1"),
    ({"max_iter": 0}, "max_iter must be at least 1"),
    ({"rule": "best"}, "rule must be"),
    ({"rule": 3}, "rule must be"),
    ({"units": "ternary"}, "units must be"),
    ({"learning_rate": -1.0}, "learning rate"),
    ({"random_state": "x"}, "RandomState"),
]


@pytest.mark.parametrize(("settings", "words"), WRONG)
def test_wrong_parameters(settings: dict[str, Any], words: str) -> None:
    for estimator in (UnitClassifier, UnitRegressor):
        with pytest.raises((ValueError, TypeError), match=words):
            estimator(**settings).fit(X, Y)


def test_other_errors() -> None:
    with pytest.raises(NotFittedError):
        UnitClassifier().predict(X)
    with pytest.raises(ValueError, match="two classes"):
        UnitClassifier().fit(X, np.zeros(120))
    with pytest.raises(ValueError, match="sigma must be above 0"):
        UnitRegressor(sigma=0).fit(X, Y)
    with pytest.raises(TypeError, match="sample_weight"):
        UnitClassifier().fit(X, Y, sample_weight=np.ones(120))  # type: ignore[call-arg]
