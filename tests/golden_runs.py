"""Short runs of everything, printed as JSON: test_golden.py starts it per instruction set."""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import Any

import numpy as np

import uwm

SIZES = ((5, 7, 3), (6, 33, 17, 2))
OUTPUTS = ("bernoulli", "softmax", "gaussian")
STEPS = 20


class Distance(uwm.Task):
    """The less the output is away from a number that the input gives, the better."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self._sizes = sizes

    @property
    def n_inputs(self) -> int:
        return self._sizes[0]

    @property
    def n_outputs(self) -> int:
        return self._sizes[-1]

    def inputs(self, seed: int, step: int, batch: int) -> Any:
        words = uwm.philox(seed, step, 9, 0, batch, self._sizes[0])
        return words.astype(np.float64) / 2.0**31 - 1.0

    def reward(self, seed: int, step: int, sample: Any) -> Any:
        target = sample.inputs[:, :1].astype(np.float64)
        # Rounded to few bits, so that the reward itself is the same wherever the actions are.
        distance = np.abs(sample.output.astype(np.float64) - target).max(axis=1)
        return 1.0 - np.round(distance * 64.0) / 64.0


def digest(arrays: list[Any]) -> str:
    """One short text for the bits of all arrays."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]


def run(
    rule: str, sizes: tuple[int, ...], output: str, units: str, dtype: str, batch: int
) -> dict[str, Any]:
    """The bits of a gradient and of a short training run, and two numbers of the latter."""
    options: dict[str, Any] = {"units": units, "dtype": dtype, "seed": 3}
    kind = uwm.Gaussian(sigma=0.5) if output == "gaussian" else output
    net = uwm.Network(sizes, output=kind, temperature=1.25, initial_gain=1, **options)
    task, the_rule = Distance(sizes), uwm.rule(rule)
    sample = net.forward(task.inputs(1, 0, batch))
    gradient = the_rule.gradient(net, sample, task.reward(1, 0, sample))
    one = [*sample.activations, *sample.probabilities, *sample.logits]
    one += [a for g in gradient for a in (g.weight, g.bias)]
    log = uwm.train(net, the_rule, uwm.Adam(0.01), task, steps=STEPS, batch_size=batch)
    parameters = [a for layer in net.layers for a in (layer.weight, layer.bias)]
    return {
        "gradient": digest(one),
        "training": digest([*parameters, np.array(log.rewards)]),
        "mean_reward": log.mean_reward,
        "size": float(sum(np.abs(a.astype(np.float64)).sum() for a in parameters)),
    }


def main() -> None:
    """Print the results of every case under its name."""
    results = {}
    for rule, sizes, output, units, dtype, batch in itertools.product(
        uwm.RULES, SIZES, OUTPUTS, ("binary", "bipolar"), ("float32", "float64"), (1, 5)
    ):
        name = " ".join([rule, "-".join(map(str, sizes)), output, units, dtype, f"batch {batch}"])
        results[name] = run(rule, sizes, output, units, dtype, batch)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
