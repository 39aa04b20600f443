"""The published setting: what holds the rules with little noise below the top, and what lifts it.

Trains as `uwm.train` does in one go, stopping at checkpoints to look at the units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import uwm

#: Adam's rates that Weight Maximization was published with, at batch size 1.
PUBLISHED_RATES = (1e-2, 1e-3, 1e-4)
CHECKPOINTS = 20
LOOKED_AT = 1000  # inputs
STEPS_LOOKED_AT = 200  # updates whose size is measured, at every checkpoint
SERIES = ("reward", "saturated", "stuck", "entropy", "weight", "step")


@dataclass(frozen=True)
class Remedy:
    """A change to the published setting."""

    name: str
    rates: tuple[float, ...] = PUBLISHED_RATES
    batch_size: int = 1
    running_mean: bool = False
    epsilon: float = 1e-8
    falls_to: float = 1.0
    temperature: float = 1.0
    units: str = "binary"


REMEDIES = (
    Remedy("as published"),
    Remedy("layer 1 five times slower", rates=(2e-3, 1e-3, 1e-4)),
    Remedy("all layers four times slower", rates=(2.5e-3, 2.5e-4, 2.5e-5)),
    Remedy("layers 2 and 3 faster", rates=(1e-2, 3e-3, 1e-3)),
    Remedy("flatter and faster", rates=(2e-2, 6.3e-3, 2e-3)),
    Remedy("rates fall to a hundredth", falls_to=0.01),
    Remedy("running-mean baseline", running_mean=True),
    Remedy("batch 16, as many episodes", batch_size=16),
    Remedy("Adam's epsilon 1e-3", epsilon=1e-3),
    Remedy("temperature 2", temperature=2.0),
    Remedy("bipolar units", units="bipolar"),
)
KEYS = ("remedy", "rates", "batch_size", "baseline", "epsilon", "falls_to", "temperature", "units",
        "rule", "seed", "episodes")  # fmt: skip
LAYERS = len(PUBLISHED_RATES)
QUIET_INPUTS = 20_000
QUIET_KEYS = ("rule", "seed", "episodes")
QUIET_VALUES = ("as_it_is", *(f"layer_{k}" for k in range(1, LAYERS + 1)), "all")
VALUES = ("mean_reward", "final_reward", "at", "reward",
          *(f"{name}_{k}" for name in SERIES[1:] for k in range(1, LAYERS + 1)))  # fmt: skip


def key_of(remedy: Remedy, rule: str, seed: int, episodes: int) -> dict[str, Any]:
    """Return all that defines a run."""
    return {
        "remedy": remedy.name,
        "rates": remedy.rates,
        "batch_size": remedy.batch_size,
        "baseline": "running-mean" if remedy.running_mean else "none",
        "epsilon": remedy.epsilon,
        "falls_to": remedy.falls_to,
        "temperature": remedy.temperature,
        "units": remedy.units,
        "rule": rule,
        "seed": seed,
        "episodes": episodes,
    }


def observe(remedy: Remedy, rule: str, seed: int, episodes: int) -> dict[str, Any]:
    """Train on the multiplexer with 4 address bits and return rewards and what the units did.

    Per checkpoint: reward since the one before; per layer, over LOOKED_AT inputs: saturated, the
    share of firing probabilities below 0.01 or above 0.99; stuck, the share of units that are so on
    the same side for 99% of inputs; entropy, the mean of the actions' entropy in bits; weight, the
    mean size of a weight; step, the root mean square of an update of a weight over the learning
    rate, over the STEPS_LOOKED_AT updates before the checkpoint.
    """
    task = uwm.tasks.Multiplexer(4)
    net = uwm.Network(
        [task.n_inputs, 64, 32, 1],
        units=remedy.units,
        temperature=remedy.temperature,
        seed=seed,
        initial_gain=1,
    )
    steps = episodes // remedy.batch_size
    rates: list[Any] = list(remedy.rates)
    if remedy.falls_to < 1:
        rates = [uwm.Linear(rate, rate * remedy.falls_to, steps) for rate in rates]
    options: dict[str, Any] = {
        "batch_size": remedy.batch_size,
        "baseline": uwm.RunningMean() if remedy.running_mean else None,
        "threads": 1,
    }
    adam = uwm.Adam(rates, epsilon=remedy.epsilon)
    found: dict[str, list[float]] = {name: [] for name in VALUES[2:]}
    chunk = max(1, steps // CHECKPOINTS)
    looked_at = min(STEPS_LOOKED_AT, chunk - 1)
    for checkpoint in range(1, CHECKPOINTS + 1):
        log = uwm.train(net, uwm.rule(rule), adam, task, steps=chunk - looked_at, **options)
        total = float(log.mean_reward) * log.steps
        square = np.zeros(LAYERS)
        for _ in range(looked_at):
            before = [layer.weight.copy() for layer in net.layers]
            total += float(
                uwm.train(net, uwm.rule(rule), adam, task, steps=1, **options).mean_reward
            )
            now = [rate(adam.steps) if callable(rate) else rate for rate in rates]
            for k, layer in enumerate(net.layers):
                square[k] += np.mean(((layer.weight - before[k]) / now[k]) ** 2) / looked_at
        found["at"].append(checkpoint * chunk * remedy.batch_size)
        found["reward"].append(total / chunk)
        look(net, task, found)
        for k in range(LAYERS):
            found[f"step_{k + 1}"].append(float(np.sqrt(square[k])))
    return {
        **{name: np.array(values) for name, values in found.items()},
        "mean_reward": float(np.mean(found["reward"])),
        "final_reward": float(np.mean(found["reward"][-CHECKPOINTS // 10 :])),
    }


def quieten(rule: str, seed: int, episodes: int) -> dict[str, float]:
    """Train as published; return mean rewards of the network with the noise of a layer left out.

    as_it_is: nothing is left out. layer_k: units of layer k do what is likelier; all: every unit.
    """
    task = uwm.tasks.Multiplexer(4)
    net = uwm.Network([task.n_inputs, 64, 32, 1], seed=seed, initial_gain=1)
    adam = uwm.Adam(list(PUBLISHED_RATES))
    uwm.train(net, uwm.rule(rule), adam, task, steps=episodes, batch_size=1, threads=1)
    place = {"seed": 2**32, "step": 0}
    inputs = task.inputs(**place, batch_size=QUIET_INPUTS)

    def reward(layers: range) -> float:
        quiet = net.copy()
        for k in layers:
            layer = quiet.layers[k]
            layer.weight, layer.bias = 1e6 * layer.weight, 1e6 * layer.bias
        return float(np.mean(task.reward(**place, sample=quiet.forward(inputs))))

    of_layers = [reward(range(k, k + 1)) for k in range(LAYERS)]
    values = (reward(range(0)), *of_layers, reward(range(LAYERS)))
    return dict(zip(QUIET_VALUES, values, strict=True))


def look(net: uwm.Network, task: uwm.Task, found: dict[str, list[float]]) -> None:
    """Add the state of the units, without moving the network's random numbers on."""
    sample = net.copy().forward(task.inputs(seed=2**32, step=0, batch_size=LOOKED_AT))
    for k, p in enumerate(np.asarray(p, dtype=np.float64) for p in sample.probabilities):
        low, high = p < 0.01, p > 0.99
        q = np.clip(p, 1e-12, 1 - 1e-12)
        entropy = -(q * np.log2(q) + (1 - q) * np.log2(1 - q))
        stuck = (low.mean(axis=0) >= 0.99) | (high.mean(axis=0) >= 0.99)
        found[f"saturated_{k + 1}"].append(float((low | high).mean()))
        found[f"stuck_{k + 1}"].append(float(stuck.mean()))
        found[f"entropy_{k + 1}"].append(float(entropy.mean()))
        found[f"weight_{k + 1}"].append(float(np.abs(net.layers[k].weight).mean()))
