"""The reference: what it computes, what it refuses, and that it learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from nets import (
    SHAPES,
    TEMPERATURES,
    output_of,
    random_activations,
    random_parameters,
    relative_error,
)

from uwm import reference as uwm
from uwm.reference.extended import Extended

# Networks and samples


def test_clamping_what_was_drawn_gives_the_same_sample() -> None:
    for sizes, output in SHAPES:
        for units in ("binary", "bipolar"):
            net = random_parameters(
                uwm.Network(sizes, output=output_of(uwm, output, 0.5), units=units), 1.0
            )
            x = np.random.default_rng(0).normal(size=(6, sizes[0]))
            drawn = net.forward(x)
            given = net.clamp(x, drawn.activations)
            assert net.step == 1
            for ell in range(len(sizes) - 1):
                for field in ("activations", "logits", "probabilities", "eligibilities"):
                    assert np.array_equal(getattr(drawn, field)[ell], getattr(given, field)[ell])


def test_eligibility_is_the_derivative_of_the_log_probability() -> None:
    net = random_parameters(uwm.Network([2, 3, 3], output="softmax", temperature=[0.5, 2.0]), 1.0)
    sample = net.clamp([[1, 2]], [[[1, 0, 1]], [[0, 1, 0]]])
    z = sample.logits[1][0]
    assert np.allclose(sample.eligibilities[1][0], [0, 1, 0] - np.exp(z) / np.exp(z).sum())
    p = 1 / (1 + np.exp(-sample.logits[0][0]))
    assert np.allclose(sample.probabilities[0][0], p)
    assert np.allclose(sample.eligibilities[0][0], [1, 0, 1] - p)
    assert np.allclose(
        sample.logits[0][0], (net.layers[0].weight @ [1, 2] + net.layers[0].bias) / 0.5
    )
    gaussian = uwm.Network([2, 1], output=uwm.Gaussian(0.5)).clamp([[0, 0]], [[[3.0]]])
    assert gaussian.eligibilities[0] == 3.0 / 0.25
    assert gaussian.probabilities[0] == 0.0


def test_eligibility_keeps_its_digits_when_a_unit_is_certain() -> None:
    net = uwm.Network([1, 1])
    net.layers[0].bias[0] = 50.0
    assert net.clamp([[0]], [[[1]]]).eligibilities[0] == pytest.approx(np.exp(-50), rel=1e-12)


def test_softmax_takes_the_class_in_which_the_draw_falls() -> None:
    net = uwm.Network([1, 5], output="softmax", seed=9)
    net.layers[0].bias[:] = [0.0, -1e4, 1.0, 2.0, -1e4]
    sample = net.forward(np.zeros((500, 1)))
    u = uwm.random.uniforms(uwm.philox(9, 0, 0, 0, 500, 1))[:, 0]
    edges = np.cumsum(sample.probabilities[0][0])
    assert np.array_equal(sample.actions, np.searchsorted(edges, u, side="right"))
    assert set(sample.actions) == {0, 2, 3}
    assert np.array_equal(sample.output, np.eye(5)[sample.actions])


def test_copy_reset_and_step() -> None:
    net = uwm.Network([3, 2, 1], seed=5, units="bipolar", temperature=[1, 2], output="gaussian")
    start = [layer.weight.copy() for layer in net.layers]
    twin = net.copy()
    x = np.ones((3, 3))
    first, second = net.forward(x), net.forward(x)
    assert not np.array_equal(first.output, second.output)
    assert np.array_equal(twin.forward(x).output, first.output)
    net.step = 0
    assert np.array_equal(net.forward(x).output, first.output)
    net.layers[0].weight += 1
    assert np.array_equal(twin.layers[0].weight, start[0])
    net.reset()
    assert net.step == 0 and np.array_equal(net.layers[0].weight, start[0])
    net.reset(seed=6)
    assert net.seed == 6 and not np.array_equal(net.layers[0].weight, start[0])


def test_a_sample_does_not_depend_on_the_rest_of_the_batch() -> None:
    x = np.random.default_rng(0).normal(size=(5, 3))
    whole = uwm.Network([3, 4, 2], seed=1).forward(x)
    part = uwm.Network([3, 4, 2], seed=1).forward(x[:2])
    assert np.array_equal(whole.output[:2], part.output)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"sizes": [3]}, ValueError, "sizes must hold at least 2 numbers"),
        ({"sizes": [3, 0, 1]}, ValueError, "every number in sizes must be at least 1, got 0"),
        ({"sizes": [3, 2.5, 1]}, TypeError, "in sizes must be a whole number, got 2.5"),
        ({"sizes": 3}, TypeError, "sizes must be a sequence of whole"),
        (
            {"sizes": [3, 1], "output": "relu"},
            ValueError,
            "output must be 'bernoulli', .* got 'relu'",
        ),
        ({"sizes": [3, 1], "output": "softmax"}, ValueError, "sizes must end in 2 or more"),
        ({"sizes": [3, 1], "units": "ternary"}, ValueError, "units must be one of"),
        ({"sizes": [3, 1], "temperature": 0.0}, ValueError, "temperature must be above 0, got 0"),
        ({"sizes": [3, 1], "temperature": [1, 2]}, ValueError, r"one per layer \(1\), got 2"),
        (
            {"sizes": [3, 1], "temperature": float("nan")},
            ValueError,
            "temperature must be a finite",
        ),
        ({"sizes": [3, 1], "dtype": "float32"}, ValueError, "dtype must be float64"),
        ({"sizes": [3, 1], "seed": -1}, ValueError, "seed must be at least 0, got -1"),
        ({"sizes": [3, 1], "seed": 0.5}, TypeError, "seed must be a whole number, got 0.5"),
    ],
)
def test_networks_that_cannot_be(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    sizes = arguments.pop("sizes")
    with pytest.raises(error, match=message):
        uwm.Network(sizes, **arguments)


def test_sizes_are_one_list_in_their_order() -> None:
    for sizes in ({1, 3}, frozenset({1, 3}), {3: 1, 4: 1}):
        with pytest.raises(TypeError, match=r"sizes must be a sequence .* such as \[3, 4, 1\]"):
            uwm.Network(sizes)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"sizes must be one sequence, such as \[3, 4, 1\], got 3"):
        uwm.Network(3, 4, 1)  # type: ignore[arg-type]


def test_1e4_is_a_whole_number_as_in_the_engine() -> None:
    net = uwm.Network([3.0, 1e0], seed=1e4)  # type: ignore[list-item, arg-type]
    assert (net.sizes, net.seed) == ((3, 1), 10_000)
    task = uwm.Multiplexer(address_bits=1.0)  # type: ignore[arg-type]
    log = uwm.train(net, uwm.Reinforce(), uwm.SGD(0.1), task, steps=1e1)  # type: ignore[arg-type]
    assert log.steps == 10


def test_forward_and_clamp_refuse_what_does_not_fit() -> None:
    net = uwm.Network([2, 2, 3], output="softmax", units="bipolar")
    good = [[[-1, 1]], [[0, 1, 0]]]
    net.clamp([[0, 1]], good)
    for x, message in [
        ([0, 1, 1], r"x must have shape \(batch, 2\), got \(1, 3\)"),
        ([[0, 1, 2]], r"got \(1, 3\)"),
        (np.zeros((0, 2)), r"got \(0, 2\)"),
        ([[0, np.inf]], "x must be finite, got inf in row 0, column 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            net.forward(x)
    with pytest.raises(TypeError, match="x must be an array of real numbers"):
        net.forward([["a", "b"]])
    for activations, message in [
        (good[:1], r"one array per layer \(2\), got 1"),
        ([[[0, 1]], good[1]], r"activations\[0\] must be -1 or 1"),
        ([good[0], [[1, 1, 0]]], r"activations\[1\] must have one-hot rows"),
        ([good[0], [[0.5, 0.5, 0]]], r"activations\[1\] must be 0 or 1"),
        ([[[1, 1, 1]], good[1]], r"activations\[0\] must have shape \(1, 2\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            net.clamp([[0, 1]], activations)
    with pytest.raises(ValueError, match="output must be softmax to have actions"):
        _ = uwm.Network([2, 1]).forward([[0, 1]]).actions
    net.layers[1].bias[0] = np.nan
    with pytest.raises(ValueError, match=r"layers\[1\].bias must be finite"):
        net.forward([[0, 1]])
    assert net.step == 0


# Rules


def test_rules_by_name() -> None:
    assert uwm.RULES[0] == "reinforce" and len(uwm.RULES) == 10
    for name in uwm.RULES:
        assert uwm.rule(name).name == name
    with pytest.raises(ValueError, match=r"must be one of reinforce, ste, .* got 'backprop'"):
        uwm.rule("backprop")
    assert [uwm.rule(alias).name for alias in ("hnca", "psa")] == [
        "posterior_reinforce",
        "flip_difference",
    ]
    with pytest.raises(ValueError, match=r"form must be one of blended, .* got 'three_sided'"):
        uwm.UnbiasedWeightMax("three_sided")
    for norm in (0.5, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="norm must be "):
            uwm.WeightMax(norm=norm)
    with pytest.raises(TypeError, match="norm must be a number"):
        uwm.WeightMax(norm="2")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", uwm.RULES)
def test_shapes_and_the_output_layer(name: str) -> None:
    for sizes, output in (*SHAPES, ((3, 2), "bernoulli")):
        net = random_parameters(uwm.Network(sizes, output=output), 1.0)
        sample = net.forward(np.random.default_rng(0).normal(size=(7, sizes[0])))
        reward = np.linspace(-1, 1, 7)
        T = uwm.rule(name).unit_rewards(net, sample, reward)
        assert [t.shape for t in T] == [(7, n) for n in sizes[1:]]
        assert np.array_equal(T[-1], np.tile(reward[:, None], (1, sizes[-1])))
        gradient = uwm.rule(name).gradient(net, sample, reward)
        assert [g.weight.shape for g in gradient] == [layer.weight.shape for layer in net.layers]


@pytest.mark.parametrize("name", uwm.RULES)
def test_samples_do_not_mix(name: str) -> None:
    """Unit rewards row by row, and the gradient as the mean over rows, are those of the batch."""
    net = random_parameters(uwm.Network([3, 4, 3, 2], units="bipolar"), 1.0)
    x = np.random.default_rng(0).normal(size=(3, 3))
    activations, reward = random_activations(net, 3), np.array([1.0, -0.5, 2.0])
    rule = uwm.rule(name)
    whole = net.clamp(x, activations)
    parts = [net.clamp(x[k : k + 1], [a[k : k + 1] for a in activations]) for k in range(3)]
    T = rule.unit_rewards(net, whole, reward)
    g = rule.gradient(net, whole, reward)
    for ell in range(3):
        rows = [rule.unit_rewards(net, parts[k], reward[k : k + 1])[ell] for k in range(3)]
        assert np.allclose(T[ell], np.concatenate(rows), rtol=1e-13)
        mean = np.mean(
            [rule.gradient(net, parts[k], reward[k : k + 1])[ell].weight for k in range(3)], 0
        )
        assert np.allclose(g[ell].weight, mean, rtol=1e-12, atol=1e-15)


def test_one_hidden_layer_and_one_output_is_posterior_reinforce() -> None:
    for output, n in [("bernoulli", 1), ("bernoulli", 3), ("softmax", 3), ("gaussian", 2)]:
        net = random_parameters(uwm.Network([3, 4, n], output=output), 1.5)
        sample = net.forward(np.ones((9, 3)))
        reward = np.linspace(-1, 1, 9)
        a = uwm.UnbiasedWeightMax().unit_rewards(net, sample, reward)
        b = uwm.PosteriorReinforce().unit_rewards(net, sample, reward)
        assert relative_error(a[0], b[0]) < 1e-12


def test_posterior_reinforce_moves_the_bias_to_the_posterior() -> None:
    """The update of a bias is R (Pr(h_i = 1 | layer above) - p_i), by Bayes' rule."""
    net = random_parameters(uwm.Network([2, 1, 3]), 2.0)
    x = [[1.0, -1.0]]
    for h in (0.0, 1.0):
        above = [[1.0, 0.0, 1.0]]
        likelihood = []
        for other in (0.0, 1.0):
            p = net.clamp(x, [[[other]], above]).probabilities[1][0]
            likelihood.append(np.prod(np.where(np.array(above[0]) > 0, p, 1 - p)))
        sample = net.clamp(x, [[[h]], above])
        p = sample.probabilities[0][0, 0]
        posterior = p * likelihood[1] / (p * likelihood[1] + (1 - p) * likelihood[0])
        gradient = uwm.PosteriorReinforce().gradient(net, sample, [2.0])
        assert gradient[0].bias[0] == pytest.approx(2.0 * (posterior - p), rel=1e-12)


