"""The noise of our rules beside what others have published, on the same networks.

    python docs/claims/peers.py            # the table, to the terminal and into data/peers.csv

Noise is that of one reward: the standard deviation of the first layer's update over the length of
its mean, over inputs and draws. `posterior_reinforce` is Hindsight Network Credit Assignment
(K. Young, arXiv 2011.12351), `flip_difference` is PSA (Shekhovtsov, Yanush, Flach, arXiv
2006.03143). DisARM (Dong, Mnih, Tucker, arXiv 2006.10680) is here alone: it runs everything above
a layer twice, with the same noise, on that layer's draw and on its antithetic one, so a network of
L layers costs 2 (L - 1) further passes.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

import uwm

DATA = Path(__file__).parent / "data" / "peers.csv"
RULES = (
    "reinforce", "posterior_reinforce", "flip_difference", "unbiased_weight_max_posterior",
    "unbiased_weight_max",
)  # fmt: skip
COLUMNS = (*RULES[:2], "disarm", *RULES[2:])
CHUNK = 4096
Array = np.ndarray


def logistic(x: Array) -> Array:
    """Return 1 / (1 + e^-x)."""
    return 0.5 * (1 + np.tanh(0.5 * x))


class Question:
    """Inputs and the action that is rewarded: +1 for it, -1 for any other."""

    def __init__(self, task: uwm.Task | None) -> None:
        self.task = task

    def ask(self, net: uwm.Network, step: int) -> tuple[uwm.Sample, Array, Array]:
        """Return a sample, its rewards, and the right actions."""
        if self.task is None:  # one input; the right action is 1
            sample = net.forward(np.tile(np.linspace(-1, 1, net.sizes[0]), (CHUNK, 1)))
            actions = action_of(sample.output)
            return sample, np.where(actions == 1, 1.0, -1.0), np.ones(CHUNK)
        sample = net.forward(self.task.inputs(7, step, CHUNK))
        reward = np.asarray(self.task.reward(7, step, sample), float)
        actions = action_of(sample.output)
        return sample, reward, np.where(reward > 0, actions, 1 - actions)


def action_of(output: Array) -> Array:
    """Return the bit, or the place of the one."""
    return output[:, 0] if output.shape[1] == 1 else output.argmax(axis=1)


def run_above(net: uwm.Network, activity: Array, noise: list[Array], right: Array) -> Array:
    """Return the reward of an activity of the first layer, given the uniform noise above."""
    *hidden, output = net.layers[1:]
    for layer, u in zip(hidden, noise, strict=False):
        activity = (u < logistic(activity @ layer.weight.T + layer.bias)).astype(float)
    logits = activity @ output.weight.T + output.bias
    if logits.shape[1] == 1:
        action = (noise[-1][:, 0] < logistic(logits[:, 0])).astype(float)
    else:
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        below = np.cumsum(p / p.sum(axis=1, keepdims=True), axis=1)
        action = (noise[-1] > below[:, :-1]).sum(axis=1)
    return np.where(action == right, 1.0, -1.0)


def disarm(net: uwm.Network, x: Array, right: Array, rng: np.random.Generator) -> Array:
    """Return DisARM's estimate for the logits of the first layer, one row per input."""
    first = net.layers[0]
    logits = x @ first.weight.T + first.bias
    u = rng.random(logits.shape)
    draw, mirrored = u < logistic(logits), 1 - u < logistic(logits)
    noise = [rng.random((len(x), n)) for n in net.sizes[2:-1]] + [rng.random((len(x), 1))]
    gain = run_above(net, draw.astype(float), noise, right)
    gain -= run_above(net, mirrored.astype(float), noise, right)
    sign = np.where(mirrored, -1.0, 1.0) * (draw != mirrored)
    return 0.5 * gain[:, None] * sign * logistic(np.abs(logits))


def noises(net: uwm.Network, task: uwm.Task | None, chunks: int) -> dict[str, float]:
    """Return the noise of each estimator for the first layer of a network of 0/1 units."""
    question, rng = Question(task), np.random.default_rng(3)
    sums = {name: np.zeros((2, *net.layers[0].weight.shape)) for name in COLUMNS}
    squares = dict.fromkeys(COLUMNS, 0.0)
    for step in range(chunks):
        sample, reward, right = question.ask(net, step)
        x = np.asarray(sample.inputs, float)
        drawn = sample.activations[0] - sample.probabilities[0]
        for name in COLUMNS:
            if name == "disarm":
                update = disarm(net, x, right, rng)
            else:
                update = uwm.rule(name).unit_rewards(net, sample, reward)[0] * drawn
            sums[name][step % 2] += update.T @ x
            squares[name] += float(((update**2).sum(axis=1) * (x**2).sum(axis=1)).sum())
    n = chunks * CHUNK
    # The product of two independent means has no share of their noise.
    halves = sums["unbiased_weight_max"] / (n / 2)
    signal = float((halves[0] * halves[1]).sum())
    return {name: float(np.sqrt(squares[name] / n / signal - 1)) for name in COLUMNS}


def networks() -> dict[str, tuple[uwm.Network, uwm.Task | None]]:
    """Return the networks of the table, by what it calls them."""
    found: dict[str, tuple[uwm.Network, uwm.Task | None]] = {}
    for scale in (0.5, 1.5, 3.0):
        for sizes in ([3, 4, 4, 1], [3, 4, 4, 2]):
            output = "softmax" if sizes[-1] > 1 else "bernoulli"
            net = uwm.Network(sizes, output=output, dtype="float64", seed=1, initial_gain=1)
            rng = np.random.default_rng(5)
            for layer in net.layers:
                layer.weight[:] = rng.normal(size=layer.weight.shape) * scale
            found[f"{'-'.join(map(str, sizes))}, weights {scale:g}"] = net, None
    task = uwm.tasks.Multiplexer(address_bits=2)
    for hidden in ([16, 16], [64, 64], [256, 256], [32, 32, 32]):
        for steps in (0, 500, 2000):
            net = uwm.Network([task.n_inputs, *hidden, 1], dtype="float64", seed=1)
            rule, adam = uwm.UnbiasedWeightMax(), uwm.Adam()
            if steps:
                uwm.train(net, rule, adam, task, steps=steps, batch_size=16)
            found[f"multiplexer {hidden}, step {steps:,}"] = net, task
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=128, help=f"of {CHUNK} samples")
    args = parser.parse_args()
    rows = []
    print("| network | " + " | ".join(f"`{name}`" for name in COLUMNS) + " |")
    print("| --- |" + " ---: |" * len(COLUMNS))
    for name, (net, task) in networks().items():
        found = noises(net, task, args.chunks)
        rows.append([name, *(f"{found[column]:.4g}" for column in COLUMNS)])
        print(f"| {name} | " + " | ".join(f"{found[c]:.3g}" for c in COLUMNS) + " |", flush=True)
    with open(DATA, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([["network", *COLUMNS], *rows])


if __name__ == "__main__":
    main()
