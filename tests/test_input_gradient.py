"""The gradient with respect to the input, by enumeration and against the reference."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from enumerated import every_activity
from nets import (
    SHAPES,
    UNBIASED,
    network_and_input,
    random_activations,
    smooth_reward,
)

import uwm
from uwm import reference
from uwm.analysis import exact_gradient, expected_reward

FLAT = (((4, 2), "bernoulli"), ((4, 3), "softmax"), ((4, 1), "gaussian"))  # no hidden layer
# The larger ones with a Gaussian output take as long as all others together.
LONG = (((3, 2, 2, 2), "gaussian"), ((3, 3, 2, 2, 1), "gaussian"))
NETWORKS = (*FLAT, *(shape for shape in SHAPES if shape not in LONG))


def exact(net: Any, x: Any) -> Any:
    """z of the first layer changes with x as with the bias, but W times as much."""
    bias = exact_gradient(net, x, smooth_reward)[0].bias
    return bias @ net.layers[0].weight


@pytest.mark.parametrize("units", ["binary", "bipolar"])
@pytest.mark.parametrize(("sizes", "output"), NETWORKS)
def test_the_exact_gradient_is_the_slope_of_the_expected_reward(
    sizes: tuple[int, ...], output: str, units: str
) -> None:
    """By a difference of eighth order, which has no error but rounding."""
    net, x = network_and_input(uwm, sizes, output, units, 1.0)
    steps, weights = np.arange(1, 5), (4 / 5, -1 / 5, 4 / 105, -1 / 280)
    d = 0.02
    found = []
    for axis in np.eye(len(x)):
        moved = np.concatenate([x + d * steps[:, None] * axis, x - d * steps[:, None] * axis])
        up, down = np.split(expected_reward(net, moved, smooth_reward), 2)
        found.append(weights @ (up - down) / d)
    want = exact(net, x)
    assert np.linalg.norm(found - want) < 1e-9 * np.linalg.norm(want)


@pytest.mark.parametrize(
    ("maker", "scale"),
    [("engine", 0.3), ("engine", 1.0), ("engine", 3.0), ("reference", 1.0)],
    indirect=["maker"],
)
@pytest.mark.parametrize("units", ["binary", "bipolar"])
@pytest.mark.parametrize(("sizes", "output"), NETWORKS)
def test_unbiased_rules_have_the_exact_gradient_as_their_mean(
    maker: ModuleType, sizes: tuple[int, ...], output: str, units: str, scale: float
) -> None:
    net, x = network_and_input(maker, sizes, output, units, scale)
    sample, probability = every_activity(net, x)
    reward, want = smooth_reward(np.asarray(sample.output)), exact(net, x)
    for name in UNBIASED:
        mean = probability @ maker.rule(name).input_gradient(net, sample, reward)
        assert np.linalg.norm(mean - want) < 1e-9 * np.linalg.norm(want), name


@pytest.mark.parametrize("units", ["binary", "bipolar"])
@pytest.mark.parametrize(("sizes", "output"), NETWORKS)
def test_every_rule_gives_what_the_reference_gives(
    sizes: tuple[int, ...], output: str, units: str
) -> None:
    twin, _ = network_and_input(reference, sizes, output, units, 1.0)
    x = np.random.default_rng(2).normal(size=(40, sizes[0]))
    h = random_activations(twin, 40)
    reward = np.random.default_rng(3).normal(size=40)
    for dtype, tolerance in (("float64", 1e-11), ("float32", 1e-3)):
        net = network_and_input(uwm, sizes, output, units, 1.0)[0].astype(dtype)
        sample = net.clamp(x, h)
        for name in uwm.RULES:
            want = reference.rule(name).input_gradient(twin, twin.clamp(x, h), reward)
            got = uwm.rule(name).input_gradient(net, sample, reward)
            assert got.dtype == net.dtype and got.shape == x.shape
            assert np.linalg.norm(got - want) <= tolerance * np.linalg.norm(want), name


@pytest.mark.parametrize("name", uwm.RULES)
def test_both_gradients_are_the_two(maker: ModuleType, name: str) -> None:
    net, _ = network_and_input(maker, (5, 4, 3, 2), "softmax", "bipolar", 1.0)
    x = np.random.default_rng(2).normal(size=(7, 5))
    sample, reward, rule = net.forward(x), np.linspace(-1, 2, 7), maker.rule(name)
    update, of_x = rule.both_gradients(net, sample, reward)
    np.testing.assert_array_equal(of_x, rule.input_gradient(net, sample, reward))
    for mine, theirs in zip(update, rule.gradient(net, sample, reward), strict=True):
        np.testing.assert_array_equal(mine.weight, theirs.weight)
        np.testing.assert_array_equal(mine.bias, theirs.bias)
    # d E[R] / d W is made of the same numbers: sum_s x_s of_x_s = sum W * dW, both over the batch
    total = (net.layers[0].weight * update[0].weight).sum()
    assert total == pytest.approx((x * of_x).sum() / len(x), rel=1e-12)


def test_a_rule_of_ones_own_is_asked_once_for_both(maker: ModuleType) -> None:
    net, _ = network_and_input(maker, (4, 5, 3, 1), "bernoulli", "binary", 1.0)
    built_in, calls = maker.UnbiasedWeightMax(), []

    class Own(maker.Rule):  # type: ignore[name-defined,misc]
        def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
            calls.append(reward)
            return built_in.unit_rewards(net, sample, reward)

    sample, reward = net.forward(np.ones((3, 4))), np.array([1.0, -1.0, 0.5])
    update, of_x = Own().both_gradients(net, sample, reward)
    assert len(calls) == 1
    np.testing.assert_array_equal(of_x, built_in.input_gradient(net, sample, reward))
    np.testing.assert_array_equal(of_x, Own().input_gradient(net, sample, reward))
    want = built_in.gradient(net, sample, reward)
    np.testing.assert_array_equal(update[1].weight, want[1].weight)


def test_it_does_not_depend_on_the_other_samples_of_the_batch(maker: ModuleType) -> None:
    net, _ = network_and_input(maker, (4, 5, 3, 1), "bernoulli", "binary", 1.0)
    x = np.random.default_rng(2).normal(size=(6, 4))
    whole, rule = net.forward(x), maker.UnbiasedWeightMax()
    h = [np.asarray(a) for a in whole.activations]
    reward = np.linspace(-1, 1, 6)
    together = rule.input_gradient(net, whole, reward)
    for s in range(6):
        alone = net.clamp(x[s : s + 1], [a[s : s + 1] for a in h])
        part = rule.input_gradient(net, alone, reward[s : s + 1])
        np.testing.assert_allclose(part[0], together[s], rtol=1e-12)


@pytest.mark.parametrize("call", ["input_gradient", "both_gradients"])
def test_what_does_not_fit_is_refused(call: str) -> None:
    net = uwm.Network([2, 3, 1])
    sample, rule = net.forward(np.ones((4, 2))), uwm.Reinforce()
    ask = getattr(rule, call)
    with pytest.raises(ValueError, match=r"reward must have shape \(4,\), got \(3,\)"):
        ask(net, sample, np.ones(3))
    with pytest.raises(ValueError, match="reward must be finite"):
        ask(net, sample, [1, 1, 1, np.nan])
    with pytest.raises(ValueError, match="sample must be of the network's dtype"):
        ask(net.astype("float64"), sample, np.ones(4))
    with pytest.raises(TypeError, match="must define unit_rewards"):
        getattr(uwm.Rule(), call)(net, sample, np.ones(4))
    net.layers[0].weight = np.full((3, 2), 1e6)
    with pytest.raises(ValueError, match="the gradient of the input is out of range"):
        ask(net, sample, np.full(4, 3e38) / (1 if call == "input_gradient" else 4))


def test_a_gradient_that_overflows_is_refused_by_the_reference() -> None:
    net = reference.Network([2, 3, 1])
    sample = net.forward(np.ones((4, 2)))
    net.layers[0].weight[...] = 1e200
    with pytest.raises(ValueError, match="gradient of the input must be finite, but overflows"):
        reference.Reinforce().input_gradient(net, sample, np.full(4, 1e200))