def test_weight_max_follows_the_norm_of_the_outgoing_weights() -> None:
    """T_i is the derivative of |outgoing weights|^p / p along the update of the layer above."""
    net = random_parameters(uwm.Network([2, 3, 2], units="bipolar"), 1.0)
    sample = net.clamp([[1.0, 2.0]], [[[1, -1, 1]], [[1, 0]]])
    for norm in (1.0, 2.0, 3.5):
        rule = uwm.WeightMax(norm=norm)
        update = rule.gradient(net, sample, [0.7])[1].weight
        w = net.layers[1].weight
        change = [(np.abs(w + s * update) ** norm).sum(axis=0) / norm for s in (1e-6, -1e-6)]
        T = rule.unit_rewards(net, sample, [0.7])[0][0]
        assert np.allclose(T, (change[0] - change[1]) / 2e-6, rtol=1e-6)


def test_straight_through_is_backpropagation_through_the_means() -> None:
    """In a network without noise above, T_i e_i is dz/dh times the slope of the mean."""
    net = random_parameters(uwm.Network([2, 3, 1], units="bipolar"), 1.0)
    sample = net.clamp([[1.0, 2.0]], [[[1, -1, 1]], [[1]]])
    p, delta = sample.probabilities[0][0], 0.7 * sample.eligibilities[1][0, 0]
    bias = uwm.StraightThrough().gradient(net, sample, [0.7])[0].bias
    assert np.allclose(bias, delta * net.layers[1].weight[0] * 2 * p * (1 - p))


