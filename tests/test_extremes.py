"""The rules where floating point is at its limits, against decimal arithmetic.

A sample is the numbers stored in it: logits and actions. The noise of a Gaussian output is the
action less the logit of those numbers, rounding included.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import truth
from nets import implementation, output_of, random_activations, random_parameters

import uwm
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
    ("engine", "float64", 1e-8, 1e300),
    ("engine", "float32", 1e-3, 1e37),
)
INPUT = np.array([[1.0, -0.5], [0.25, 1.0], [1.0, 1.0]])
REWARD = np.array([0.75, -1.0, 1.0])
EXPONENTS = (-6, -3, 0, 6)  # of sigma and temperature


def network(precision: Any, *arguments: Any, **options: Any) -> Any:
    return implementation(precision[0]).Network(*arguments, dtype=precision[1], **options)


def clamp(net: Any, activations: Any) -> Any:
    return net.clamp(INPUT.astype(net.dtype), [a.astype(net.dtype) for a in activations])


def check(precision: Any, net: Any, sample: Any, rules: Any = truth.FORMS) -> None:
    """Every rule's rewards against the truth, from the output down."""
    name, _, tolerance, largest = precision
    # exp(z) has the digits that the last place of z, or of what a flip adds to it, leaves it
    exponents = slice(-1 if net.output == "gaussian" else None)
    reach = [float(np.max(np.abs(z))) for z in sample.logits[exponents]]
    for layer in net.layers[1:][exponents]:
        reach.append(2 * float(np.max(np.abs(layer.weight))) / layer.temperature)
    tolerance += 1e-15 * max(reach)
    for rule in rules:
        found = implementation(name).rule(rule).unit_rewards(net, sample, REWARD)
        assert all(np.all(np.isfinite(T)) for T in found), (rule, found)
        for s, R in enumerate(REWARD):
            wanted = truth.unit_rewards(net, rule, sample, s, R)
            sizes = truth.unit_rewards(net, rule, sample, s, R, sizes=True)
            mine = [np.asarray(T[s], np.float64) for T in found[:-1]]
            for T, W, size in reversed(list(zip(mine, wanted, sizes, strict=True))):
                whole = size < largest
                wrong = np.abs(T - W) > tolerance * np.maximum(size, 1e-6)
                assert not np.any(wrong & whole), (rule, T, W, size)
                if not np.all(whole):
                    break  # what was cut off may be handed further down


@pytest.mark.parametrize("precision", PRECISIONS, ids=lambda p: f"{p[0]}-{p[1]}")
@pytest.mark.parametrize("scale", [2.0, 30.0, 200.0])
@pytest.mark.parametrize(("sizes", "output"), SHAPES)
def test_activities_however_unlikely(
    sizes: tuple[int, ...], output: str, scale: float, precision: Any
) -> None:
    """Fair coins for actions where probabilities are down to exp(-1000): ratios of any size."""
    for seed, units in enumerate(("binary", "bipolar")):
        net = network(
            precision,
            sizes,
            output=output_of(uwm, output, 0.5),
            units=units,
            temperature=(0.5, 2, 1, 1)[: len(sizes) - 1],
        )
        random_parameters(net, scale, seed)
        check(precision, net, clamp(net, random_activations(net, len(INPUT), seed)))


@pytest.mark.parametrize("precision", PRECISIONS, ids=lambda p: f"{p[0]}-{p[1]}")
@pytest.mark.parametrize("units", ["binary", "bipolar"])
def test_weights_of_ten_thousand(units: str, precision: Any) -> None:
    for seed in range(3):
        net = network(precision, [2, 2, 2, 1], units=units, seed=seed)
        rng = np.random.default_rng(seed)
        for layer in net.layers:
            layer.weight[...] = rng.choice([-1e4, 0.0, 1e4, 1.0], size=layer.weight.shape)
        check(precision, net, net.forward(INPUT.astype(precision[1])))


