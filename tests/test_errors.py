"""Bad input to every public call: the error says what is wrong, and nothing is changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import uwm
from uwm import reference

NAN = float("nan")


def network(**options: Any) -> uwm.Network:
    return uwm.Network([3, 4, 2], **{"seed": 1, **options})


CONSTRUCTION: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: uwm.Network([3]), ValueError, "at least 2 numbers"),
    (lambda: uwm.Network([]), ValueError, "at least 2 numbers"),
    (lambda: uwm.Network([3, 0, 1]), ValueError, "between 1 and 2^30, got 0"),
    (lambda: uwm.Network([3, -4, 1]), ValueError, "got -4"),
    (lambda: uwm.Network([3, 1 << 70, 1]), ValueError, "between 1 and 2^30"),
    (lambda: uwm.Network([np.array([1.5]), 1]), TypeError, "whole number"),
    (lambda: uwm.SGD(b"a"), TypeError, "a number or a schedule, got a bytes"),
    (lambda: uwm.Network([3, 4.5, 1]), TypeError, "whole number, got 4.5"),
    (lambda: uwm.Network("abc"), TypeError, "sequence of whole numbers"),
    (lambda: uwm.Network(3), TypeError, "sequence of whole numbers"),
    (lambda: uwm.Network([1] * 5000), ValueError, "sizes must hold at most 4096 numbers, got 5000"),
    (lambda: network(output="relu"), ValueError, "'softmax' or 'gaussian', got 'relu'"),
    (lambda: uwm.Network([3, 1], output="softmax"), ValueError, "at least 2 units, got 1"),
    (lambda: network(units="ternary"), ValueError, "'binary' or 'bipolar', got 'ternary'"),
    (lambda: network(temperature=0), ValueError, "temperatures must be positive"),
    (lambda: network(temperature=NAN), ValueError, "temperatures must be positive"),
    (lambda: network(temperature=[1, 2, 3]), ValueError, "one per layer (2), got 3"),
    (lambda: network(temperature="hot"), TypeError, "temperature"),
    (lambda: uwm.Gaussian(sigma=-1), ValueError, "sigma must be above 0, got -1"),
    (lambda: uwm.Gaussian(sigma=NAN), ValueError, "sigma must be a finite number, got nan"),
    (lambda: network(dtype="float16"), ValueError, "'float32' or 'float64', got 'float16'"),
    (lambda: network(seed=-1), ValueError, "seed must be from 0 to 2^64 - 1, got -1"),
    (lambda: network(seed=1 << 64), ValueError, "seed must be from 0 to 2^64 - 1"),
    (lambda: network(seed=0.5), TypeError, "seed must be a whole number, got 0.5"),
    (lambda: network().reset(seed=-1), ValueError, "seed must be from 0"),
    (lambda: uwm.WeightMax(norm=0.5), ValueError, "norm must be at least 1"),
    (lambda: uwm.WeightMax(norm=NAN), ValueError, "norm must be at least 1"),
    (
        lambda: uwm.UnbiasedWeightMax("three_sided"),
        ValueError,
        "form must be 'blended', 'posterior', 'two_sided' or 'one_sided', got 'three_sided'",
    ),
    (lambda: uwm.rule("backprop"), ValueError, "one of reinforce, ste, weight_max"),
    (lambda: uwm.Network(iter([2, 3, 1])), TypeError, "sizes must be a sequence of whole numbers"),
    (lambda: uwm.Network(n for n in (2, 1)), TypeError, "such as [3, 4, 1], got a generator"),
    (lambda: uwm.Network({2: 1, 3: 1}.keys()), TypeError, "sizes must be a sequence of whole"),
    (lambda: reference.Network(iter([2, 3, 1])), TypeError, "sizes must be a sequence of whole"),
    (lambda: uwm.SGD(-1.0), ValueError, "not negative, got -1"),
    (lambda: uwm.SGD(NAN), ValueError, "learning rates must be finite"),
    (lambda: uwm.SGD("fast"), TypeError, "a number or a schedule, got a str"),
    (lambda: uwm.SGD([]), ValueError, "got none"),
    (lambda: uwm.SGD("auto"), ValueError, "sgd has no automatic one"),
    (lambda: uwm.SGD(0.1, momentum=1.0), ValueError, "momentum"),
    (lambda: uwm.Adam(beta1=1.0), ValueError, "beta1"),
    (lambda: uwm.Adam(beta2=-0.1), ValueError, "beta2"),
    (lambda: uwm.Adam(epsilon=0.0), ValueError, "epsilon"),
    (lambda: uwm.Linear(1.0, 0.0, 0), ValueError, "steps must be at least 1, got 0"),
    (lambda: uwm.Linear(NAN, 0.0, 5), ValueError, "start must be a finite number, got nan"),
    (lambda: uwm.Linear(-1, 0, 1), ValueError, "start must be at least 0, got -1"),
    (lambda: uwm.Linear(1, -1, 1), ValueError, "end must be at least 0, got -1"),
    (lambda: uwm.InverseRoot(-1, 1), ValueError, "rate must be at least 0, got -1"),
    (lambda: uwm.Exponential(1.0, 0.0, 5), ValueError, "end must be above 0, got 0"),
    (lambda: uwm.RunningMean(rate=0.0), ValueError, "rate must be above 0"),
    (lambda: uwm.RunningMean(value=NAN), ValueError, "value must be finite"),
    (lambda: uwm.tasks.Multiplexer(0), ValueError, "between 1 and 16, got 0"),
    (lambda: uwm.tasks.Multiplexer(17), ValueError, "between 1 and 16, got 17"),
    (lambda: uwm.tasks.Bandit(np.eye(3), [0, 1]), ValueError, "labels must have shape (3,)"),
    (lambda: uwm.tasks.Bandit(np.eye(3), [0, 1, -1]), ValueError, "0 or more, got -1"),
    (lambda: uwm.tasks.Bandit(np.eye(3), [0, 1, 0.5]), ValueError, "whole numbers"),
    (lambda: uwm.tasks.Bandit(np.eye(3), [0, 0, 0]), ValueError, "at least 2 classes"),
    (lambda: uwm.tasks.Bandit(np.eye(2), [0, 5], n_classes=3), ValueError, "below the number"),
    (lambda: uwm.tasks.Bandit(np.full((2, 2), NAN), [0, 1]), ValueError, "NaN or infinity"),
    (lambda: uwm.tasks.Bandit(np.zeros((0, 2)), []), ValueError, "n, n_in >= 1"),
    (lambda: uwm.tasks.Bandit(np.zeros(3), [0, 1, 0]), ValueError, "2 dimensions"),
    (lambda: uwm.philox(0, 1 << 48, 0, 0, 1, 1), ValueError, "step must be from 0 to 2^48"),
    (lambda: uwm.philox(-1, 0, 0, 0, 1, 1), ValueError, "seed must be from 0"),
    (lambda: uwm.Linear(1.0, 0.0, 5)(-1), ValueError, "not be negative"),
    (lambda: uwm.LayerGradient("a", 3), TypeError, "weight must be an array of real numbers"),
    (lambda: uwm.Baseline().predict(np.ones((2, 3))), TypeError, "must define predict"),
    (lambda: uwm.RunningMean().update(np.ones((2, 3)), [1.0]), ValueError, "shape (2,), got (1,)"),
    (lambda: uwm.philox(0, 0, 16, 0, 1, 1), ValueError, "below 16"),
    (lambda: uwm.philox(0, 0, 0, 4096, 1, 1), ValueError, "below 4096"),
    (lambda: uwm.load("no-such-file.safetensors"), OSError, "no-such-file"),
]


@pytest.mark.parametrize(("call", "error", "message"), CONSTRUCTION)
def test_construction(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()


ONES = np.ones((5, 3))
HIDDEN, OUT = np.ones((5, 4)), np.ones((5, 2))
ON_NETWORK: list[tuple[Callable[[uwm.Network], object], type[Exception], str]] = [
    (lambda n: n.forward(np.ones(4)), ValueError, "(batch, 3), got (1, 4)"),
    (lambda n: n.forward(np.ones((1, 1, 3))), ValueError, "2 dimensions, got shape (1, 1, 3)"),
    (lambda n: n.forward(np.ones((5, 4))), ValueError, "(batch, 3), got (5, 4)"),
    (lambda n: n.forward(np.ones((0, 3))), ValueError, "empty batch"),
    (lambda n: n.forward(np.full((5, 3), NAN)), ValueError, "x must be finite"),
    (lambda n: n.forward(np.full((5, 3), np.inf)), ValueError, "x must be finite"),
    (lambda n: n.forward([["a", "b", "c"]]), TypeError, "real numbers"),
    (lambda n: n.forward(np.ones((5, 3), complex)), TypeError, "complex128"),
    (lambda n: n.forward([[1, 2], [3]]), ValueError, "array of numbers"),
    (lambda n: n.forward(None), TypeError, "real numbers"),
    (lambda n: n.clamp(ONES, [HIDDEN]), ValueError, "one array per layer (2), got 1"),
    (lambda n: n.clamp(ONES, [HIDDEN, HIDDEN]), ValueError, "activations[1] must have shape"),
    (lambda n: n.clamp(ONES, [HIDDEN[:2], OUT]), ValueError, "activations[0] must have shape"),
    (lambda n: n.clamp(ONES, [0.5 * HIDDEN, OUT]), ValueError, "activations[0] must be 0 or 1"),
    (lambda n: n.clamp(ONES, [-HIDDEN, OUT]), ValueError, "activations[0] must be 0 or 1"),
    (lambda n: n.clamp(ONES, [HIDDEN, 2 * OUT]), ValueError, "Bernoulli output must be 0 or 1"),
    (lambda n: n.clamp(ONES, [NAN * HIDDEN, OUT]), ValueError, "activations[0] must be 0 or 1"),
    (lambda n: n.clamp(ONES, 7), TypeError, "list with one array per layer"),
    (lambda n: setattr(n, "step", 1 << 48), ValueError, "step must be from 0 to 2^48 - 1"),
    (lambda n: setattr(n, "step", -1), ValueError, "got -1"),
    (lambda n: n.astype("int32"), ValueError, "got 'int32'"),
    (lambda n: setattr(n.layers[0], "weight", np.ones((3, 4))), ValueError, "shape (4, 3)"),
    (lambda n: setattr(n.layers[0], "bias", np.full(4, NAN)), ValueError, "finite"),
]


@pytest.mark.parametrize(("call", "error", "message"), ON_NETWORK)
def test_network(
    call: Callable[[uwm.Network], object], error: type[Exception], message: str
) -> None:
    net = network()
    before = [layer.weight.copy() for layer in net.layers]
    with pytest.raises(error, match=re.escape(message)):
        call(net)
    assert net.step == 0
    for layer, weight in zip(net.layers, before, strict=True):
        np.testing.assert_array_equal(layer.weight, weight)


def test_encodings_of_clamped_actions() -> None:
    with pytest.raises(ValueError, match="-1 or 1"):
        network(units="bipolar").clamp(ONES, [0 * HIDDEN, OUT])
    with pytest.raises(ValueError, match="one-hot"):
        network(output="softmax").clamp(ONES, [HIDDEN, OUT])
    with pytest.raises(ValueError, match="finite"):
        network(output="gaussian").clamp(ONES, [HIDDEN, NAN * OUT])


@pytest.mark.parametrize("name", uwm.RULES)
def test_rules(name: str) -> None:
    net, rule = network(), uwm.rule(name)
    sample = net.forward(ONES)
    cases: list[tuple[Any, Any, Any, str]] = [
        (net, sample, np.ones(4), "reward must have shape (5,), got (4,)"),
        (net, sample, np.ones((5, 1)), "1 dimension"),
        (net, sample, np.full(5, NAN), "reward must be finite"),
        (
            uwm.Network([3, 5, 2]),
            sample,
            np.ones(5),
            "layer 0 of the sample must have the network's 5",
        ),
        (uwm.Network([3, 4, 4, 2]), sample, np.ones(5), "network's 3 layers, got 2"),
        (uwm.Network([2, 4, 2]), sample, np.ones(5), "network's 2 inputs, got 3"),
        (net.astype("float64"), sample, np.ones(5), "another dtype"),
        (
            network(output="softmax"),
            sample,
            np.ones(5),
            "network's softmax output, got bernoulli",
        ),
        (network(units="bipolar"), sample, np.ones(5), "network's bipolar units, got binary"),
        (net, sample, np.full(5, 1e300), "within the range of float32"),
    ]
    for call in (rule.unit_rewards, rule.gradient):
        for bad_net, bad_sample, reward, message in cases:
            with pytest.raises(ValueError, match=re.escape(message)):
                call(bad_net, bad_sample, reward)
        with pytest.raises(TypeError):
            call(net, "sample", np.ones(5))


@pytest.mark.parametrize("name", uwm.RULES)
def test_parameters_that_are_not_finite_are_named(name: str) -> None:
    net = network()
    sample = net.forward(ONES)
    net.layers[1].weight[0, 0] = np.inf
    for call in (
        lambda: net.forward(ONES),
        lambda: net.clamp(ONES, [HIDDEN, OUT]),
        lambda: uwm.rule(name).unit_rewards(net, sample, np.ones(5)),
    ):
        with pytest.raises(ValueError, match=re.escape("layers[1].weight must be finite")):
            call()


def test_rules_written_in_python() -> None:
    net = network()
    sample = net.forward(ONES)

    class Returns(uwm.Rule):
        def __init__(self, value: Any) -> None:
            super().__init__()
            self.value = value

        def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
            return self.value

    cases = [
        (None, "one array per layer, 2"),
        ([HIDDEN], "one array per layer, 2"),
        ([HIDDEN, HIDDEN], "unit_rewards[1] must have shape (5, 2), got (5, 4)"),
        ([NAN * HIDDEN, OUT], "unit_rewards[0] must be finite"),
    ]
    for value, message in cases:
        with pytest.raises(ValueError, match=re.escape(message)):
            Returns(value).gradient(net, sample, np.ones(5))
    with pytest.raises(TypeError, match="must define unit_rewards"):
        uwm.Rule().unit_rewards(net, sample, np.ones(5))


def test_optimizer_step() -> None:
    net = network()
    good = uwm.Reinforce().gradient(net, net.forward(ONES), np.ones(5))
    before = [layer.weight.copy() for layer in net.layers]
    nan = uwm.LayerGradient(np.full((4, 3), NAN), np.zeros(4))
    cases: list[tuple[uwm.Optimizer, Any, type[Exception], str]] = [
        (uwm.SGD(0.1), good[:1], ValueError, "one entry with .weight and .bias per layer"),
        (uwm.SGD(0.1), good[::-1], ValueError, "gradient of layer 0 must have shape (4, 3)"),
        (uwm.SGD(0.1), [1, 2], TypeError, "must have .weight and .bias"),
        (uwm.SGD(0.1), [nan, good[1]], ValueError, "gradient of layer 0 must be finite"),
        (uwm.SGD([0.1, 0.2, 0.3]), good, ValueError, "one per layer (2), got 3"),
    ]
    for optimizer, gradient, error, message in cases:
        with pytest.raises(error, match=re.escape(message)):
            optimizer.step(net, gradient)
        assert optimizer.steps == 0
    for layer, weight in zip(net.layers, before, strict=True):
        np.testing.assert_array_equal(layer.weight, weight)
    adam = uwm.Adam()
    adam.step(net, good)
    for other, message in [
        (uwm.Network([3, 5, 2]), "another shape"),
        (net.astype("float64"), "other precision"),
    ]:
        gradient = uwm.Reinforce().gradient(other, other.forward(ONES), np.ones(5))
        with pytest.raises(ValueError, match=message):
            adam.step(other, gradient)
    adam.reset()
    adam.step(other, gradient)


class Broken(uwm.Task):
    """A task whose inputs or rewards are not what they should be."""

    n_inputs, n_outputs = 3, 1

    def __init__(self, x: Any, r: Any) -> None:
        super().__init__()
        self.x, self.r = x, r

    def inputs(self, seed: int, step: int, batch_size: int) -> Any:
        return self.x

    def reward(self, seed: int, step: int, sample: uwm.Sample) -> Any:
        return self.r


def test_train() -> None:
    task, rule, sgd = uwm.tasks.Multiplexer(1), uwm.WeightMax(), uwm.SGD(0.1)
    good = {"steps": 5}
    cases: list[tuple[Any, Any, Any, Any, dict[str, Any], type[Exception], str]] = [
        ([3, 4, 1], rule, sgd, task, {"steps": 0}, ValueError, "steps must be at least 1"),
        ([3, 4, 1], rule, sgd, task, {"steps": -5}, ValueError, "got -5"),
        ([3, 4, 1], rule, sgd, task, good | {"batch_size": 0}, ValueError, "batch_size"),
        ([3, 4, 1], rule, sgd, task, good | {"record_every": 0}, ValueError, "record_ev"),
        ([3, 4, 1], rule, sgd, task, good | {"baseline": NAN}, ValueError, "baseline"),
        ([3, 4, 1], rule, sgd, task, good | {"baseline": "b"}, TypeError, "baseline"),
        ([3, 4, 1], rule, sgd, task, good | {"progress": 1}, TypeError, "callable"),
        ([4, 4, 1], rule, sgd, task, good, ValueError, "net must have the task's 3 inputs, got 4"),
        ([3, 4, 2], rule, sgd, task, good, ValueError, "net must have the task's 1 outputs, got 2"),
        ([3, 4, 1], "ste", sgd, task, good, TypeError, "must be a uwm.Rule, got a str"),
        ([3, 4, 1], rule, sgd, "digits", good, TypeError, "must be a uwm.Task"),
        ([3, 4, 1], rule, uwm.SGD([1.0] * 3), task, good, ValueError, "one per layer (2), got 3"),
        ([3, 4, 1], rule, sgd, Broken(np.ones((2, 3)), [1.0]), good, ValueError, "(1, 3)"),
        (
            [3, 4, 1],
            rule,
            sgd,
            Broken(np.full((1, 3), NAN), [1.0]),
            good,
            ValueError,
            "inputs must be finite",
        ),
        (
            [3, 4, 1],
            rule,
            sgd,
            Broken(np.ones((1, 3)), [NAN]),
            good,
            ValueError,
            "rewards must be finite",
        ),
        (
            [3, 4, 1],
            rule,
            sgd,
            Broken(np.ones((1, 3)), [1.0, 2.0]),
            good,
            ValueError,
            "(1,), got (2,)",
        ),
    ]
    for sizes, the_rule, optimizer, the_task, options, error, message in cases:
        net = uwm.Network(sizes)
        before = net.layers[0].weight.copy()
        with pytest.raises(error, match=re.escape(message)):
            uwm.train(net, the_rule, optimizer, the_task, **options)
        np.testing.assert_array_equal(net.layers[0].weight, before)
    with pytest.raises(TypeError):
        uwm.train("net", rule, sgd, task, steps=1)


def test_divergence_is_reported() -> None:
    net = uwm.Network([3, 4, 1])
    with pytest.raises(uwm.DivergenceError, match="diverged"):
        uwm.train(net, uwm.Reinforce(), uwm.SGD(3e38), uwm.tasks.Multiplexer(1), steps=2000)


def test_save_and_load(tmp_path: Path) -> None:
    net = network()
    with pytest.raises(OSError, match="absent"):
        uwm.save(tmp_path / "absent" / "net.safetensors", net)
    with pytest.raises(OSError):
        uwm.save(tmp_path, net)
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"not a network")
    with pytest.raises(OSError, match="broken"):
        uwm.load(broken)
    good = tmp_path / "good.safetensors"
    uwm.save(good, net)
    content = good.read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    with pytest.raises(OSError, match="broken"):
        uwm.load(broken)
    net.layers[0].weight[0, 0] = NAN
    with pytest.raises(ValueError, match="finite"):
        uwm.save(good, net)
    assert good.read_bytes() == content
    with pytest.raises(TypeError):
        uwm.save(good, "net")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        uwm.load(7)  # type: ignore[arg-type]
