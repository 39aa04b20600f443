"""The unbiased rules where floating point is at its limits, against decimal arithmetic."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import truth
from nets import implementation, random_activations, random_parameters

from uwm import reference

SHAPES = (
    ((2, 3, 3, 1), "bernoulli"),
    ((2, 2, 3, 2, 2), "bernoulli"),
    ((2, 3, 2, 3), "softmax"),
    ((2, 3, 2, 2), "gaussian"),
)
# (package, dtype, tolerance, rewards up to which it is kept)
PRECISIONS = (
    ("reference", "float64", 1e-10, 1e300),
    ("engine", "float64", 1e-6, 1e100),
    ("engine", "float32", 0.05, 1e12),
)
INPUT = np.ones((1, 2))
REWARD = 0.75


@functools.cache
def unlikely(
    sizes: tuple[int, ...], output: str, units: str, scale: float, seed: int
) -> tuple[Any, Any]:
    """A network with whole logits, for the sake of the truth, and fair coins for actions."""
    temperature = (0.5, 2, 1, 1)[: len(sizes) - 1]
    net = reference.Network(sizes, output=output, units=units, sigma=0.5, temperature=temperature)
    random_parameters(net, scale, seed)
    for layer in net.layers:
        layer.weight[:] = 2 * np.round(layer.weight / 2)
        layer.bias[:] = 2 * np.round(layer.bias / 2)
    activations = random_activations(net, 1, seed)
    if output == "gaussian":
        activations[-1] = 2 * np.round(activations[-1])
    return net, activations


@functools.cache
def huge(units: str, seed: int) -> tuple[Any, Any]:
    """A network with parameters of +-1e4, and actions drawn from it."""
    net = reference.Network([2, 2, 2, 1], units=units, seed=seed)
    rng = np.random.default_rng(seed)
    for layer in net.layers:
        layer.weight[:] = rng.choice([-1e4, 0.0, 1e4, 1.0], size=layer.weight.shape)
    return net, net.forward(INPUT).activations


@functools.cache
def true_rewards(rule: str, digits: int, make: Any, *arguments: Any) -> Any:
    net, activations = make(*arguments)
    given = [a[0] for a in activations]
    return truth.unit_rewards(net, rule, INPUT[0], given, REWARD, digits)


def check(precision: Any, rule: str, digits: int, make: Any, *arguments: Any) -> None:
    package_name, dtype, tolerance, largest = precision
    package = implementation(package_name)
    given, activations = make(*arguments)
    net = package.Network(
        given.sizes,
        output=given.output,
        units=given.units,
        temperature=given.temperature,
        sigma=given.sigma,
        dtype=dtype,
    )
    for mine, theirs in zip(net.layers, given.layers, strict=True):
        mine.weight[...], mine.bias[...] = theirs.weight, theirs.bias
    sample = net.clamp(INPUT.astype(dtype), [a.astype(dtype) for a in activations])
    found = package.rule(rule).unit_rewards(net, sample, np.array([REWARD]))
    wanted = true_rewards(rule, digits, make, *arguments)
    for T, W in reversed(list(zip(found[:-1], wanted, strict=True))):
        assert np.all(np.isfinite(T))
        if not np.all(np.abs(W) < largest):
            beyond = np.abs(W) >= largest  # cut off or not, the sign must be right
            assert np.array_equal(np.sign(T[0])[beyond], np.sign(W)[beyond]), (T, W)
            return  # what was cut off is handed further down
        distance = np.max(np.abs(np.asarray(T[0], np.float64) - W))
        assert distance < tolerance * max(float(np.max(np.abs(W))), 1e-6), (T, W)


@pytest.mark.parametrize("precision", PRECISIONS, ids=lambda p: f"{p[0]}-{p[1]}")
@pytest.mark.parametrize("rule", truth.FORMS)
@pytest.mark.parametrize(("scale", "digits"), [(2.0, 100), (30.0, 1000), (200.0, 5000)])
@pytest.mark.parametrize(("sizes", "output"), SHAPES)
def test_activities_however_unlikely(
    sizes: tuple[int, ...], output: str, scale: float, digits: int, rule: str, precision: Any
) -> None:
    """Fair coins for actions where probabilities are down to exp(-1000): ratios of any size."""
    for seed, units in enumerate(("binary", "bipolar")):
        check(precision, rule, digits, unlikely, sizes, output, units, scale, seed)


@pytest.mark.parametrize("precision", PRECISIONS, ids=lambda p: f"{p[0]}-{p[1]}")
@pytest.mark.parametrize("rule", truth.FORMS)
@pytest.mark.parametrize("units", ["binary", "bipolar"])
def test_weights_of_ten_thousand(units: str, rule: str, precision: Any) -> None:
    for seed in range(3):
        check(precision, rule, 20000, huge, units, seed)
