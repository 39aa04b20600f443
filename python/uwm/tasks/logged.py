"""Learning and valuing a policy from what was logged while another policy acted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uwm._arrays import finite_array
from uwm._core import Bandit, Network
from uwm.checks import whole_number

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PolicyValue:
    """What a policy would have earned per row, estimated from a log of another policy.

    value: by inverse propensity scores, doubly robust where the log has a model. Right on average.
    error: its standard error.
    self_normalized: the mean reward weighted by probability over propensity. It is biased for few
        rows, varies less, and lies between the rewards seen. NaN if the policy takes no action
        that was logged.
    effective_rows: how many rows of equal weight would be as good.

    >>> PolicyValue(value=0.5, error=0.1, self_normalized=0.4, effective_rows=20.0).value
    0.5
    """

    value: float
    error: float
    self_normalized: float
    effective_rows: float


class LoggedBandit(Bandit):
    """A contextual bandit of which only the rewards of logged actions are known.

    Each row holds an input, the action that another policy took there, the reward it got, and the
    propensity: the probability with which that policy took this action. `uwm.train` takes the log
    as its task. The network draws its own action; if it is the logged one, it is paid
    reward / propensity, otherwise 0. So every action is paid its true reward on average (inverse
    propensity scores), and so the mean of any rule's update is what it would be if the rewards of
    all actions were known.

    inputs: (n, n_in). actions: (n,), whole numbers from 0. rewards: (n,), a cost with its sign
    turned. propensities: (n,), above 0 and at most 1.
    n_actions: by default the largest logged action + 1.
    model: (n, n_actions), an estimate of what each action pays, from a regression for instance. The
        scores then correct the model where it is wrong (doubly robust): right on average whatever
        the model is, with less noise if it is good.

    Raises ValueError or TypeError for arrays that do not fit together and numbers out of range.

    >>> import numpy as np, uwm
    >>> log = uwm.tasks.LoggedBandit(np.eye(2), [0, 1], [1.0, 3.0], [0.5, 0.25])
    >>> log.rewards
    array([[ 2.,  0.],
           [ 0., 12.]])
    >>> log.value(np.array([[1.0, 0.0], [1.0, 0.0]])).value
    1.0
    """

    def __init__(
        self,
        inputs: ArrayLike,
        actions: ArrayLike,
        rewards: ArrayLike,
        propensities: ArrayLike,
        *,
        n_actions: int | None = None,
        model: ArrayLike | None = None,
    ) -> None:
        x = finite_array("inputs", inputs, ("rows", "inputs"))
        n = len(x)
        taken = finite_array("actions", actions, (n,))
        if np.any(taken < 0) or np.any(taken != np.floor(taken)) or np.any(taken > 1e9):
            raise ValueError(f"actions must be whole numbers from 0 to 1e9, got {_odd(taken)}")
        paid = finite_array("rewards", rewards, (n,))
        propensity = finite_array("propensities", propensities, (n,))
        if np.any(propensity <= 0) or np.any(propensity > 1):
            wrong = propensity[(propensity <= 0) | (propensity > 1)][0]
            raise ValueError(f"propensities must be above 0 and at most 1, got {wrong:g}")
        action = taken.astype(np.int64)
        least = max(int(action.max()) + 1, 2)
        k = least if n_actions is None else whole_number("n_actions", n_actions, least)
        scored = np.zeros((n, k)) if model is None else finite_array("model", model, (n, k))
        row = np.arange(n)
        with np.errstate(over="ignore"):
            scored[row, action] += (paid - scored[row, action]) / propensity
        if not np.all(np.isfinite(scored)):
            raise ValueError("rewards over propensities must be finite, but overflow")
        super().__init__(x, scored)
        self.actions, self.logged_rewards, self.propensities = action, paid, propensity

    def value(self, policy: Network | ArrayLike, *, passes: int = 32) -> PolicyValue:
        """Estimate what a policy earns per row on the inputs of this log.

        Take a log that the policy has not learned from: on its own log a policy looks too good.

        policy: a network, whose probabilities are the mean over `passes` passes; or an array
        (n, n_actions) with the probability of each action in each row.

        Raises ValueError or TypeError for a network that does not fit, and for numbers that are no
        probabilities.
        """
        share = self._probabilities(policy, passes)
        row = np.arange(len(share))
        each = (share * np.asarray(self.rewards)).sum(axis=1)
        weight = share[row, self.actions] / self.propensities
        total = float(weight.sum())
        return PolicyValue(
            value=float(each.mean()),
            error=float(each.std(ddof=1) / np.sqrt(len(each))) if len(each) > 1 else float("nan"),
            self_normalized=(
                float(weight @ self.logged_rewards / total) if total > 0 else float("nan")
            ),
            effective_rows=total**2 / float(weight @ weight) if total > 0 else 0.0,
        )

    def _probabilities(self, policy: Any, passes: int) -> Array:
        n, k = len(self.actions), self.n_outputs
        if not isinstance(policy, Network):
            share = finite_array("policy", policy, (n, k))
        else:
            share = np.asarray(policy.predict_proba(self.table, passes=passes), dtype=np.float64)
            if share.shape[1] == 1 and k == 2:
                share = np.hstack([1 - share, share])
            elif policy.output != "softmax" or share.shape[1] != k:
                raise ValueError(
                    f"policy must have {k} softmax output units,"
                    f" got {policy.sizes[-1]} {policy.output.name} output unit(s)"
                )
        if np.any(share < 0) or np.any(np.abs(share.sum(axis=1) - 1) > 1e-4):
            raise ValueError(
                "policy must hold probabilities: at least 0, with the sum 1 in each row"
            )
        return share


def _odd(actions: Array) -> str:
    wrong = (actions < 0) | (actions != np.floor(actions)) | (actions > 1e9)
    return f"{actions[wrong][0]:g}"
