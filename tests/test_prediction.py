"""Predictions: the mean over passes, the most likely action, mean fields, and what may be set."""

import itertools
from typing import Any

import numpy as np
import pytest

import uwm
import uwm.reference

SHAPES = {
    "softmax": ([4, 6, 5, 3], "softmax"),
    "bernoulli": ([4, 6, 5, 3], "bernoulli"),
    "one unit": ([4, 6, 1], "bernoulli"),
    "gaussian": ([4, 6, 5, 2], uwm.Gaussian(0.5)),
    "no hidden layer": ([4, 3], "softmax"),
}
X = np.random.default_rng(0).normal(size=(40, 4))


def network(shape: str, units: str = "binary", dtype: str = "float64") -> Any:
    sizes, output = SHAPES[shape]
    return uwm.Network(sizes, output=output, units=units, dtype=dtype, temperature=1.3, seed=5)


@pytest.mark.parametrize("units", ["binary", "bipolar"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_engine_predicts_what_the_reference_does(shape: str, units: str) -> None:
    net = network(shape, units)
    twin = uwm.reference.Network.from_network(net)
    np.testing.assert_allclose(net.predict(X, passes=7), twin.predict(X, passes=7), atol=1e-12)
    np.testing.assert_allclose(net.mean_field(X), twin.mean_field(X), atol=1e-12)
    assert net.predict(X).dtype == twin.predict(X).dtype
    if shape != "gaussian":
        mine, theirs = net.predict_proba(X, passes=7), twin.predict_proba(X, passes=7)
        np.testing.assert_allclose(mine, theirs, atol=1e-12)
    for ask in (net, twin):
        assert ask.predict(X[0]).shape == ask.predict(X).shape[1:]
        assert ask.mean_field(X[0]).shape == ask.mean_field(X).shape[1:]


@pytest.mark.parametrize("units", ["binary", "bipolar"])
def test_the_mean_over_passes_tends_to_the_exact_probability(units: str) -> None:
    net = uwm.Network([2, 3, 2], output="softmax", units=units, dtype="float64", seed=3)
    x = np.array([[0.4, -1.0]])
    exact = np.zeros((1, 2))
    low = -1.0 if units == "bipolar" else 0.0
    for bits in itertools.product([low, 1.0], repeat=3):
        sample = net.clamp(x, [np.array([bits]), np.array([[1.0, 0.0]])])
        p = sample.probabilities[0]
        exact += np.where(np.array(bits) > 0, p, 1 - p).prod() * sample.probabilities[-1]
    np.testing.assert_allclose(net.predict_proba(x, passes=40_000), exact, atol=0.01)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_answer_depends_on_nothing_but_the_input(shape: str) -> None:
    net = network(shape)
    whole, order = net.predict(X), np.random.default_rng(1).permutation(len(X))
    net.forward(X)
    step = net.step
    np.testing.assert_allclose(net.predict(X[order]), whole[order], atol=1e-12)
    np.testing.assert_allclose([net.predict(x) for x in X], whole, atol=1e-12)
    many = net.predict(np.tile(X, (60, 1)))  # more rows than are worked on at a time
    np.testing.assert_allclose(many, np.tile(whole, (60,) + (1,) * (whole.ndim - 1)), atol=1e-12)
    assert net.step == step


def test_kinds_of_answers() -> None:
    assert network("softmax").predict(X).shape == (40,)
    assert network("bernoulli").predict(X).shape == (40, 3)
    assert network("one unit").predict(X).shape == (40,)
    assert network("gaussian", dtype="float32").predict(X).dtype == np.float32
    assert network("softmax").predict(X[0]).shape == ()
    share = network("one unit").predict_proba(X)
    np.testing.assert_array_equal(network("one unit").predict(X), share[:, 0] > 0.5)


WRONG = [
    (lambda n: n.predict(X, passes=0), ValueError, "passes must be at least 1"),
    (lambda n: n.predict(X, passes=1.5), TypeError, "passes must be a whole number"),
    (lambda n: n.predict(np.ones(3)), ValueError, "x must have shape"),
    (lambda n: n.predict(np.ones((2, 2, 2))), ValueError, "x must have"),
    (lambda n: n.mean_field(np.full((1, 4), np.nan)), ValueError, "finite"),
    (lambda n: n.predict([["a"] * 4]), TypeError, "real numbers"),
    (lambda n: n.predict(np.zeros((0, 4))), ValueError, "x must"),
]


@pytest.mark.parametrize(("call", "error", "words"), WRONG)
def test_errors(call: Any, error: type[Exception], words: str) -> None:
    for net in (network("softmax"), uwm.reference.Network([4, 3])):
        with pytest.raises(error, match=words):
            call(net)


def test_a_gaussian_output_has_no_probabilities() -> None:
    for net in (network("gaussian"), uwm.reference.Network([4, 3], output="gaussian")):
        with pytest.raises(ValueError, match="softmax or bernoulli"):
            net.predict_proba(X)


def test_parameters_out_of_range_are_named() -> None:
    net = network("softmax")
    net.layers[1].weight[0, 0] = np.inf
    for call in (net.predict, net.predict_proba, net.mean_field):
        with pytest.raises(ValueError, match=r"layers\[1\].weight must be finite"):
            call(X)


def test_one_observation_is_a_batch_of_one() -> None:
    net, twin = network("softmax"), uwm.reference.Network.from_network(network("softmax"))
    alone = net.forward(X[0])
    assert alone.batch_size == 1 and alone.output.shape == (1, 3)
    net.step -= 1
    np.testing.assert_array_equal(net.forward(X[:1]).logits[-1], alone.logits[-1])
    np.testing.assert_allclose(twin.forward(X[0]).logits[-1], alone.logits[-1])
    learner = uwm.Learner(net, uwm.Reinforce(), uwm.Adam())
    assert learner.forward(X[0]).output.shape == (1, 3)
    learner.learn(1.0)


def test_a_temperature_may_be_set() -> None:
    for net in (network("softmax"), uwm.reference.Network.from_network(network("softmax"))):
        net.temperature = 1.0
        cold = net.mean_field(X)
        net.layers[0].temperature = 2.0
        assert net.temperature == (2.0, 1.0, 1.0)
        assert not np.allclose(net.mean_field(X), cold)
        net.layers[0].weight[...] *= 2.0
        net.layers[0].bias[...] *= 2.0
        np.testing.assert_allclose(net.mean_field(X), cold)
        net.temperature = [1.0, 2.0, 3.0]
        for wrong in (0.0, -1.0, np.nan, [1.0, 2.0], [1.0, 0.0, 1.0], "hot"):
            with pytest.raises((ValueError, TypeError), match="temperature"):
                net.temperature = wrong
        assert net.temperature == (1.0, 2.0, 3.0)


def test_a_set_temperature_is_saved_and_copied(tmp_path: Any) -> None:
    net = network("softmax")
    net.temperature = [1.0, 2.0, 3.0]
    uwm.save(tmp_path / "net", net)
    for other in (uwm.load(tmp_path / "net").net, net.copy(), net.astype("float32")):
        assert other is not None and other.temperature == (1.0, 2.0, 3.0)


@pytest.mark.parametrize("lib", [uwm, uwm.reference])
def test_the_rate_of_a_living_optimizer_may_be_set(lib: Any) -> None:
    net, adam = lib.Network([2, 1]), lib.Adam(0.5)
    gradient = [lib.LayerGradient(np.zeros((1, 2)), np.ones(1))]
    adam.step(net, gradient)
    before = float(net.layers[0].bias[0])
    adam.learning_rate = 0.25
    adam.step(net, gradient)
    assert float(net.layers[0].bias[0]) - before == pytest.approx(0.25)
    assert adam.steps == 2 and adam.learning_rate == 0.25
    adam.learning_rate = [lib.Linear(1.0, 0.0, 4)]
    adam.step(net, gradient)  # the schedule is at update 2
    assert float(net.layers[0].bias[0]) - before == pytest.approx(0.75)
    for wrong in (-1.0, np.nan, [], "quick", None):
        with pytest.raises((ValueError, TypeError), match="learning"):
            adam.learning_rate = wrong
    adam.learning_rate = "auto"
    assert adam.learning_rate == "auto"


def test_sgd_has_no_automatic_rate() -> None:
    sgd = uwm.SGD(0.1)
    with pytest.raises(ValueError, match="no automatic one"):
        sgd.learning_rate = "auto"  # type: ignore[assignment]
    assert sgd.learning_rate == 0.1
