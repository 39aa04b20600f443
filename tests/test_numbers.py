"""Numbers at the doors: what overflows, what is no number, and sums that cancel to nothing."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import uwm
import uwm.reference
from uwm import analysis

DTYPES = ("float32", "float64")
BIG = {"float32": 1e30, "float64": 1e300}


def net_of(
    dtype: str, sizes: tuple[int, ...] = (2, 3, 1), module: Any = uwm, **options: Any
) -> Any:
    return module.Network(sizes, dtype=dtype, seed=1, **options)


def constant(value: float, net: Any, module: Any = uwm) -> list[Any]:
    return [
        (uwm if module is uwm else uwm.reference.rules).LayerGradient(
            np.full(layer.weight.shape, value), np.full(layer.bias.shape, value)
        )
        for layer in net.layers
    ]


def state(net: Any) -> list[Any]:
    return [a.copy() for layer in net.layers for a in (layer.weight, layer.bias)]


def same(a: list[Any], b: list[Any]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


TWINS = [(uwm, "float32"), (uwm, "float64"), (uwm.reference, "float64")]


@pytest.mark.parametrize(("module", "dtype"), TWINS)
def test_one_huge_gradient_does_not_stop_adam_for_ever(module: ModuleType, dtype: str) -> None:
    net, adam = net_of(dtype, module=module), module.Adam(0.01, beta1=0.0, beta2=0.5)
    adam.step(net, constant(BIG[dtype], net, module))
    before = state(net)
    assert all(np.all(np.isfinite(a)) for a in before)
    for _ in range(200 if dtype == "float32" else 1200):
        adam.step(net, constant(1.0, net, module))
    before = state(net)
    adam.step(net, constant(1.0, net, module))
    for old, new in zip(before, state(net), strict=True):
        np.testing.assert_allclose(new - old, 0.01, rtol=1e-3)


@pytest.mark.parametrize(("module", "dtype"), TWINS)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_an_update_that_overflows_is_refused_and_changes_nothing(
    module: ModuleType, dtype: str, momentum: float
) -> None:
    net = net_of(dtype, module=module)
    opt = module.SGD(BIG[dtype], momentum=momentum)
    before = state(net)
    with pytest.raises(ValueError, match=r"overflows|stays finite"):
        opt.step(net, constant(BIG[dtype], net, module))
    assert same(before, state(net)) and opt.steps == 0
    opt.step(net, constant(1 / BIG[dtype], net, module))
    assert opt.steps == 1
    for old, new in zip(before, state(net), strict=True):
        np.testing.assert_allclose(new - old, 1.0, rtol=1e-5)


def test_training_that_would_overflow_leaves_finite_parameters() -> None:
    class Loud(uwm.Rule):
        def unit_rewards(self, net: Any, sample: Any, reward: Any) -> list[Any]:
            return [np.full(sample.activations[0].shape, 3e38), reward[:, None]]

    net, adam = uwm.Network([3, 4, 1], seed=1), uwm.SGD(1e10)
    before = state(net)
    with pytest.raises(uwm.DivergenceError, match="layer 0"):
        uwm.train(net, Loud(), adam, uwm.tasks.Multiplexer(1), steps=5, batch_size=2)
    assert same(before, state(net)) and adam.steps == net.step == 0


@pytest.mark.parametrize(("module", "dtype"), TWINS)
@pytest.mark.parametrize("output", ["bernoulli", "softmax", "gaussian"])
@pytest.mark.parametrize("layer", [0, 1])
def test_logits_that_overflow_are_refused(
    module: ModuleType, dtype: str, output: str, layer: int
) -> None:
    net = net_of(dtype, (2, 3, 2), module, output=output, units="bipolar")
    most = float(np.finfo(dtype).max)
    net.layers[layer].weight[...] = most
    net.layers[layer].bias[...] = most
    h, last = np.ones((1, 3)), np.array([[1.0, 0.0]])
    net.layers[0].bias[...] += 0
    for act in (lambda: net.forward([[1.0, 1.0]]), lambda: net.clamp([[1.0, 1.0]], [h, last])):
        if layer == 1:
            net.layers[0].weight[...], net.layers[0].bias[...] = 0.0, 100.0
        with pytest.raises(ValueError, match="logit"):
            act()
    assert net.step == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_training_on_logits_that_overflow_is_a_divergence(dtype: str) -> None:
    net, adam = net_of(dtype, (3, 4, 1)), uwm.Adam()
    net.layers[0].weight[...] = np.finfo(dtype).max
    with pytest.raises(uwm.DivergenceError, match="logit"):
        uwm.train(net, uwm.Reinforce(), adam, uwm.tasks.Multiplexer(1), steps=9, batch_size=9)
    assert net.step == adam.steps == 0


def test_an_improbable_action_gives_no_nan_eligibility() -> None:
    net = uwm.Network([1, 1], output=uwm.Gaussian(1e-15))
    with pytest.raises(ValueError, match="improbable"):
        net.clamp([[0.0]], [[[1e10]]])


def test_a_float64_input_beyond_float32_is_named() -> None:
    net = uwm.Network([2, 3, 1])
    with pytest.raises(ValueError, match=r"x must be within the range of float32, got 1e\+300"):
        net.forward([[1e300, 0.0]])
    with pytest.raises(ValueError, match=r"weight must be within the range of float32"):
        net.layers[0].weight = np.full((3, 2), 1e39)
    net.forward(np.zeros((1, 2)))
    assert net.step == 1


def test_rewards_beyond_the_range_are_refused() -> None:
    net = uwm.Network([2, 3, 1])
    net.layers[0].weight[...] = 0.0
    sample = net.forward(np.full((2, 2), 1e10))
    with pytest.raises(ValueError, match="float32"):
        uwm.Reinforce().gradient(net, sample, [1e39, 1.0])
    with pytest.raises(ValueError, match="out of range"):
        uwm.Reinforce().gradient(net, sample, [3e38, -3e38])


def test_a_running_mean_of_huge_rewards_stays_finite() -> None:
    for module in (uwm, uwm.reference):
        mean = module.RunningMean(rate=0.5, value=-1.5e308)
        mean.update(np.ones((2, 1)), np.array([1.5e308, 1.5e308]))
        assert abs(mean.value) < 1e300


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": uwm.Gaussian(1e-30)}, "sigma"),
        ({"output": uwm.Gaussian(1e30)}, "sigma"),
        ({"temperature": 1e-42}, "temperature"),
        ({"temperature": 3e38}, "temperature"),
    ],
)
def test_ranges_are_checked_in_the_precision_used(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        uwm.Network([2, 2], **options)
    wide = uwm.Network([2, 2], dtype="float64", **options)
    with pytest.raises(ValueError, match=message):
        wide.astype("float32")


def test_sigma_and_temperature_from_a_millionth_to_a_million_are_fine() -> None:
    for sigma in (1e-6, 1e6):
        for temperature in (1e-6, 1e6):
            net = uwm.Network([2, 2], output=uwm.Gaussian(sigma), temperature=temperature)
            sample = net.forward(np.ones((3, 2)))
            assert np.all(np.isfinite(uwm.Reinforce().gradient(net, sample, np.ones(3))[0].weight))


def test_parameters_beyond_float32_do_not_become_infinite() -> None:
    net = uwm.Network([2, 1], dtype="float64")
    net.layers[0].weight[0, 0] = 1e100
    with pytest.raises(ValueError, match="float32"):
        net.astype("float32")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: uwm.Adam(beta1=1 - 1e-10), "beta1"),
        (lambda: uwm.Adam(beta2=1 - 1e-10), "beta2"),
        (lambda: uwm.SGD(0.1, momentum=1 - 1e-10), "momentum"),
        (lambda: uwm.Adam(epsilon=1e39), "epsilon"),
        (lambda: uwm.SGD(1e39), "learning rates"),
    ],
)
def test_optimizer_settings_are_checked_in_the_precision_used(make: Any, message: str) -> None:
    net = uwm.Network([2, 3, 1])
    before = state(net)
    with pytest.raises(ValueError, match=message):
        make().step(net, constant(1.0, net))
    assert same(before, state(net))
    wide = uwm.Network([2, 3, 1], dtype="float64")
    make().step(wide, constant(1e-3, wide))


def ones(output: Any) -> Any:
    return np.ones(len(output))


def walk(net: Any, x: Any, reward: Any, rule: Any) -> list[Any]:
    """Every function of uwm.analysis that takes a network, an input and a reward."""
    return [
        lambda: analysis.exact_gradient(net, x, reward),
        lambda: analysis.expected_reward(net, x, reward),
        lambda: analysis.expected_update(net, rule, x, reward),
        lambda: analysis.update_moments(net, [rule], x, reward),
        lambda: analysis.exact_statistics(net, [rule], x, reward),
        lambda: analysis.rule_statistics(net, rule, x, reward),
        lambda: analysis.relative_bias(net, rule, x, reward),
        lambda: analysis.is_unbiased(net, rule, x, reward),
    ]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("module", [uwm, uwm.reference])
def test_analysis_takes_no_nan(module: ModuleType, bad: float) -> None:
    rule = module.Reinforce()
    good = net_of("float64", module=module)
    for call in walk(good, [bad, 0.0], ones, rule):
        with pytest.raises(ValueError, match="x must be"):
            call()
    for call in walk(good, [1.0, 0.0], lambda o: np.full(len(o), bad), rule):
        with pytest.raises(ValueError, match="reward"):
            call()
    for name in ("weight", "bias"):
        net = net_of("float64", module=module)
        getattr(net.layers[1], name)[0] = bad
        calls = walk(net, [1.0, 0.0], ones, rule)
        calls += [lambda net=net: analysis.count_activities(net, [1.0, 0.0])]
        calls += [lambda net=net: analysis.can_differentiate(net, [1.0, 0.0])]
        for call in calls:
            with pytest.raises(ValueError, match=name):
                call()


def test_analysis_refuses_what_overflows_or_has_no_end() -> None:
    rule = uwm.Reinforce()
    for x, reward in (([], ones), (np.zeros((0, 2)), ones), ([1.0], ones), ([1, 0], lambda o: [])):
        for call in walk(net_of("float64"), x, reward, rule):
            with pytest.raises(ValueError):
                call()
    for call in walk(net_of("float64", (2, 20000, 1)), [1.0, 0.0], ones, rule):
        with pytest.raises(ValueError, match="at most"):
            call()
    sharp = net_of("float64", (2, 3, 1), output=uwm.Gaussian(1e-12), initial_gain=1)
    for call in walk(sharp, [1.0, 0.0], ones, rule):
        with pytest.raises(ValueError, match="at most"):
            call()
    with pytest.raises(ValueError, match="squares"):
        analysis.rule_statistics(net_of("float64"), rule, [1, 0], lambda o: 1e200 * o[:, 0])
    with pytest.raises(TypeError, match="unit_rewards"):
        analysis.expected_update(net_of("float64"), "ste", [1, 0], ones)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [1.0, -3e5, 1e-7, 0.1])
@pytest.mark.parametrize(
    "name", ["reinforce", "unbiased_weight_max_posterior", "posterior_reinforce"]
)
def test_a_constant_reward_makes_no_unbiased_rule_biased(name: str, value: float) -> None:
    for output in ("bernoulli", "softmax"):
        net = net_of("float64", (3, 4, 3, 2), output=output)
        rule, x = uwm.rule(name), [1.0, -0.7, 0.3]
        reward = lambda o: np.full(len(o), value)  # noqa: E731
        assert analysis.is_unbiased(net, rule, x, reward)
        found = analysis.rule_statistics(net, rule, x, reward)
        assert found.gradient_norm == found.relative_bias == (0.0, 0.0, 0.0)
        assert np.all(np.isnan(found.cosine))


def test_a_small_signal_on_a_large_constant_is_still_seen() -> None:
    net = net_of("float64", (3, 4, 2))
    x = [1.0, -0.7, 0.3]
    found = analysis.rule_statistics(net, uwm.StraightThrough(), x, lambda o: 100 + o[:, 0])
    alone = analysis.rule_statistics(net, uwm.StraightThrough(), x, lambda o: o[:, 0])
    assert found.gradient_norm == pytest.approx(alone.gradient_norm, rel=1e-9)
    assert found.relative_bias[0] > 1e-4
