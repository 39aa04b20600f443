"""Measurements of uwm that need a fresh process; prints one JSON object."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def multiplexer(rule: str, episodes: str) -> dict[str, Any]:
    """The published setting on one core: [64, 32], batch 1, Adam [1e-2, 1e-3, 1e-4]."""
    from peers.uwm_engine import rule as rule_of

    import uwm

    net = uwm.Network([20, 64, 32, 1], initial_gain=1)
    adam = uwm.Adam(learning_rate=[1e-2, 1e-3, 1e-4])
    task = uwm.tasks.Multiplexer(address_bits=4)
    log = uwm.train(net, rule_of(rule), adam, task, steps=int(episodes), threads=1)
    return {"us_per_step": 1e6 * log.seconds / log.steps, "mean_reward": log.mean_reward}


def status(key: str) -> float:
    """A size from /proc/self/status in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) / 1024
    raise KeyError(key)


def memory(rule: str, hidden: str, batch: str, threads: str) -> dict[str, Any]:
    """Growth of the resident set from before the network is made to its peak while it trains."""
    from peers.problem import Problem
    from peers.uwm_engine import Trainer

    import uwm

    def train(layers: tuple[int, ...], size: int, steps: int) -> Trainer:
        trainer = Trainer(Problem(layers, size, rule), int(threads))
        trainer.run(steps)
        return trainer

    train((64, 64), 64, 2)  # code, thread stacks and the like are not counted
    try:
        Path("/proc/self/clear_refs").write_text("5")
        before = status("VmRSS")
    except OSError:
        return {"peak_mib": None, "excess_mib": None}
    trainer = train(tuple(map(int, hidden.split("x"))), int(batch), 4)
    peak = status("VmHWM") - before
    numbers = sum(layer.weight.size + layer.bias.size for layer in trainer.net.layers)
    assert isinstance(trainer.adam, uwm.Adam)  # keeps two moments
    return {"peak_mib": peak, "excess_mib": peak - 3 * 4 * numbers / 2**20}


def import_time() -> dict[str, Any]:
    start = time.perf_counter()
    import numpy  # noqa: F401

    middle = time.perf_counter()
    import uwm  # noqa: F401

    end = time.perf_counter()
    return {"numpy_ms": 1e3 * (middle - start), "uwm_ms": 1e3 * (end - middle)}


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    probes: dict[str, Any] = {"multiplexer": multiplexer, "memory": memory, "import": import_time}
    print(json.dumps(probes[what](*rest)))