def test_temperature_is_a_scale_of_the_parameters() -> None:
    """With z = (w h + b) / t: with w t and b t the same rewards, and the gradient over t."""
    for output, n in [("bernoulli", 2), ("softmax", 3), ("gaussian", 2)]:
        plain = random_parameters(uwm.Network([3, 4, 3, n], output=output), 1.0)
        hot = uwm.Network([3, 4, 3, n], output=output, temperature=TEMPERATURES[:3])
        for a, b in zip(plain.layers, hot.layers, strict=True):
            b.weight[:], b.bias[:] = a.weight * b.temperature, a.bias * b.temperature
        x, activations = np.ones((4, 3)), random_activations(plain, 4)
        reward = np.linspace(-1, 1, 4)
        s, t = plain.clamp(x, activations), hot.clamp(x, activations)
        for name in set(uwm.RULES) - {"feedback_alignment"}:  # its b is not scaled
            rule = uwm.rule(name)
            for a, b in zip(
                rule.unit_rewards(plain, s, reward), rule.unit_rewards(hot, t, reward), strict=True
            ):
                assert relative_error(b, a) < 1e-11
            gradients = zip(
                rule.gradient(plain, s, reward), rule.gradient(hot, t, reward), strict=True
            )
            for ell, (g, f) in enumerate(gradients):
                assert relative_error(f.weight * TEMPERATURES[ell], g.weight) < 1e-11