def grid(output: str) -> Any:
    """Sigma, temperature, scale of the weights, units and a seed."""
    sigmas = [10.0**e for e in EXPONENTS] if output == "gaussian" else [1.0]
    temperatures = [10.0**e for e in EXPONENTS]
    cases = enumerate(itertools.product(sigmas, temperatures, (1.0, 1e4)))
    return [(*case, ("binary", "bipolar")[(seed // 2 + seed) % 2], seed) for seed, case in cases]


@pytest.mark.parametrize("precision", PRECISIONS, ids=lambda p: f"{p[0]}-{p[1]}")
@pytest.mark.parametrize(("sizes", "output"), [*SHAPES, ((2, 2, 2, 1), "gaussian")])
def test_sigma_and_temperature_from_a_millionth_to_a_million(
    sizes: tuple[int, ...], output: str, precision: Any
) -> None:
    """Samples that the network draws itself, and fair coins, with weights up to ten thousand."""
    for sigma, temperature, scale, units, seed in grid(output):
        kind = output_of(uwm, output, sigma)
        net = network(precision, sizes, output=kind, units=units, temperature=temperature)
        random_parameters(net, scale, seed)
        check(precision, net, net.forward(INPUT.astype(precision[1])))
        check(precision, net, clamp(net, random_activations(net, len(INPUT), seed)))


def test_sharp_gaussian_output_gives_every_unit_the_reward() -> None:
    """Each unit's action is certain given the output, so that REINFORCE is all there is."""
    net = uwm.Network(
        [2, 2, 2, 1],
        output=uwm.Gaussian(1e-6),
        temperature=1e-3,
        seed=2,
        dtype="float64",
        initial_gain=1,
    )
    sample = net.forward(np.array([[1.0, -0.5]]))
    T = uwm.UnbiasedWeightMax("posterior").unit_rewards(net, sample, np.array([1.0]))
    assert np.allclose(T[0], [[1.0, 1.0]], rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("sizes", "output"), SHAPES)
def test_ste_and_weight_max_to_a_few_last_places_of_their_terms(
    sizes: tuple[int, ...], output: str, dtype: str
) -> None:
    eps = float(np.finfo(dtype).eps)
    for sigma, temperature, scale, units, seed in grid(output):
        kind = output_of(uwm, output, sigma)
        net = uwm.Network(sizes, output=kind, units=units, temperature=temperature, dtype=dtype)
        random_parameters(net, scale, seed)
        for sample in (
            net.forward(INPUT.astype(dtype)),
            clamp(net, random_activations(net, len(INPUT), seed)),
        ):
            if output == "gaussian":
                action, mean = (np.float64(a[-1]) for a in (sample.activations, sample.logits))
                e = (action - mean) / sigma / sigma
                assert np.allclose(sample.eligibilities[-1], e, rtol=eps, atol=0)
            for rule in ("ste", "weight_max"):
                found = uwm.rule(rule).unit_rewards(net, sample, REWARD)
                wanted = reference.rule(rule).unit_rewards(net, sample, REWARD)
                terms = np.abs(REWARD)[:, None] * np.ones(sizes[-1])
                for ell in reversed(range(len(sizes) - 2)):
                    factor = 2.0 if units == "bipolar" else 1.0
                    weight = factor * np.abs(np.float64(net.layers[ell + 1].weight)) / temperature
                    terms = (terms * np.abs(np.float64(sample.eligibilities[ell + 1]))) @ weight
                    if np.any(terms > np.finfo(dtype).max):
                        break
                    size = 50 * eps * terms + np.finfo(dtype).tiny
                    assert np.all(np.abs(np.float64(found[ell]) - wanted[ell]) <= size), rule


@pytest.mark.parametrize("package", ["reference", "engine"])
@pytest.mark.parametrize(("sizes", "output"), SHAPES)
def test_improbable_clamped_samples_give_no_nan(
    sizes: tuple[int, ...], output: str, package: str
) -> None:
    for dtype in ("float64", "float32")[: 1 if package == "reference" else 2]:
        precision = (package, dtype)
        for sigma, temperature, scale, units, seed in grid(output):
            kind = output_of(uwm, output, sigma)
            net = network(precision, sizes, output=kind, units=units, temperature=temperature)
            random_parameters(net, scale, seed)
            activations = random_activations(net, len(INPUT), seed)
            if output == "gaussian":
                activations[-1] = 1e6 * np.sign(activations[-1])
            for a in ([h[:1] for h in activations], activations):
                x = INPUT[: len(a[0])].astype(dtype)
                sample = net.clamp(x, [h.astype(dtype) for h in a])
                for name in reference.RULES:
                    rule, reward = implementation(package).rule(name), REWARD[: len(x)]
                    for T in rule.unit_rewards(net, sample, reward):
                        assert np.all(np.isfinite(T)), name
                    try:
                        gradient = rule.gradient(net, sample, reward)
                    except ValueError as error:  # too large for the dtype, and said so
                        assert "gradient" in str(error), name
                        continue
                    for g in gradient:
                        assert np.all(np.isfinite(g.weight)) and np.all(np.isfinite(g.bias)), name


@pytest.mark.parametrize("rule", ["ste", "weight_max"])
@pytest.mark.parametrize(("package", "dtype"), [p[:2] for p in PRECISIONS])
def test_a_sum_that_overflows_is_the_largest_finite_number(
    package: str, dtype: str, rule: str
) -> None:
    """Also where it would be infinity less infinity, or infinity times nothing."""
    most = float(np.finfo(dtype).max)
    net = network((package, dtype), [1, 2, 2], seed=1)
    for layer in net.layers:
        layer.weight[...], layer.bias[...] = 0.0, 0.0
    net.layers[1].weight[...] = np.sqrt(most) * np.array([[1.0, 1.0], [1.0, -1.0]])
    sample = net.clamp(
        np.zeros((1, 1), dtype), [np.array([[1, 1]], dtype), np.eye(2)[:1].astype(dtype)]
    )
    T = implementation(package).rule(rule).unit_rewards(net, sample, np.array([most]))
    assert np.all(np.isfinite(T[0])) and np.max(np.abs(T[0])) >= most / 2.1
