"""The engine against its slow twin: same draws, same rewards per unit, same training runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from nets import (
    TEMPERATURES,
    implementation,
    output_of,
    random_activations,
    random_parameters,
    relative_error,
)

from uwm import reference

# (sizes, output): one to three hidden layers, none at all, widths around the width of a vector
SHAPES = (
    ((5, 3), "bernoulli"),
    ((5, 7, 1), "bernoulli"),
    ((5, 7, 3), "bernoulli"),
    ((5, 17, 4), "softmax"),
    ((5, 8, 3), "gaussian"),
    ((6, 33, 9, 2), "bernoulli"),
    ((6, 16, 12, 5), "softmax"),
    ((6, 9, 31, 2), "gaussian"),
    ((4, 20, 13, 8, 1), "bernoulli"),
    ((4, 5, 70, 6, 3), "softmax"),
    ((4, 15, 1, 18, 2), "gaussian"),
)


@pytest.fixture(scope="module")
def engine() -> Any:
    return implementation("engine")


def make(engine: Any, sizes: Any, output: str, units: str, dtype: str = "float64", **k: Any) -> Any:
    return engine.Network(
        sizes,
        output=output_of(engine, output, 0.7),
        units=units,
        temperature=TEMPERATURES[: len(sizes) - 1],
        dtype=dtype,
        **k,
    )


class Given(reference.Rule):
    """The rule that hands out these rewards."""

    def __init__(self, rewards: Any) -> None:
        self.rewards = rewards

    def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
        return self.rewards


def compare_rules(
    engine: Any, net: Any, x: Any, activations: Any, tolerance: float, rules: Any = reference.RULES
) -> None:
    """Unit rewards and gradients of given activations, every rule, layer by layer."""
    twin = reference.Network.from_network(net)
    theirs = net.clamp(x.astype(net.dtype), [a.astype(net.dtype) for a in activations])
    ours = twin.clamp(x.astype(net.dtype), [a.astype(net.dtype) for a in activations])
    reward = np.random.default_rng(9).normal(size=len(x))
    for ell in range(len(activations)):
        for field in ("logits", "probabilities", "eligibilities"):
            error = relative_error(getattr(theirs, field)[ell], getattr(ours, field)[ell])
            assert error < tolerance, (field, ell)
    for name in rules:
        T = engine.rule(name).unit_rewards(net, theirs, reward)
        W = reference.rule(name).unit_rewards(twin, ours, reward)
        g = engine.rule(name).gradient(net, theirs, reward)
        handed_down = np.abs(reward)[:, None]
        f = Given(W).gradient(twin, ours, reward)  # Rule.gradient, without the work done twice
        for ell in reversed(range(len(activations))):
            # of the differences between rewards handed down that cancel, rounding is left
            terms = np.broadcast_to(handed_down, W[ell].shape)
            update = np.abs(terms * ours.eligibilities[ell]).T / len(x) / twin.temperature[ell]
            below = np.abs(ours.activations[ell - 1] if ell > 0 else x)
            assert relative_error(T[ell], W[ell], terms) < tolerance, (name, ell)
            assert relative_error(g[ell].weight, f[ell].weight, update @ below) < tolerance
            assert relative_error(g[ell].bias, f[ell].bias, update.sum(axis=1)) < tolerance
            handed_down = np.abs(W[ell]).sum(axis=1, keepdims=True)


# The same random numbers


def test_the_same_words(engine: Any) -> None:
    for place in [(0, 0, 0, 0), (2**64 - 1, 2**48 - 1, 3, 4095), (12345678901234567, 2**32, 1, 7)]:
        for shape in [(1, 1), (3, 1000), (70, 5)]:
            assert np.array_equal(engine.philox(*place, *shape), reference.philox(*place, *shape))


@pytest.mark.parametrize("units", ["binary", "bipolar"])
@pytest.mark.parametrize(("sizes", "output"), SHAPES)
def test_the_same_initial_parameters_and_draws(
    engine: Any, sizes: Any, output: str, units: str
) -> None:
    net, twin = (
        make(package, sizes, output, units, seed=2**40 + 3) for package in (engine, reference)
    )
    for a, b in zip(net.layers, twin.layers, strict=True):
        assert relative_error(a.weight, b.weight) < 1e-15
        b.weight[...] = a.weight
    for package in (net, twin):
        package.step = 2**33
    x = np.random.default_rng(0).normal(size=(40, sizes[0]))
    for _ in range(3):
        a, b = net.forward(x), twin.forward(x)
        assert net.step == twin.step
        last = len(sizes) - 2
        for ell in range(last + 1):
            if ell == last and output == "gaussian":
                assert relative_error(a.activations[ell], b.activations[ell]) < 1e-13
            else:
                assert np.array_equal(a.activations[ell], b.activations[ell])
        assert relative_error(a.eligibilities[last], b.eligibilities[last]) < 1e-11
        if output == "softmax":
            assert np.array_equal(a.actions, b.actions)


def test_float32_draws_the_same_actions_but_for_rounding(engine: Any) -> None:
    net = make(engine, (8, 100, 100, 4), "softmax", "binary", "float32", seed=4)
    twin = reference.Network.from_network(net)
    x = np.random.default_rng(0).choice([-1.0, 1.0], size=(200, 8))
    a, b = net.forward(x.astype("float32")), twin.forward(x)
    assert np.mean(a.activations[0] != b.activations[0]) < 1e-4


# Unit rewards and gradients


@pytest.mark.parametrize("scale", [0.1, 1.0, 4.0])
@pytest.mark.parametrize("units", ["binary", "bipolar"])
@pytest.mark.parametrize(("sizes", "output"), SHAPES)
def test_unit_rewards_and_gradients_in_float64(
    engine: Any, sizes: Any, output: str, units: str, scale: float
) -> None:
    net = random_parameters(make(engine, sizes, output, units), scale / np.sqrt(sizes[0]))
    for batch in (1, 2, 5):
        x = np.random.default_rng(batch).normal(size=(batch, sizes[0]))
        drawn = net.forward(x)
        compare_rules(engine, net, x, [np.array(a) for a in drawn.activations], 1e-10)
        if scale <= 1:  # fair coins are far too unlikely for the two-sided forms otherwise
            compare_rules(engine, net, x, random_activations(net, batch), 1e-10)


@pytest.mark.parametrize("units", ["binary", "bipolar"])
@pytest.mark.parametrize(
    ("sizes", "output"),
    [
        *SHAPES,
        ((20, 64, 32, 1), "bernoulli"),
        ((20, 256, 256, 10), "softmax"),
        ((20, 1024, 1024, 1), "bernoulli"),
        ((20, 1000, 40, 3), "gaussian"),
    ],
)
def test_unit_rewards_and_gradients_in_float32(
    engine: Any, sizes: Any, output: str, units: str
) -> None:
    net = make(engine, sizes, output, units, "float32", seed=1, initial_gain=1)
    batch = 1 if max(sizes) > 256 else 6
    x = np.random.default_rng(batch).choice([-1.0, 1.0], size=(batch, sizes[0]))
    drawn = net.forward(x.astype("float32"))
    compare_rules(engine, net, x, [np.array(a, np.float64) for a in drawn.activations], 1e-4)


def test_other_norms_of_weight_max(engine: Any) -> None:
    net = random_parameters(make(engine, (4, 9, 6, 2), "bernoulli", "bipolar"), 1.0)
    x, activations = np.ones((3, 4)), random_activations(net, 3)
    twin = reference.Network.from_network(net)
    for norm in (1.0, 1.5, 3.0):
        T = engine.WeightMax(norm=norm).unit_rewards(net, net.clamp(x, activations), np.ones(3))
        W = reference.WeightMax(norm=norm).unit_rewards(
            twin, twin.clamp(x, activations), np.ones(3)
        )
        assert all(relative_error(a, b) < 1e-12 for a, b in zip(T, W, strict=True))


# Extremes: nothing may overflow, and nothing may be wrong


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("units", ["binary", "bipolar"])
@pytest.mark.parametrize(
    ("sizes", "output"),
    [((4, 60, 40, 3), "bernoulli"), ((4, 40, 50, 3), "softmax"), ((4, 9, 9, 9, 1), "bernoulli")],
)
def test_weights_and_logits_of_ten_thousand(
    engine: Any, sizes: Any, output: str, units: str, dtype: str
) -> None:
    """Parameters of 0, 1 and +-1e4: logits are whole numbers, exact in float32 too."""
    net = engine.Network(sizes, output=output, units=units, dtype=dtype)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        for layer in net.layers:
            for parameter in (layer.weight, layer.bias):
                chance = [0.05, 0.05, 0.8, 0.1]
                parameter[...] = rng.choice([-1e4, 1e4, 0.0, 1.0], parameter.shape, p=chance)
        x = rng.choice([-1.0, 1.0], size=(7, sizes[0]))
        drawn = net.forward(x.astype(dtype))
        activations = [np.array(a, np.float64) for a in drawn.activations]
        compare_rules(engine, net, x, activations, 1e-4 if dtype == "float32" else 1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [30.0, 1000.0])
@pytest.mark.parametrize("output", ["bernoulli", "softmax", "gaussian"])
def test_nothing_overflows_however_unlikely_the_actions(
    engine: Any, output: str, scale: float, dtype: str
) -> None:
    for seed in range(10):
        net = make(engine, (3, 20, 30, 10, 3), output, ("binary", "bipolar")[seed % 2], dtype)
        random_parameters(net, scale, seed)
        activations = [h.astype(dtype) for h in random_activations(net, 4, seed)]
        sample = net.clamp(np.ones((4, 3), dtype), activations)
        for name in reference.RULES:
            T = engine.rule(name).unit_rewards(net, sample, np.array([1.0, -1.0, 0.5, 2.0]))
            assert all(np.all(np.isfinite(t)) for t in T), name


# The reference takes seconds for a row. Large weights are the harder case in single precision.
@pytest.mark.parametrize(
    ("dtype", "tolerance", "batch", "gain"),
    [("float32", 1e-4, 1, 30.0), ("float64", 1e-10, 2, 1.0)],
)
@pytest.mark.parametrize("sizes", [(4, 4096, 300, 1), (4, 300, 4096, 1), (4, 4096, 3)])
def test_layers_of_4096_units(
    engine: Any, sizes: Any, dtype: str, tolerance: float, batch: int, gain: float
) -> None:
    net = engine.Network(sizes, dtype=dtype, seed=3, initial_gain=gain)
    x = np.random.default_rng(batch).choice([-1.0, 1.0], size=(batch, 4))
    drawn = net.forward(x.astype(dtype))
    activations = [np.array(a, np.float64) for a in drawn.activations]
    compare_rules(engine, net, x, activations, tolerance)


# Half as wide: the reference takes a quarter of 2 GB, and the test above sums 4,096 terms.
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("float64", 1e-10)])
def test_two_layers_of_2048_units(engine: Any, dtype: str, tolerance: float) -> None:
    net = engine.Network((4, 2048, 2048, 1), dtype=dtype, seed=3)
    x = np.array([[1.0, -1.0, -1.0, 1.0]])
    drawn = net.forward(x.astype(dtype))
    activations = [np.array(a, np.float64) for a in drawn.activations]
    compare_rules(engine, net, x, activations, tolerance, rules=["unbiased_weight_max_posterior"])


# Training runs


class Chase:
    """A Gaussian output that should be near the sum of the inputs: a task written in Python."""

    n_inputs, n_outputs = 3, 2

    def inputs(self, seed: int, step: int, batch_size: int) -> Any:
        return (
            2.0 * reference.random.uniforms(reference.philox(seed, step, 2, 0, batch_size, 3)) - 1.0
        )

    def reward(self, seed: int, step: int, sample: Any) -> Any:
        error = np.asarray(sample.output) - np.asarray(sample.inputs).sum(axis=1, keepdims=True)
        return np.exp(-(error**2).sum(axis=1))


def task(package: Any, output: str) -> Any:
    if output == "bernoulli":
        return package.tasks.Multiplexer(address_bits=2)
    if output == "softmax":
        rng = np.random.default_rng(0)
        return package.tasks.Bandit(rng.normal(size=(30, 6)), rng.integers(0, 3, size=30))
    return type("Chase", (Chase, package.tasks.Task), {})()


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("batch_size", [1, 7, 16])
@pytest.mark.parametrize("output", ["bernoulli", "softmax", "gaussian"])
@pytest.mark.parametrize(
    "name", ["reinforce", "ste", "weight_max", "unbiased_weight_max_posterior"]
)
def test_training_runs(
    engine: Any, name: str, output: str, batch_size: int, optimizer: str
) -> None:
    sizes = {"bernoulli": (6, 9, 5, 1), "softmax": (6, 10, 3), "gaussian": (3, 6, 4, 2)}[output]
    logs, nets, baselines = [], [], []
    for package in (engine, reference):
        net = make(package, sizes, output, "bipolar" if batch_size == 7 else "binary", seed=8)
        if optimizer == "adam":
            rates = [package.Linear(0.02, 0.001, 200), *[0.01] * (len(sizes) - 2)]
            opt = package.Adam(learning_rate=rates)
        else:
            opt = package.SGD(learning_rate=package.Exponential(0.2, 0.05, 250), momentum=0.5)
        baselines.append(package.RunningMean(rate=0.05))
        logs.append(
            package.train(
                net,
                package.rule(name),
                opt,
                task(package, output),
                steps=300,
                batch_size=batch_size,
                baseline=baselines[-1],
                record_every=1,
            )
        )
        nets.append(net)
        assert opt.steps == 300 and net.step == 300
    tolerance = 1e-12 if output == "gaussian" else 0.0  # other rewards are whole numbers
    assert np.max(np.abs(logs[0].rewards - logs[1].rewards)) <= max(tolerance, 1e-15)
    assert logs[0].mean_reward == pytest.approx(logs[1].mean_reward, abs=1e-12)
    assert logs[0].final_reward == pytest.approx(logs[1].final_reward, abs=1e-12)
    assert baselines[0].value == pytest.approx(baselines[1].value, abs=1e-12)
    for a, b in zip(nets[0].layers, nets[1].layers, strict=True):
        assert relative_error(a.weight, b.weight) < 1e-10
        assert relative_error(a.bias, b.bias) < 1e-10
    x = np.random.default_rng(0).choice([-1.0, 1.0], size=(10, sizes[0]))
    a, b = nets[0].forward(x), nets[1].forward(x)
    for ell in range(len(sizes) - 2):
        assert np.array_equal(a.activations[ell], b.activations[ell])


@pytest.mark.parametrize("name", sorted(set(reference.RULES) - {"reinforce", "ste", "weight_max"}))
def test_training_runs_of_the_other_rules(engine: Any, name: str) -> None:
    nets = []
    for package in (engine, reference):
        net = make(package, (6, 9, 5, 1), "bernoulli", "binary", seed=8)
        package.train(
            net,
            package.rule(name),
            package.Adam(learning_rate=0.01),
            package.tasks.Multiplexer(address_bits=2),
            steps=300,
            batch_size=5,
            baseline=0.1,
        )
        nets.append(net)
    for a, b in zip(nets[0].layers, nets[1].layers, strict=True):
        assert relative_error(a.weight, b.weight) < 1e-10