def test_bipolar_units_are_binary_ones_with_other_parameters() -> None:
    """With h = 2f - 1, so w' = w / 2 and b' = b + sum w / 2: rules made of ratios cannot tell."""
    binary = random_parameters(uwm.Network([3, 4, 3, 2]), 1.0)
    bipolar = uwm.Network([3, 4, 3, 2], units="bipolar")
    for ell, (a, b) in enumerate(zip(binary.layers, bipolar.layers, strict=True)):
        half = a.weight / 2 if ell > 0 else a.weight
        b.weight[:] = half
        b.bias[:] = a.bias + (half.sum(axis=1) if ell > 0 else 0)
    fired = random_activations(binary, 5)
    x, reward = np.ones((5, 3)), np.linspace(-1, 1, 5)
    s = binary.clamp(x, fired)
    t = bipolar.clamp(x, [2 * a - 1 for a in fired[:-1]] + [fired[-1]])
    # Weight Max pays for the parameters as they are, feedback alignment hardly looks at them.
    for name in set(uwm.RULES) - {"weight_max", "feedback_alignment"}:
        a = uwm.rule(name).unit_rewards(binary, s, reward)
        b = uwm.rule(name).unit_rewards(bipolar, t, reward)
        for ell in range(3):
            assert relative_error(b[ell], a[ell]) < 1e-12, name


