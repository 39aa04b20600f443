"""Initial weights and learning rates that follow from the network."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nets import output_of

import uwm
from uwm import reference

GAINS = ("auto", 1, 0.5, [1, 2, 3.0])


def made(module: Any, **options: Any) -> Any:
    given = {"temperature": [1, 2, 0.5], "seed": 5, "dtype": "float64", **options}
    given["output"] = output_of(module, given.get("output", "bernoulli"), 0.7)
    return module.Network([5, 7, 4, 3], **given)


@pytest.mark.parametrize("output", ["bernoulli", "softmax", "gaussian"])
@pytest.mark.parametrize("units", ["binary", "bipolar"])
@pytest.mark.parametrize("gain", GAINS, ids=str)
def test_engine_and_reference_begin_alike(output: str, units: str, gain: Any) -> None:
    ours, twin = (
        made(module, output=output, units=units, initial_gain=gain) for module in (uwm, reference)
    )
    assert ours.initial_gain == twin.initial_gain == gain
    for layer, other in zip(ours.layers, twin.layers, strict=True):
        np.testing.assert_array_equal(layer.weight, other.weight)
        np.testing.assert_array_equal(layer.bias, other.bias)
    rates = uwm.automatic_rates(ours), reference.automatic_rates(twin)
    for one, two in zip(*rates, strict=True):
        assert (one.rate, one.steps, one.warm_up) == (two.rate, two.steps, two.warm_up)
        assert [one(t) for t in (0, 199, 200, 5000)] == [two(t) for t in (0, 199, 200, 5000)]


@pytest.mark.parametrize("units", ["binary", "bipolar"])
def test_engine_and_reference_take_the_same_automatic_steps(units: str) -> None:
    ours, twin = (made(module, output="softmax", units=units) for module in (uwm, reference))
    x = np.random.default_rng(0).choice([-1.0, 1.0], size=(3, 5))
    adam, its = uwm.Adam(), reference.Adam()
    for _ in range(5):
        reward = np.array([1.0, -0.5, 0.25])
        adam.step(ours, uwm.WeightMax().gradient(ours, ours.forward(x), reward))
        its.step(twin, reference.WeightMax().gradient(twin, twin.forward(x), reward))
    for layer, other in zip(ours.layers, twin.layers, strict=True):
        np.testing.assert_allclose(layer.weight, other.weight, rtol=0, atol=1e-12)


@pytest.mark.parametrize("width", [16, 256])
@pytest.mark.parametrize("depth", [1, 4])
def test_hidden_logits_begin_with_deviation_3_at_every_size(width: int, depth: int) -> None:
    net = uwm.Network([20, *[width] * depth, 10], output="softmax", seed=2)
    x = np.random.default_rng(1).choice([-1.0, 1.0], size=(4000, 20))
    *hidden, last = (float(z.std()) for z in net.forward(x).logits)
    assert hidden == pytest.approx([3.0] * depth, rel=0.2)
    assert last == pytest.approx(0.3, rel=0.4)


def test_adam_without_a_rate_is_adam_with_the_automatic_rates() -> None:
    task, nets = uwm.tasks.Multiplexer(2), [uwm.Network([6, 8, 4, 1], seed=3) for _ in range(2)]
    for net, adam in zip(nets, (uwm.Adam(), uwm.Adam(uwm.automatic_rates(nets[1]))), strict=True):
        uwm.train(net, uwm.StraightThrough(), adam, task, steps=300, batch_size=4)
    for one, two in zip(nets[0].layers, nets[1].layers, strict=True):
        np.testing.assert_array_equal(one.weight, two.weight)


@pytest.mark.parametrize("rate", ["auto", uwm.InverseRoot(0.01, 30, warm_up=7)], ids=str)
@pytest.mark.parametrize("gain", GAINS, ids=str)
def test_gain_and_rate_are_kept(rate: Any, gain: Any, tmp_path: Path) -> None:
    net, adam = made(uwm, initial_gain=gain), uwm.Adam(rate)
    task = uwm.tasks.Bandit(np.eye(5), [0, 1, 2, 0, 1])
    net = uwm.Network([5, 7, 4, 3], output="softmax", initial_gain=gain)
    uwm.train(net, uwm.WeightMax(), adam, task, steps=20)
    uwm.save(tmp_path / "run", net, adam)
    loaded = uwm.load(tmp_path / "run")
    for its_net, its_adam in (
        (loaded.net, loaded.optimizer),
        pickle.loads(pickle.dumps((net, adam))),
    ):
        assert its_net.initial_gain == gain
        assert repr(its_adam) == repr(adam)
        same = net.copy()
        same.reset(9)
        its_net.reset(9)
        np.testing.assert_array_equal(its_net.layers[1].weight, same.layers[1].weight)
    assert net.copy().initial_gain == net.astype("float64").initial_gain == gain


@pytest.mark.parametrize(
    ("gain", "message"),
    [
        ("big", "initial_gain must be"),
        (-1, "initial_gain must be"),
        (float("nan"), "initial_gain must be"),
        ([1, 2], "initial_gain must be one number or one per layer"),
        ([], "initial_gain must be"),
    ],
)
@pytest.mark.parametrize("module", [uwm, reference], ids=["engine", "reference"])
def test_gains_that_make_no_sense_are_refused(module: Any, gain: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made(module, initial_gain=gain)


def test_words_that_are_no_rate_are_refused() -> None:
    with pytest.raises(TypeError, match="learning rate must be"):
        uwm.Adam("fast")
    with pytest.raises(ValueError, match="sgd has no automatic"):
        uwm.SGD("auto")


@pytest.mark.parametrize("hidden", [(8, 8), (64, 64), (32,) * 4], ids=str)
def test_a_task_is_learned_without_a_number_given(hidden: tuple[int, ...]) -> None:
    task = uwm.tasks.Multiplexer(1)
    net = uwm.Network([3, *hidden, 1])
    log = uwm.train(net, uwm.UnbiasedWeightMax(), uwm.Adam(), task, steps=1000, batch_size=16)
    assert log.final_reward > 0.9
