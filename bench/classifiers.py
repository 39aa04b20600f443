"""Test accuracy and processor time of UnitClassifier() beside scikit-learn's own classifiers.

Nothing is set: every estimator has its defaults, and standardized inputs. The defaults of
UnitClassifier were chosen on digits and made-up data, and nothing on wine, breast cancer and iris.

    python bench/classifiers.py                 # five seeds, about a minute; a table in Markdown
    python bench/classifiers.py --seeds 10
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from uwm.sklearn import UnitClassifier

DATA = {
    "digits": load_digits,
    "wine": load_wine,
    "breast cancer": load_breast_cancer,
    "iris": load_iris,
}
ESTIMATORS: dict[str, Any] = {
    "UnitClassifier": UnitClassifier(),
    "LogisticRegression": LogisticRegression(),
    "MLPClassifier": MLPClassifier(),
    "RandomForestClassifier": RandomForestClassifier(),
}


def one_run(estimator: Any, X: Any, y: Any, seed: int) -> tuple[float, float]:
    """Return the accuracy on a held-out quarter, and the processor's seconds of fitting."""
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=seed
    )
    model = make_pipeline(StandardScaler(), clone(estimator).set_params(random_state=seed))
    start = time.process_time()
    model.fit(X_train, y_train)
    return model.score(X_test, y_test), time.process_time() - start


def table(seeds: int) -> str:
    """Return the table in Markdown: accuracy, the mean and the worst seed's, and seconds."""
    lines = ["| | " + " | ".join(DATA) + " |", "|---" * (len(DATA) + 1) + "|"]
    for name, estimator in ESTIMATORS.items():
        cells = []
        for load in DATA.values():
            X, y = load(return_X_y=True)
            runs = np.array([one_run(estimator, X, y, seed) for seed in range(seeds)])
            accuracy, seconds = runs.T
            cells.append(f"{accuracy.mean():.3f} ({accuracy.min():.3f}), {seconds.mean():.2f} s")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="splits and seeds per cell")
    warnings.filterwarnings("ignore")  # scikit-learn's, of iterations that did not converge
    print(table(parser.parse_args().seeds))


if __name__ == "__main__":
    main()
