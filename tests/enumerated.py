"""Every activity of a small network for one input, as one sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from uwm.analysis.activities import spaces

Array = np.ndarray[Any, np.dtype[np.float64]]


def every_activity(net: Any, x: Array) -> tuple[Any, Array]:
    """The sample in which the units do everything that they can, and how likely each row is."""
    hidden, output = spaces(net, x[None], 200)
    counts = [*(space.count for space in hidden), output.count]
    index = np.unravel_index(np.arange(np.prod(counts)), counts)
    h = [space.activations(k) for space, k in zip(hidden, index[:-1], strict=True)]
    h.append(output.actions(index[-1]))
    sample = net.clamp(np.tile(x, (len(h[0]), 1)), h)
    probability = np.ones(len(h[0]))
    for space, k, z in zip([*hidden, output], index, sample.logits, strict=True):
        probability *= space.probability(np.asarray(z), space.actions(k))
    return sample, probability
