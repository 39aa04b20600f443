"""Calls with arguments of which each may be replaced by values that make no sense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import uwm
from uwm import analysis

NAN, INF = float("nan"), float("inf")
WrongCalls = dict[str, tuple[Callable[..., Any], dict[str, Any], dict[str, list[Any]]]]

PHILOX = {"seed": 0, "step": 0, "stream": 0, "layer": 0, "samples": 1, "units": 1}

# What no argument of any call may be.
MISFITS: list[Any] = [object(), 1j, {1: 2}, np.array(["x"]), np.array([1, None]), uwm.Rule]

# Calls whose arguments all have defaults.
MAY_BE_LEFT_OUT = ("Adam", "WeightMax", "RunningMean", "Multiplexer", "reset")

WORDS: list[Any] = ["text", ""]
WHOLE: list[Any] = [*WORDS, [], NAN, INF, 1.5, -1, 10**400, True, None, np.array([1, 2])]
COUNT: list[Any] = [*WHOLE, 0, -(2**70)]
REAL: list[Any] = [*WORDS, [], NAN, INF, 10**400, True]
NUMBER: list[Any] = [*REAL, np.array([1.0, 2.0]), [0.5]]
ARRAY: list[Any] = [
    *("text", None, NAN, [[NAN] * 3], [[INF] * 3], [[[1.0]]], [[1], [1, 2]], [1e400]),
    np.ma.array([[1.0] * 3], mask=True), np.array([["2026-01-01"] * 3], "M8[D]"), np.zeros((2, 77)),
    np.zeros(77),
]  # fmt: skip
PARTS: list[Any] = ["text", None, 1.0, [], uwm.Linear(1, 0, 2)]


def wrong_calls(parts: dict[str, Any]) -> WrongCalls:
    """Return calls by name: the function, right arguments, and wrong values for some of them."""
    net = parts["net"]
    return {**making(), **using(net, parts), **setting(net), **training(parts)}


def making() -> WrongCalls:
    rates: list[Any] = [*REAL, None, -1, [0.1, NAN], [0.1, "x"], [[0.1]]]
    return {
        "Network": (uwm.Network, {"sizes": [3, 4, 1]}, {
            "sizes": ["31", None, 3, [], [3], [3, 0], [3, -1], [3, 1.5], [3, NAN], [3, 10**400],
                      [2**40, 2**40], [[3, 1]], [3, True]],
            "output": [None, "Bernoulli ", "", 3],
            "units": [None, "ternary", 3],
            "temperature": [*REAL, None, 0, -1, [1.0] * 3,
                            [1.0, NAN], [1, 0], 1e-300, 1e300, [[1, 1]]],
            "dtype": ["float16", "int32", 5, "text"],
            "seed": [*WHOLE, 2**64],
        }),
        "SGD": (uwm.SGD, {"learning_rate": 0.1}, {
            "learning_rate": rates, "momentum": [*NUMBER, None, -0.1, 1, 1.5]}),
        "Adam": (uwm.Adam, {}, {
            "learning_rate": rates, "beta1": [*NUMBER, -1, 1], "beta2": [*NUMBER, -1, 1],
            "epsilon": [*NUMBER, 0, -1]}),
        "Linear": (uwm.Linear, {"start": 1.0, "end": 0.5, "steps": 3}, {
            "start": NUMBER, "end": NUMBER, "steps": COUNT}),
        "Exponential": (uwm.Exponential, {"start": 1.0, "end": 0.5, "steps": 3}, {
            "start": [*NUMBER, 0, -1], "end": [*NUMBER, 0, -1], "steps": COUNT}),
        "WeightMax": (uwm.WeightMax, {"norm": 2.0}, {"norm": [*NUMBER, -1]}),
        "RunningMean": (uwm.RunningMean, {"rate": 0.1}, {
            "rate": [*NUMBER, 0, -1, 1.5], "value": NUMBER}),
        "Multiplexer": (uwm.tasks.Multiplexer, {"address_bits": 1}, {"address_bits": [*COUNT, 99]}),
        "Bandit": (uwm.tasks.Bandit, {"inputs": [[0.0], [1.0]], "labels": [0, 1]}, {
            "inputs": [[], [[NAN], [1]], [[1.0]], [1.0, 2.0], "text", None],
            "labels": [[], [0], [0, -1], [0, 1.5], [0, NAN], [0, 10**30], "ab", None, [[0, 1]]],
            "n_classes": [*(w for w in COUNT if w is not None), 1]}),
        "Classification": (uwm.tasks.Classification, {"inputs": [[0.0], [1.0]], "labels": [0, 1]}, {
            "inputs": [[], [[NAN], [1]], [[1.0]], [1.0, 2.0], "text", None],
            "labels": [[], [0], [0, 0], [0, 1.5], [0, NAN], "ab", None, [[0, 1]], [0, "a"]],
            "test_inputs": [[[0.0]], [[1.0, 2.0]], "x"],
            "test_labels": [[0], [7]]}),
        "LayerGradient": (uwm.LayerGradient, {"weight": np.zeros((1, 2)), "bias": np.zeros(1)}, {
            "weight": ["text", None, [1.0], 3.0, [[1], [1, 2]]],
            "bias": ["text", None, [[1.0]], 3.0]}),
        "rule": (uwm.rule, {"name": "ste"}, {"name": ["", "sta", None, 3, []]}),
        "philox": (uwm.philox, PHILOX, {
            "seed": WHOLE, "step": [*WHOLE, 2**48], "samples": WHOLE, "units": WHOLE}),
    }  # fmt: skip


def using(net: Any, parts: dict[str, Any]) -> WrongCalls:
    x = np.zeros((1, net.sizes[0]))
    acts = [np.zeros((1, n)) for n in net.sizes[1:]]
    if net.output == "softmax":
        acts[-1][0, 0] = 1
    if net.units == "bipolar":
        acts[:-1] = [a + 1 for a in acts[:-1]]
    twin = net.copy()
    sample = twin.forward(x)
    zero = np.zeros(net.layers[0].weight.shape)
    rule, opt = parts["rule"], parts["optimizer"]
    gradient = [uwm.LayerGradient(each.weight * 0, each.bias * 0) for each in net.layers]

    counts = [each for each in COUNT if each is not None]

    def reward(output: Any) -> Any:
        return output[:, 0]

    return {
        "forward": (net.forward, {"x": x}, {"x": ARRAY}),
        "predict": (net.predict, {"x": x}, {"x": ARRAY, "passes": counts}),
        "mean_field": (net.mean_field, {"x": x}, {"x": ARRAY}),
        "clamp": (net.clamp, {"x": x, "activations": acts}, {
            "x": ARRAY,
            "activations": [[], None, 3, acts[:-1], acts * 2, [a + 0.5 for a in acts[:-1]],
                            [a * NAN for a in acts], ["x"] * len(acts)]}),
        "astype": (net.astype, {"dtype": "float32"}, {"dtype": ["float16", "int", 5, ""]}),
        "reset": (net.reset, {"seed": 1}, {"seed": [*(w for w in WHOLE if w is not None), 2**64]}),
        "unit_rewards": (uwm.WeightMax().unit_rewards,
                         {"net": net, "sample": sample, "reward": [1.0]}, {
            "net": PARTS, "sample": PARTS, "reward": [*ARRAY, [NAN], [[1.0]], [1.0, 2.0]]}),
        "gradient": (rule.gradient, {"net": net, "sample": sample, "reward": [1.0]}, {
            "net": PARTS, "sample": PARTS, "reward": [*ARRAY, [NAN], [[1.0]], [1.0, 2.0]]}),
        "input_gradient": (rule.input_gradient, {"net": net, "sample": sample, "reward": [1.0]}, {
            "net": PARTS, "sample": PARTS, "reward": [*ARRAY, [NAN], [[1.0]], [1.0, 2.0]]}),
        "both_gradients": (rule.both_gradients, {"net": net, "sample": sample, "reward": [1.0]}, {
            "net": PARTS, "sample": PARTS, "reward": [*ARRAY, [NAN], [[1.0]], [1.0, 2.0]]}),
        "step": (uwm.SGD(0.1).step, {"net": net, "gradient": gradient}, {
            "net": PARTS,
            "gradient": [None, 3, "text", gradient[:-1], gradient * 2, [1] * len(gradient),
                         [uwm.LayerGradient(zero + NAN, zero[:, 0]), *gradient[1:]]]}),
        "save": (uwm.save, {"path": parts["path"], "net": net}, {
            "path": [None, 3, "", "a\0", "/absent/a", "/", "a" * 300],
            "net": PARTS, "optimizer": ["text", 1.0, [], net],
            "baseline": ["text", NAN, net, 10**400], "log": ["text", 1.0, net],
            "extra": ["text", {1: 2}, {"": 1}, {"a": None}, {"a": opt}]}),
        "load": (uwm.load, {"path": parts["path"]}, {
            "path": [None, 3, "", "a\0", "/absent/a", "/", b"/absent/a"]}),
        "exact_gradient": (analysis.exact_gradient, {"net": net, "x": x, "reward": reward}, {
            "x": ARRAY,
            "reward": [None, 3, lambda o: "x", lambda o: [1.0] * 77, lambda o: o[:, 0] * NAN],
            "quadrature": COUNT if net.output == "gaussian" else ["text"]}),
    }  # fmt: skip


def setting(net: Any) -> WrongCalls:
    layer, zero = net.layers[0], np.zeros(net.layers[0].weight.shape)

    def put(target: Any, name: str) -> Callable[..., None]:
        def call(*, value: Any) -> None:
            setattr(target, name, value)

        return call

    return {
        "step=": (put(net, "step"), {"value": 0}, {"value": [*WHOLE, 2**48]}),
        "weight=": (put(layer, "weight"), {"value": zero}, {
            "value": [*ARRAY, zero + NAN, zero + INF, zero[0]]}),
        "bias=": (put(layer, "bias"), {"value": zero[:, 0]}, {"value": [*ARRAY, zero]}),
        "temperature=": (put(net, "temperature"), {"value": 1.0}, {
            "value": [*REAL, None, 0, -1, [1.0] * 77]}),
        "learning_rate=": (put(uwm.Adam(), "learning_rate"), {"value": 1.0}, {
            "value": [*REAL, None, -1, [0.1, NAN], [[0.1]]]}),
    }  # fmt: skip


def training(parts: dict[str, Any]) -> WrongCalls:
    good = {name: parts[name] for name in ("net", "rule", "optimizer", "task")} | {"steps": 1}
    counts = [each for each in COUNT if each is not None]
    bad: dict[str, list[Any]] = {
        "net": PARTS, "rule": [*PARTS, "ste"], "optimizer": PARTS, "task": [*PARTS, "digits"],
        "steps": COUNT, "batch_size": [*COUNT, 2**62], "record_every": counts, "threads": counts,
        "baseline": ["text", NAN, INF, 10**400, [], True],
        "progress": ["text", 1, []],
    }  # fmt: skip

    def swapped(*, steps: Any) -> None:
        uwm.train(parts["rule"], parts["net"], parts["task"], parts["optimizer"], steps=steps)

    return {
        "train": (uwm.train, good, bad),
        "train, swapped": (swapped, {"steps": 1}, {"steps": [1]}),
    }
