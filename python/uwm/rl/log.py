"""The returns of the episodes of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


class Log:
    """What ``Agent.learn`` and ``Agent.evaluate`` return: the episodes that ended, in their order.

    returns: (episodes,) float64, the sum of each episode's rewards.
    lengths: (episodes,) int64, its steps.
    steps: (episodes,) int64, the agent's ``num_timesteps`` when it ended.

    >>> from uwm.rl import Log
    >>> log = Log([1.0, 3.0], [10, 20], [10, 30])
    >>> log.mean_return, log.last(1)
    (2.0, 3.0)
    """

    def __init__(self, returns: Any = (), lengths: Any = (), steps: Any = ()) -> None:
        self.returns: npt.NDArray[np.float64] = np.array(returns, dtype=np.float64)
        self.lengths: npt.NDArray[np.int64] = np.array(lengths, dtype=np.int64)
        self.steps: npt.NDArray[np.int64] = np.array(steps, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.returns)

    @property
    def mean_return(self) -> float:
        """The mean over all episodes; NaN if there is none."""
        return float(np.mean(self.returns)) if len(self.returns) else float("nan")

    def last(self, episodes: int = 100) -> float:
        """Return the mean over the last episodes; NaN if there is none.

        >>> from uwm.rl import Log
        >>> Log([1.0, 3.0, 5.0], [1, 1, 1], [1, 2, 3]).last(2)
        4.0
        """
        if episodes < 1:
            raise ValueError(f"episodes must be at least 1, got {episodes}")
        return float(np.mean(self.returns[-episodes:])) if len(self.returns) else float("nan")

    def __repr__(self) -> str:
        if not len(self):
            return "<uwm.rl.Log of 0 episodes>"
        return (
            f"<uwm.rl.Log of {len(self)} episodes: mean return {self.mean_return:.1f}, "
            f"last {min(100, len(self))} {self.last(100):.1f}>"
        )
