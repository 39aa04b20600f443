"""Counter-based random numbers: Philox 4x32-10 (Salmon et al., SC 2011).

A draw is a pure function of (seed, step, stream, layer, sample, unit). Nothing is stored between
draws, so results cannot depend on the order or the number of threads in which they are made.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from uwm.checks import MOST_SEED, whole_number
from uwm.protocols import Array

# The streams.
ACTIVATIONS, PARAMETERS, TASK_INPUTS, TASK_REWARDS, FEEDBACK, PREDICTIONS = range(6)

Words = NDArray[np.uint32]

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85  # golden ratio and sqrt(3) - 1: added to the key every round


def philox4x32(counter: Words, key: tuple[int, int]) -> Words:
    """Ten rounds of Philox 4x32: counter (..., 4) of uint32 -> four random words each, (..., 4).

    Source: Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

    >>> [hex(word) for word in philox4x32(np.zeros(4, np.uint32), (0, 0))]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    c0, c1, c2, c3 = (counter[..., k].astype(np.uint64) for k in range(4))
    k0, k1 = key
    for _ in range(10):
        product0, product1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (
            (product1 >> _HALF) ^ c1 ^ np.uint64(k0),
            product1 & _LOW,
            (product0 >> _HALF) ^ c3 ^ np.uint64(k1),
            product0 & _LOW,
        )
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)


def philox(seed: int, step: int, stream: int, layer: int, n_samples: int, n_units: int) -> Words:
    """Random words (n_samples, n_units) of uint32 for one layer at one step.

    Unit u of sample s gets word u % 4 of the counter
    (u // 4, s, low 32 bits of step, stream << 28 | layer << 16 | next 16 bits of step).
    Raises TypeError or ValueError for anything but whole numbers in range.

    >>> philox(0, 0, 0, 0, 1, 2)
    array([[1713891541, 3781805453]], dtype=uint32)
    """
    seed = whole_number("seed", seed, 0, MOST_SEED)
    step = whole_number("step", step, 0, 2**48 - 1)
    stream = whole_number("stream", stream, 0, 15)
    layer = whole_number("layer", layer, 0, 2**12 - 1)
    n_samples = whole_number("n_samples", n_samples, 0, 2**32 - 1)
    n_units = whole_number("n_units", n_units, 0, 2**34 - 1)
    n_blocks = (n_units + 3) // 4
    counter = np.empty((n_samples, n_blocks, 4), dtype=np.uint32)
    counter[..., 0] = np.arange(n_blocks, dtype=np.uint32)
    counter[..., 1] = np.arange(n_samples, dtype=np.uint32)[:, None]
    counter[..., 2] = step & 0xFFFFFFFF
    counter[..., 3] = (stream << 28) | (layer << 16) | (step >> 32)
    words = philox4x32(counter, (seed & 0xFFFFFFFF, seed >> 32))
    return words.reshape(n_samples, 4 * n_blocks)[:, :n_units]


def uniforms(words: Words) -> Array:
    """Uniform numbers (word + 1/2) / 2^32: never 0, never 1, exact in float64.

    >>> uniforms(np.array([0x80000000], np.uint32))
    array([0.5])
    """
    return (words.astype(np.float64) + 0.5) / 2.0**32


def normals(seed: int, step: int, stream: int, layer: int, n_samples: int, n_units: int) -> Array:
    """Standard normal numbers (n_samples, n_units), by the Box-Muller transform of word pairs.

    Units 2k and 2k+1 are the cosine and the sine of one pair of uniform numbers.

    >>> normals(0, 0, 0, 0, 1, 3).shape
    (1, 3)
    """
    u = uniforms(philox(seed, step, stream, layer, n_samples, n_units + n_units % 2))
    radius = np.sqrt(-2.0 * np.log(u[:, 0::2]))
    angle = 2.0 * np.pi * u[:, 1::2]
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    return np.asarray(pairs.reshape(n_samples, -1)[:, :n_units], dtype=np.float64)
