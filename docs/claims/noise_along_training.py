"""Noise-to-signal of every rule's update at states that one training run passes through.

The multiplexer with 4 address bits, [64, 32] hidden units, trained by the posterior-weighted rule.
At each state all rules see the same samples. Noise is over input, activity and reward: the square
root of the summed variances of the update of one sample, over the length of the exact gradient.
That length comes from the mean updates of two halves of the samples, whose product is unbiased if
the rule is.

    python docs/claims/noise_along_training.py
"""

from __future__ import annotations

import argparse
from itertools import pairwise

import numpy as np

import uwm

STATES = (0, 5_000, 20_000, 60_000)
LEARNING_RATES = [6.7e-3, 2.8e-3, 2.4e-3]
BLOCK = 4096


def moments(
    net: uwm.Network, rules: list[uwm.Rule], task: uwm.Task, baseline: float, samples: int
) -> tuple[list[np.ndarray], np.ndarray]:
    """Mean updates by layer (rules, halves, n_out, n_in + 1); mean squares (rules, layers)."""
    mean = [np.zeros((len(rules), 2, n, m + 1)) for m, n in pairwise(net.sizes)]
    square = np.zeros((len(rules), len(mean)))
    blocks = -(-samples // (2 * BLOCK)) * 2
    for block in range(blocks):
        x = task.inputs(99, block, BLOCK)
        sample = net.forward(x)
        reward = np.asarray(task.reward(99, block, sample), dtype=np.float64) - baseline
        below = [np.asarray(h, dtype=np.float64) for h in (sample.inputs, *sample.activations[:-1])]
        below = [np.hstack([h, np.ones((BLOCK, 1))]) for h in below]
        for r, rule in enumerate(rules):
            T = rule.unit_rewards(net, sample, reward)
            for ell, h in enumerate(below):
                delta = np.asarray(T[ell], dtype=np.float64) * sample.eligibilities[ell]
                mean[ell][r, block % 2] += delta.T @ h / (BLOCK * blocks / 2)
                square[r, ell] += ((delta**2).sum(1) * (h**2).sum(1)).mean() / blocks
    return mean, square


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=400_000, help="per state and rule")
    parser.add_argument("--seed", type=int, default=1, help="of the network")
    arguments = parser.parse_args()

    net = uwm.Network([20, 64, 32, 1], seed=arguments.seed, initial_gain=1)
    task, baseline = uwm.tasks.Multiplexer(4), uwm.RunningMean()
    optimizer = uwm.Adam(LEARNING_RATES)
    rules = [uwm.rule(name) for name in uwm.RULES]
    for state in STATES:
        steps = state - optimizer.steps
        if steps:
            uwm.train(
                net, uwm.UnbiasedWeightMax("posterior"), optimizer, task,
                steps=steps, batch_size=16, baseline=baseline,
            )  # fmt: skip
        twin = net.astype("float64")
        mean, square = moments(twin, rules, task, baseline.value, arguments.samples)
        best = uwm.RULES.index("unbiased_weight_max")
        signal = np.array([np.vdot(m[best, 0], m[best, 1]) for m in mean])  # |g|^2 of each layer
        print(f"\n{state} steps of 16, baseline {baseline.value:.2f}")
        columns = [*(f"layer {ell + 1}" for ell in range(len(mean))), "all"]
        print(f"{'rule':32}" + "".join(f"{column:>10}" for column in columns))
        for r, rule in enumerate(rules):
            found = [np.sqrt(s / g) for s, g in zip(square[r], signal, strict=True)]
            found.append(np.sqrt(square[r].sum() / signal.sum()))
            print(f"{rule.name:32}" + "".join(f"{value:10.1f}" for value in found), flush=True)


if __name__ == "__main__":
    main()
