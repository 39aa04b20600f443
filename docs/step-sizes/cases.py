"""The tasks and networks of docs/step-sizes.md."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import uwm


@dataclass(frozen=True)
class Case:
    """A task, a network and a length of training.

    tuned: mean reward and last tenth in docs/claims.md, at rates found by a search.
    """

    hidden: tuple[int, ...]
    batch_size: int
    episodes: int
    address_bits: int = 0  # none: digits
    tuned: tuple[float, float] | None = None

    def task(self) -> uwm.Task:
        """Return the task, new."""
        if self.address_bits == 0:
            return uwm.tasks.digits()
        return uwm.tasks.Multiplexer(self.address_bits)


STUDY = {
    "mux3-b1": Case((64, 32), 1, 200_000, 3, (0.935, 1.000)),
    "mux3-b16": Case((64, 32), 16, 320_000, 3, (0.935, 0.998)),
    "mux4-b1": Case((64, 32), 1, 400_000, 4, (0.719, 0.994)),
    "mux4-b16": Case((64, 32), 16, 800_000, 4, (0.756, 0.991)),
    "mux5-b1": Case((64, 32), 1, 500_000, 5, (0.223, 0.371)),
    "mux5-b16": Case((64, 32), 16, 1_200_000, 5, (0.401, 0.606)),
    "wide": Case((256, 128), 16, 240_000, 4, (0.656, 0.948)),
    "deep": Case((64, 32, 16), 16, 800_000, 4, (0.661, 0.889)),
    "digits": Case((64,), 16, 200_000, 0, (0.828, 0.988)),
}
WIDTHS = (8, 16, 32, 64, 128, 256, 512, 1024, 2048)
DEPTHS = (1, 2, 3, 5, 8)
SIZES = {f"width-{n}": Case((n, n), 16, 32_000, 2) for n in WIDTHS} | {
    f"depth-{n}": Case((32,) * n, 16, 32_000, 2) for n in DEPTHS
}
CASES = STUDY | SIZES


def parity(bits: int) -> uwm.Task:
    """Return the task of telling whether the number of ones among bits is odd."""
    x = np.array([[2 * ((i >> k) & 1) - 1 for k in range(bits)] for i in range(2**bits)])
    return uwm.tasks.Bandit(x, (x > 0).sum(axis=1) % 2)
