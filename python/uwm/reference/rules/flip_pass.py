"""What the rules share that weigh the flip of a unit: its ratios, sample by sample."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from uwm.protocols import Array, NetworkLike, SampleLike

from ..extended import Extended
from ..flips import joint_lambda, kappa
from ..network import Sample
from .base import Rule, checked_reward


class Comparing(Rule):
    """Rules made of the ratios kappa.

    The array kappa_ji of a batch can be large, and samples do not mix, so this hands the samples on
    in blocks.
    """

    def unit_rewards(self, net: NetworkLike, sample: SampleLike, reward: Any) -> list[Array]:
        R = checked_reward(net, sample, reward)
        blocks = [self._block(net, part, R[rows]) for rows, part in _blocks(net, sample)]
        return [np.concatenate(layer) for layer in zip(*blocks, strict=True)]

    def _block(self, net: NetworkLike, sample: Sample, R: Array) -> list[Array]:
        raise NotImplementedError


def _blocks(net: NetworkLike, sample: SampleLike) -> Iterator[tuple[slice, Sample]]:
    synapses = max(m * n for m, n in zip(net.sizes[1:], (*net.sizes[2:], 1), strict=True))
    length = max(1, 2**18 // synapses)
    for start in range(0, sample.batch_size, length):
        rows = slice(start, start + length)
        part = Sample(
            _rows(sample.inputs, rows),
            [_rows(a, rows) for a in sample.activations],
            [_rows(a, rows) for a in sample.logits],
            [_rows(a, rows) for a in sample.probabilities],
            [_rows(a, rows) for a in sample.eligibilities],
            net.output.name,
        )
        yield rows, part


def _rows(array: Any, rows: slice) -> Array:
    return np.asarray(array[rows], dtype=np.float64)


def ratios_above(
    net: NetworkLike, sample: Sample, ell: int, joint: bool
) -> tuple[Extended, Extended]:
    """kappa_ji and 1 - kappa_ji, (batch, j, i); `joint`: layer l + 1 counts as one unit j."""
    if not joint:
        return kappa(net, sample, ell)
    ratio, gain = joint_lambda(net, sample, ell)
    return ratio[:, None, :], gain[:, None, :]
