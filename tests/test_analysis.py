"""The exact gradient against sums, integrals and differences made in other ways."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from nets import SHAPES, TEMPERATURES, random_parameters, smooth_reward

from uwm.analysis import exact_gradient, expected_update, is_unbiased, rule_statistics
from uwm.reference import Gaussian, Network, Reinforce, StraightThrough, UnbiasedWeightMax


def expected_reward(net: Any, x: Any) -> float:
    """E[R] by going through every activity, one at a time."""
    total = 0.0
    hidden = [list(itertools.product([0.0, 1.0], repeat=n)) for n in net.sizes[1:-1]]
    n = net.sizes[-1]
    last = np.eye(n) if net.output == "softmax" else itertools.product([0.0, 1.0], repeat=n)
    for activity in itertools.product(*hidden, [np.array(a) for a in last]):
        h, probability = np.asarray(x), 1.0
        for ell, (layer, action) in enumerate(zip(net.layers, activity, strict=True)):
            a = np.array(action)
            z = (layer.weight @ h + layer.bias) / layer.temperature
            is_last = ell == len(net.layers) - 1
            if is_last and net.output == "softmax":
                e = np.exp(z)
                probability *= float(a @ e / e.sum())
            else:
                p = 1 / (1 + np.exp(-z))
                probability *= float(np.prod(np.where(a > 0, p, 1 - p)))
            h = 2 * a - 1 if net.units == "bipolar" and not is_last else a
        total += probability * float(smooth_reward(h[None, :])[0])
    return total


@pytest.mark.parametrize("units", ["binary", "bipolar"])
@pytest.mark.parametrize(
    ("sizes", "output"),
    [((3, 2, 2, 1), "bernoulli"), ((2, 2, 2), "bernoulli"), ((2, 3, 3), "softmax")],
)
def test_gradient_is_the_derivative_of_the_expected_reward(
    sizes: tuple[int, ...], output: str, units: str
) -> None:
    net = Network(sizes, output=output, units=units, temperature=TEMPERATURES[: len(sizes) - 1])
    random_parameters(net, 1.0)
    x = np.random.default_rng(1).normal(size=sizes[0])
    gradient = exact_gradient(net, x, smooth_reward)
    for layer, g in zip(net.layers, gradient, strict=True):
        for parameter, found in ((layer.weight, g.weight), (layer.bias, g.bias)):
            for index in np.ndindex(parameter.shape):
                here, step = parameter[index], 1e-5
                values = []
                for value in (here + step, here - step):
                    parameter[index] = value
                    values.append(expected_reward(net, x))
                parameter[index] = here
                assert found[index] == pytest.approx((values[0] - values[1]) / 2e-5, abs=1e-9)


def test_gaussian_output_in_closed_form() -> None:
    """E[a^2] = z^2 + sigma^2, so dE/dz = 2z; given the hidden units that is a finite sum."""
    net = random_parameters(Network([2, 3, 1], output=Gaussian(0.6), temperature=1.3), 1.0)
    x = np.array([0.5, -1.0])
    p = 1 / (1 + np.exp(-(net.layers[0].weight @ x + net.layers[0].bias) / 1.3))
    weight, bias = np.zeros(3), 0.0
    for h in itertools.product([0.0, 1.0], repeat=3):
        probability = np.prod(np.where(np.array(h) > 0, p, 1 - p))
        z = (net.layers[1].weight[0] @ h + net.layers[1].bias[0]) / 1.3
        weight += probability * 2 * z * np.array(h) / 1.3
        bias += float(probability * 2 * z / 1.3)
    gradient = exact_gradient(net, x, lambda a: a[:, 0] ** 2)
    assert np.allclose(gradient[1].weight[0], weight, rtol=1e-12)
    assert gradient[1].bias[0] == pytest.approx(bias, rel=1e-12)


def test_a_jump_in_the_reward_of_a_gaussian_output_adds_no_bias() -> None:
    net = random_parameters(Network([2, 3, 2, 1], output="gaussian", units="bipolar"), 1.0)
    assert is_unbiased(net, UnbiasedWeightMax(), [1.0, -1.0], lambda a: np.sign(a[:, 0] - 0.3))


def test_mean_over_a_batch() -> None:
    net = random_parameters(Network([3, 3, 2]), 1.0)
    x = np.random.default_rng(0).normal(size=(4, 3))
    for compute in (
        lambda rows: exact_gradient(net, rows, smooth_reward),
        lambda rows: expected_update(net, StraightThrough(), rows, smooth_reward),
    ):
        together, single = compute(x), [compute(row) for row in x]
        for ell, layer in enumerate(together):
            assert np.allclose(layer.weight, np.mean([g[ell].weight for g in single], axis=0))
            assert np.allclose(layer.bias, np.mean([g[ell].bias for g in single], axis=0))


def test_twenty_hidden_units() -> None:
    """One wide layer is a sum over 2^20 activities; three layers, over those of neighbours."""
    for sizes in ((4, 20, 1), (4, 7, 7, 6, 1)):
        net = random_parameters(Network(sizes), 1.0)
        gradient = exact_gradient(net, np.ones(4), lambda output: 0 * output[:, 0] + 3.0)
        assert all(np.abs(layer.weight).max() < 1e-12 for layer in gradient)


def test_too_many_activities() -> None:
    with pytest.raises(ValueError, match=r"activities .* at most 16777216, got 33554432"):
        exact_gradient(Network([2, 24, 1]), np.ones(2), smooth_reward)
    with pytest.raises(ValueError, match=r"activities .* at most 16777216, got 67108864"):
        expected_update(Network([2, 9, 9, 8]), Reinforce(), np.ones(2), smooth_reward)


def test_wrong_arguments() -> None:
    net = Network([2, 2, 1])
    for x in (np.ones(3), np.ones((2, 3)), [1.0, np.nan], np.ones((1, 1, 2))):
        with pytest.raises(ValueError, match=r"^x must "):
            exact_gradient(net, x, smooth_reward)
    with pytest.raises(ValueError, match=r"^reward\(output\) must have shape"):
        exact_gradient(net, np.ones(2), lambda output: output)
    with pytest.raises(ValueError, match=r"^reward\(output\) must be finite"):
        expected_update(net, Reinforce(), np.ones(2), lambda output: np.nan * output[:, 0])
    with pytest.raises(ValueError, match=r"^quadrature must be"):
        exact_gradient(net, np.ones(2), smooth_reward, quadrature=1)
    with pytest.raises(ValueError, match=r"^tolerance must be"):
        is_unbiased(net, Reinforce(), np.ones(2), smooth_reward, tolerance=float("nan"))


@pytest.mark.parametrize(("sizes", "output"), SHAPES[4:8])
def test_statistics_agree_with_sampling(sizes: tuple[int, ...], output: str) -> None:
    net = random_parameters(Network(sizes, output=output, seed=5), 0.7)
    x, n, rule = np.ones(sizes[0]), 20000, UnbiasedWeightMax()
    found = rule_statistics(net, rule, x, smooth_reward)
    exact = exact_gradient(net, x, smooth_reward)
    sample = net.forward(np.tile(x, (n, 1)))
    T = rule.unit_rewards(net, sample, smooth_reward(sample.output))
    for ell, g in enumerate(exact):
        norm = np.sqrt((g.weight**2).sum() + (g.bias**2).sum())
        delta = T[ell] * sample.eligibilities[ell]
        below = sample.inputs if ell == 0 else sample.activations[ell - 1]
        updates = np.concatenate([(delta[:, :, None] * below[:, None]).reshape(n, -1), delta], 1)
        spread = np.sqrt(updates.var(axis=0).sum()) / norm
        assert found.gradient_norm[ell] == pytest.approx(norm, rel=1e-12)
        assert found.noise_to_signal[ell] == pytest.approx(spread, rel=0.05)
        assert found.cosine[ell] == pytest.approx(1.0, abs=1e-12)


def test_variances_are_ordered_as_the_theory_says() -> None:
    """Averaging something out of an unbiased estimate can only lower its variance."""
    net = random_parameters(Network([3, 3, 3, 1]), 2.0)
    spread = {
        form: rule_statistics(net, rule, np.ones(3), smooth_reward).noise_to_signal[0]
        for form, rule in {
            "one": UnbiasedWeightMax("one_sided"),
            "two": UnbiasedWeightMax("two_sided"),
            "posterior": UnbiasedWeightMax("posterior"),
        }.items()
    }
    assert spread["posterior"] < spread["two"] < spread["one"]
