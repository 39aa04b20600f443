"""Networks, rewards and comparisons that several tests use."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

import uwm.reference

Array = np.ndarray[Any, np.dtype[np.float64]]

# As the registry claims; the tests hold it to that.
UNBIASED = tuple(name for name in uwm.RULES if uwm.rule_info(name).unbiased)
BIASED = tuple(name for name in uwm.RULES if not uwm.rule_info(name).unbiased)

# (sizes, output): every output kind, several output units, one to three hidden layers
SHAPES = (
    ((4, 5, 1), "bernoulli"),
    ((4, 4, 2), "bernoulli"),
    ((4, 5, 3), "softmax"),
    ((4, 4, 1), "gaussian"),
    ((4, 4, 4, 1), "bernoulli"),
    ((4, 4, 3, 2), "bernoulli"),
    ((4, 4, 3, 3), "softmax"),
    ((4, 3, 3, 1), "gaussian"),
    ((3, 2, 2, 2), "gaussian"),
    ((3, 3, 3, 3, 1), "bernoulli"),
    ((3, 3, 3, 2, 2), "bernoulli"),
    ((3, 3, 3, 2, 3), "softmax"),
    ((3, 3, 2, 2, 1), "gaussian"),
)
TEMPERATURES = (0.7, 1.4, 1.0, 1.2)


def implementation(name: str) -> ModuleType:
    """The engine or the reference: they have the same names."""
    return uwm.reference if name == "reference" else uwm


def parameters(net: Any) -> list[Array]:
    """Copies of all weights and biases."""
    return [a.copy() for layer in net.layers for a in (layer.weight, layer.bias)]


def assert_same(net: uwm.Network, other: uwm.Network) -> None:
    """Two networks have the same parameters and are at the same step."""
    assert net.step == other.step
    for a, b in zip(parameters(net), parameters(other), strict=True):
        np.testing.assert_array_equal(a, b)


def output_of(module: Any, name: str, sigma: float) -> Any:
    """An output by its name, a Gaussian one with this standard deviation."""
    return module.Gaussian(sigma=sigma) if name == "gaussian" else name


def random_parameters(net: Any, scale: float, seed: int = 0) -> Any:
    """Give `net` normal weights and biases of this scale, the same in every implementation."""
    rng = np.random.default_rng(seed)
    for layer in net.layers:
        layer.weight[...] = scale * rng.normal(size=layer.weight.shape)
        layer.bias[...] = 0.5 * scale * rng.normal(size=layer.bias.shape)
    return net


def network_and_input(
    maker: ModuleType, sizes: tuple[int, ...], output: str, units: str, scale: float
) -> tuple[Any, Array]:
    """A network with random parameters, and an input for it."""
    net = maker.Network(
        sizes,
        output=output_of(maker, output, 0.8),
        units=units,
        temperature=TEMPERATURES[: len(sizes) - 1],
        dtype="float64",
    )
    x = np.random.default_rng(1).normal(size=sizes[0])
    return random_parameters(net, scale, seed=sum(sizes)), x


def random_activations(net: Any, batch: int, seed: int = 0) -> list[Array]:
    """Fair coins for every unit, whatever its probability."""
    rng = np.random.default_rng(seed)
    activations: list[Array] = []
    for n in net.sizes[1:-1]:
        fired = rng.integers(0, 2, size=(batch, n)).astype(np.float64)
        activations.append(2 * fired - 1 if net.units == "bipolar" else fired)
    n = net.sizes[-1]
    if net.output == "softmax":
        activations.append(np.eye(n)[rng.integers(0, n, size=batch)])
    elif net.output == "gaussian":
        activations.append(net.output.sigma * rng.normal(size=(batch, n)))
    else:
        activations.append(rng.integers(0, 2, size=(batch, n)).astype(np.float64))
    return activations


def smooth_reward(output: Array) -> Array:
    """Some function of several outputs."""
    n = np.arange(1, output.shape[1] + 1)
    return np.asarray(np.sin(output @ (1.3 / n) + 0.4) + 0.5 * output[:, 0])


def relative_error(got: Any, want: Any, terms: Any = 0.0) -> float:
    """|got - want| / |want|; NaN if anything is.

    terms: the size of the terms that were added to make each number, if sums may cancel. Rounding
    leaves a few last places of the terms, whatever is left of the sum: that much is no error.
    """
    eps = np.finfo(got.dtype).eps if isinstance(got, np.ndarray) else np.finfo(np.float64).eps
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    assert got.shape == want.shape
    rounding = 4.0 * eps * np.broadcast_to(np.asarray(terms, np.float64), want.shape)
    size = float(np.linalg.norm(want))
    distance = float(np.linalg.norm(np.maximum(np.abs(got - want) - rounding, 0.0)))
    return distance / size if size > 0 else distance
