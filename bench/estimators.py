"""UnitClassifier() and UnitRegressor() beside scikit-learn's own estimators: score and time.

Nothing is set: every estimator has its defaults, and standardized inputs. The defaults of uwm's
were chosen on digits, the data of the regressors and other made-up data, and nothing on wine,
breast cancer and iris.

    python bench/estimators.py                 # five seeds, some minutes; two tables in Markdown
    python bench/estimators.py --seeds 10
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_friedman1,
    make_friedman2,
)
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from uwm.sklearn import UnitClassifier, UnitRegressor

Load = Callable[[int], tuple[Any, Any]]

CLASSES: dict[str, Load] = {
    "digits": lambda seed: load_digits(return_X_y=True),
    "wine": lambda seed: load_wine(return_X_y=True),
    "breast cancer": lambda seed: load_breast_cancer(return_X_y=True),
    "iris": lambda seed: load_iris(return_X_y=True),
}
NUMBERS: dict[str, Load] = {
    "Friedman 1": lambda seed: make_friedman1(600, noise=1, random_state=seed),
    "Friedman 2": lambda seed: make_friedman2(600, noise=50, random_state=seed),
    "diabetes": lambda seed: load_diabetes(return_X_y=True),
}
CLASSIFIERS = [UnitClassifier(), LogisticRegression(), MLPClassifier(), RandomForestClassifier()]
REGRESSORS = [UnitRegressor(), LinearRegression(), MLPRegressor(), RandomForestRegressor()]


def one_run(estimator: Any, X: Any, y: Any, seed: int) -> tuple[float, float]:
    """Return the score on a held-out quarter, and the processor's seconds of fitting."""
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.25, stratify=y if is_classifier(estimator) else None, random_state=seed
    )
    made = clone(estimator)
    if "random_state" in made.get_params():
        made.set_params(random_state=seed)
    model = make_pipeline(StandardScaler(), made)
    start = time.process_time()
    model.fit(X_train, y_train)
    return model.score(X_test, y_test), time.process_time() - start


def table(estimators: list[Any], data: dict[str, Load], seeds: int) -> str:
    """Return the table in Markdown: the mean score, the worst seed's, and the mean seconds."""
    lines = ["| | " + " | ".join(data) + " |", "|---" * (len(data) + 1) + "|"]
    for estimator in estimators:
        cells = []
        for load in data.values():
            runs = [one_run(estimator, *load(seed), seed) for seed in range(seeds)]
            score, seconds = np.array(runs).T
            cells.append(f"{score.mean():.3f} ({score.min():.3f}), {seconds.mean():.2f} s")
        lines.append(f"| {type(estimator).__name__} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="splits and seeds per cell")
    seeds = parser.parse_args().seeds
    warnings.filterwarnings("ignore")  # scikit-learn's, of iterations that did not converge
    print(table(CLASSIFIERS, CLASSES, seeds), table(REGRESSORS, NUMBERS, seeds), sep="\n\n")


if __name__ == "__main__":
    main()
