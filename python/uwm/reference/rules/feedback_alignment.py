"""Feedback alignment: T_i = c_i q_i sum_j b_ji delta_j, with fixed random b_ji."""

from __future__ import annotations

import numpy as np

from uwm.protocols import Array, NetworkLike

from ..random import FEEDBACK, philox
from .backward import ThroughMeans, slope


class FeedbackAlignment(ThroughMeans):
    """Feedback alignment (Lillicrap et al. 2016): straight-through with b_ji in place of w_ji.

    b_ji = +-sqrt(2 / (n_l + n_{l+1})), the standard deviation of Glorot's initial weights with a
    fixed random sign. Biased, and the more so until the weights have aligned with it.

    >>> FeedbackAlignment().name
    'feedback_alignment'
    """

    @property
    def name(self) -> str:
        return "feedback_alignment"

    def _passed_on(self, net: NetworkLike, ell: int) -> Array:
        n, n_upper = net.sizes[ell + 1], net.sizes[ell + 2]
        words = philox(0, 0, FEEDBACK, ell + 1, n_upper, (n + 31) // 32)
        bits = (words[:, :, None] >> np.arange(32, dtype=np.uint32)) & 1  # unit i: bit i % 32
        signs = np.where(bits.reshape(n_upper, -1)[:, :n], -1.0, 1.0)
        size = float(np.sqrt(2.0 / (n + n_upper)))
        return np.asarray(slope(net) * size / net.layers[ell + 1].temperature * signs)
