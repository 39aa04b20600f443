"""Handwritten digits: 1,797 real images of 8 x 8 pixels, from scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uwm.tasks.info import CLASSIFICATION, TaskInfo

if TYPE_CHECKING:
    from uwm.tasks.classification import Classification


def digits() -> Classification:
    """Return scikit-learn's handwritten digits as a bandit of ten actions.

    Pixels (0 to 16) are scaled to -1 to +1. A fifth of each class is held out to test on, always
    the same images. Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits,
    UCI Machine Learning Repository, 1998.

    Raises ImportError if scikit-learn is missing: pip install "uwm[tasks]".

    >>> import uwm
    >>> task = uwm.tasks.digits()
    >>> task.train_inputs.shape, task.test_inputs.shape
    ((1438, 64), (359, 64))
    """
    import numpy as np

    from uwm.tasks.classification import Classification, held_out

    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ImportError('the digits task needs scikit-learn: pip install "uwm[tasks]"') from None
    inputs, labels = load_digits(return_X_y=True)
    inputs = np.asarray(inputs, dtype=np.float64) / 8.0 - 1.0
    test = held_out(labels, 0.2)
    return Classification(
        inputs[~test], labels[~test], inputs[test], labels[test], name="handwritten digits"
    )


INFO = TaskInfo(
    name="digits",
    description="handwritten digits, a bandit of ten actions",
    title="Handwritten digits",
    make=digits,
    suits=CLASSIFICATION,
)