def test_rules_refuse_what_does_not_fit() -> None:
    net = uwm.Network([2, 2, 1])
    sample = net.forward(np.ones((3, 2)))
    for name in uwm.RULES:
        rule = uwm.rule(name)
        with pytest.raises(ValueError, match=r"reward must have shape \(3,\), got \(2,\)"):
            rule.unit_rewards(net, sample, np.ones(2))
        with pytest.raises(ValueError, match="reward must be finite, got nan in row 1"):
            rule.gradient(net, sample, [1.0, np.nan, 0.0])
        with pytest.raises(ValueError, match=r"sample must be of a \(2, 3, 1\) network"):
            rule.gradient(uwm.Network([2, 3, 1]), sample, np.ones(3))


def test_a_rule_of_ones_own_is_checked() -> None:
    class Wrong(uwm.Rule):
        def __init__(self, rewards: list[Any]) -> None:
            self.rewards = rewards

        def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
            return self.rewards

    net = uwm.Network([2, 2, 1])
    sample = net.forward(np.ones((3, 2)))
    assert Wrong([]).name == "Wrong"
    for rewards, message in [
        ([np.ones((3, 1))], r"one array per layer \(2\), got 1"),
        ([np.ones((3, 1)), np.ones((3, 1))], r"layer 0 must have shape \(3, 2\), got \(3, 1\)"),
        ([np.full((3, 2), np.nan), np.ones((3, 1))], "layer 0 must be finite"),
    ]:
        with pytest.raises(ValueError, match=message):
            Wrong(rewards).gradient(net, sample, np.ones(3))


# Extremes


def test_wide_numbers_compute_what_floats_compute() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 50)), rng.normal(size=(2, 50))
    a[0, :5] = 0.0
    x, y = Extended.of(a), Extended.of(b)
    for found, expected in [
        (x + y, a + b),
        (x - y, a - b),
        (x * y, a * b),
        (x / y, a / b),
        (Extended.one_minus_exp(b), -np.expm1(b)),
        (x.sum(axis=0), a.sum(axis=0)),
    ]:
        assert np.allclose(found.value(), expected, rtol=1e-12, atol=1e-15)
    huge = Extended.exp(np.array([1e6]))
    assert huge.value() == 1e300 and (-huge).value() == -1e300
    assert (huge / huge).value() == 1.0
    third = Extended.exp(np.array([-np.log(3.0)]))
    for x in (1e17, 1e30, -1e30):  # the factor keeps its digits, whatever it is multiplied with
        assert np.isclose(
            (Extended.exp(np.array([x])) * third / Extended.exp(np.array([x]))).value(), 1 / 3
        )


# Optimizers, schedules, baselines


def climb(opt: Any, gradients: list[float]) -> list[float]:
    """A bias driven by these gradients, after each."""
    net = uwm.Network([1, 1])
    path = []
    for g in gradients:
        opt.step(net, [uwm.LayerGradient(np.zeros((1, 1)), np.array([g]))])
        path.append(float(net.layers[0].bias[0]))
    return path


def test_sgd() -> None:
    assert climb(uwm.SGD(learning_rate=0.5), [1.0, -2.0]) == [0.5, -0.5]
    path = climb(uwm.SGD(learning_rate=1.0, momentum=0.5), [1.0, 1.0, 0.0])
    assert path == [1.0, 2.5, 3.25]


def test_adam() -> None:
    path = climb(uwm.Adam(learning_rate=0.1, epsilon=1e-8), [2.0, -1.0])
    m, v = 0.9 * (0.1 * 2) - 0.1, 0.999 * (0.001 * 4) + 0.001
    second = 0.1 * (m / (1 - 0.9**2)) / (np.sqrt(v / (1 - 0.999**2)) + 1e-8)
    assert path == pytest.approx([0.1, 0.1 + second])


