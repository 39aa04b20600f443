"""The log of a training run as a table of pandas and as a picture of matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def ends_of_windows(log: Any) -> NDArray[np.int64]:
    """Return how many steps were done at the end of each record window."""
    ends = np.arange(1, len(log.rewards) + 1, dtype=np.int64) * log.record_every
    return np.asarray(np.minimum(ends, log.steps), dtype=np.int64)


def to_frame(log: Any) -> Any:
    """Return a frame with the steps and episodes done and the mean reward of each window.

    Raises ImportError without pandas.
    """
    try:
        import pandas
    except ImportError:
        raise ImportError("Log.to_frame needs pandas: pip install 'uwm[pandas]'") from None
    steps = ends_of_windows(log)
    return pandas.DataFrame(
        {"step": steps, "episode": steps * log.batch_size, "reward": log.rewards}
    )


def plot(log: Any, axes: Any = None) -> Any:
    """Draw the mean reward of each window against the episodes; return the axes.

    Raises ImportError without matplotlib.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError("Log.plot needs matplotlib: pip install 'uwm[cli]'") from None
    if axes is None:
        axes = plt.figure(layout="constrained").add_subplot()
    axes.plot(ends_of_windows(log) * log.batch_size, log.rewards)
    axes.set_xlabel("episodes")
    axes.set_ylabel("mean reward")
    return axes