def test_learning_rates_and_schedules() -> None:
    linear, exponential = uwm.Linear(1.0, 0.5, 2), uwm.Exponential(1.0, 0.01, 2)
    assert [linear(t) for t in range(4)] == [1.0, 0.75, 0.5, 0.5]
    assert [exponential(t) for t in range(4)] == pytest.approx([1.0, 0.1, 0.01, 0.01])
    assert climb(uwm.SGD(learning_rate=linear), [1.0] * 3) == [1.0, 1.75, 2.25]
    net = uwm.Network([1, 1, 1], initial_gain=0)
    opt = uwm.SGD(learning_rate=[0.25, linear])
    one = uwm.LayerGradient(np.zeros((1, 1)), np.ones(1))
    opt.step(net, [one, one])
    opt.step(net, [one, one])
    assert [float(layer.bias[0]) for layer in net.layers] == [0.5, 1.75]
    assert opt.steps == 2


def test_optimizers_refuse_what_does_not_fit() -> None:
    for make, message in [
        (lambda: uwm.SGD(learning_rate=-1.0), "learning_rate must be at least 0, got -1"),
        (lambda: uwm.SGD(learning_rate=float("nan")), "learning_rate must be a finite number"),
        (lambda: uwm.SGD(learning_rate=[]), "learning_rate must be one number or one per layer"),
        (
            lambda: uwm.SGD(learning_rate=1.0, momentum=1.0),
            "momentum must be at least 0 and below 1, got 1",
        ),
        (lambda: uwm.Adam(beta2=1.0), "beta2 must be at least 0 and below 1, got 1"),
        (lambda: uwm.Adam(epsilon=0.0), "epsilon must be above 0, got 0"),
        (lambda: uwm.Linear(1.0, 0.5, 0), "steps must be at least 1, got 0"),
        (lambda: uwm.Linear(-1.0, 0.5, 1), "start must be at least 0, got -1"),
        (lambda: uwm.Exponential(1.0, 0.0, 1), "end must be above 0, got 0"),
        (lambda: uwm.RunningMean(rate=0.0), "rate must be above 0 and at most 1, got 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            make()
    net = uwm.Network([2, 2, 1])
    g = uwm.Reinforce().gradient(net, net.forward(np.ones((1, 2))), [1.0])
    before = [layer.weight.copy() for layer in net.layers]
    for opt, gradient, message in [
        (uwm.Adam(), g[:1], "gradient must have 2 layers, got 1"),
        (
            uwm.Adam(learning_rate=[0.1] * 3),
            g,
            r"learning_rate must be .* one per layer \(2\), got 3",
        ),
        (uwm.Adam(), [g[0], g[0]], r"gradient\[1\].weight must have shape"),
        (uwm.Adam(), [g[0], uwm.LayerGradient(g[1].weight, np.array([np.nan]))], "finite"),
    ]:
        with pytest.raises(ValueError, match=message):
            opt.step(net, gradient)
        assert opt.steps == 0
        assert all(np.array_equal(a, b.weight) for a, b in zip(before, net.layers, strict=True))
    opt = uwm.Adam()
    opt.step(net, g)
    other = uwm.Network([2, 3, 1])
    with pytest.raises(ValueError, match="net must be the network of the first step"):
        opt.step(other, uwm.Reinforce().gradient(other, other.forward(np.ones((1, 2))), [1.0]))


def test_running_mean() -> None:
    baseline = uwm.RunningMean(rate=0.5)
    x = np.ones((2, 3))
    assert baseline.predict(x).tolist() == [0.0, 0.0]
    baseline.update(x, np.array([1.0, 3.0]))
    baseline.update(x, np.array([3.0, 3.0]))
    assert baseline.value == 2.0


# Tasks and training


def test_multiplexer() -> None:
    task = uwm.Multiplexer(address_bits=2)
    x = task.inputs(5, 7, 400)
    words = uwm.philox(5, 7, 2, 0, 400, 6)
    assert np.array_equal(x, np.where(words < 2**31, 1.0, -1.0))
    sample = uwm.Network([6, 1], seed=5).forward(x)
    for row, output, reward in zip(x, sample.output, task.reward(5, 7, sample), strict=True):
        address = 2 * int(row[0] > 0) + int(row[1] > 0)
        assert reward == (1.0 if output[0] == (row[2 + address] > 0) else -1.0)
    for bits, bound in ((0, "least 1"), (17, "most 16")):
        with pytest.raises(ValueError, match=f"address_bits must be at {bound}, got {bits}"):
            uwm.Multiplexer(address_bits=bits)


def test_bandit() -> None:
    table, labels = np.arange(10.0).reshape(5, 2), np.array([0, 2, 1, 0, 2])
    task = uwm.Bandit(table, labels)
    x = task.inputs(1, 2, 300)
    rows = (uwm.philox(1, 2, 2, 0, 300, 1)[:, 0].astype(object) * 5) >> 32
    assert np.array_equal(x, table[rows.astype(int)])
    sample = uwm.Network([2, 3], output="softmax").forward(x)
    right = sample.actions == labels[rows.astype(int)]
    assert np.array_equal(task.reward(1, 2, sample), np.where(right, 1.0, -1.0))
    for given, error, message in [
        ([0, 1], ValueError, "labels must be 5 whole numbers"),
        ([0, 1, -1, 0, 0], ValueError, "labels must be 5 whole numbers of at least 0"),
        ([0.5, 1, 0, 0, 0], ValueError, "labels must be 5 whole numbers"),
        (["a"] * 5, TypeError, "labels must be an array of real numbers"),
    ]:
        with pytest.raises(error, match=message):
            uwm.Bandit(table, given)


@pytest.mark.parametrize(
    "name", ["ste", "unbiased_weight_max_posterior", "unbiased_weight_max_two_sided"]
)
def test_training_learns_the_smallest_multiplexer(name: str) -> None:
    net = uwm.Network([3, 8, 4, 1], seed=2)
    task, opt = uwm.Multiplexer(address_bits=1), uwm.Adam(learning_rate=0.01)
    log = uwm.train(
        net,
        uwm.rule(name),
        opt,
        task,
        steps=1000,
        batch_size=16,
        baseline=uwm.RunningMean(),
    )
    assert log.rewards.shape == (100,) and log.record_every == 10
    assert log.rewards[0] < 0.3 and log.final_reward > 0.8
    assert log.mean_reward == pytest.approx(log.rewards.mean())
    assert opt.steps == 1000 and net.step == 1000


def test_training_continues_where_it_stopped() -> None:
    nets, task = [], uwm.Multiplexer(address_bits=1)
    for parts in ([30], [10, 20]):
        net, opt, baseline = uwm.Network([3, 4, 1]), uwm.Adam(), uwm.RunningMean()
        for steps in parts:
            uwm.train(net, uwm.rule("ste"), opt, task, steps=steps, baseline=baseline)
        nets.append(net)
    for a, b in zip(nets[0].layers, nets[1].layers, strict=True):
        assert np.array_equal(a.weight, b.weight) and np.array_equal(a.bias, b.bias)


def test_the_log_and_progress() -> None:
    seen: list[tuple[int, int, float]] = []
    log = uwm.train(
        uwm.Network([3, 1]),
        uwm.Reinforce(),
        uwm.SGD(learning_rate=0.1),
        uwm.Multiplexer(address_bits=1),
        steps=25,
        batch_size=2,
        record_every=10,
        progress=lambda *report: seen.append(report),
    )
    assert log.rewards.shape == (3,) and log.steps == 25 and log.batch_size == 2
    assert log.mean_reward == pytest.approx((log.rewards @ [10, 10, 5]) / 25)
    assert seen[-1][:2] == (25, 25)


def test_a_stopped_run_hands_back_its_log() -> None:
    class Stop(uwm.Multiplexer):
        def inputs(self, seed: int, step: int, batch_size: int) -> Any:
            if step == 7:
                raise KeyboardInterrupt
            return super().inputs(seed, step, batch_size)

    with pytest.raises(uwm.Interrupted) as stopped:
        uwm.train(uwm.Network([3, 1]), uwm.Reinforce(), uwm.Adam(), Stop(1), steps=20)
    assert stopped.value.result.steps == 7


def test_training_refuses_what_does_not_fit() -> None:
    parts = uwm.Reinforce(), uwm.Adam(), uwm.Multiplexer(address_bits=1)
    net = uwm.Network([3, 1])
    with pytest.raises(ValueError, match="net must have the task's 3 inputs, got 4"):
        uwm.train(uwm.Network([4, 1]), *parts, steps=1)
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        uwm.train(net, *parts, steps=0)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        uwm.train(net, *parts, steps=1, batch_size=0)
    with pytest.raises(ValueError, match="baseline must be a finite number"):
        uwm.train(net, *parts, steps=1, baseline=float("nan"))
    assert net.step == 0
