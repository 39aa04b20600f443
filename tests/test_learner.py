"""`Learner`: the steps of `train` in a loop of one's own, and gradients whose arrays are views."""

from __future__ import annotations

import copy
import gc
import pickle
import signal
import threading
from typing import Any

import numpy as np
import pytest
from nets import assert_same, parameters
from own_parts import Ascent, Broadcast, Clipped

import uwm
from uwm import reference

TASK = uwm.tasks.Multiplexer(2)


def network(**options: Any) -> uwm.Network:
    return uwm.Network([6, 9, 7, 1], seed=3, **options)


def learner(net: uwm.Network | None = None) -> uwm.Learner:
    return uwm.Learner(net or network(), uwm.UnbiasedWeightMax(), uwm.Adam(0.02))


def loop(made: Any, steps: int, batch: int = 5) -> list[Any]:
    """The loop of train, in Python."""
    samples = []
    for _ in range(steps):
        at = made.net.step
        sample = made.forward(TASK.inputs(made.net.seed, at, batch))
        made.learn(TASK.reward(made.net.seed, at, sample))
        samples.append(sample)
    return samples


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize(
    ("rule", "optimizer"),
    [
        *((uwm.rule(name), uwm.Adam) for name in uwm.RULES),
        (uwm.WeightMax(), lambda: uwm.SGD(0.1, momentum=0.9)),
        (Broadcast(), uwm.Adam),
        (uwm.UnbiasedWeightMax(), lambda: Ascent(0.1)),
        (uwm.UnbiasedWeightMax(), lambda: Clipped(0.1)),
    ],
)
def test_a_loop_of_ones_own_makes_the_numbers_of_train(
    rule: uwm.Rule, optimizer: Any, dtype: str, batch: int
) -> None:
    by_train, by_loop = network(dtype=dtype), network(dtype=dtype)
    uwm.train(by_train, rule, optimizer(), TASK, steps=12, batch_size=batch)
    loop(uwm.Learner(by_loop, rule, optimizer()), 12, batch)
    assert_same(by_train, by_loop)


def test_samples_are_mine_to_keep() -> None:
    made, twin = learner(), network()
    for sample in loop(made, 6):
        expected = twin.forward(sample.inputs)
        if twin.step == 1:  # the parameters are still those of the start
            np.testing.assert_array_equal(sample.activations[0], expected.activations[0])
    kept = loop(made, 6)
    before = [[h.copy() for h in s.activations] for s in kept]
    view = kept[-1].output
    last = view.copy()
    del kept[-1]
    loop(made, 6)
    gc.collect()
    for sample, was in zip(kept, before, strict=False):
        for h, g in zip(sample.activations, was, strict=True):
            np.testing.assert_array_equal(h, g)
    np.testing.assert_array_equal(view, last)


def test_batches_may_differ_from_step_to_step() -> None:
    made, by_hand = learner(), learner()
    for batch in (3, 1, 8, 3):
        x = np.ones((batch, 6))
        made.forward(x)
        made.learn(np.ones(batch))
        sample = by_hand.net.forward(x)
        gradient = by_hand.rule.gradient(by_hand.net, sample, np.ones(batch))
        by_hand.optimizer.step(by_hand.net, gradient)
    assert_same(made.net, by_hand.net)
    assert made.optimizer.steps == 4


@pytest.mark.parametrize("reward", [0.5, np.float64(0.5), [0.5], np.array([0.5], "float32"), 1])
def test_the_reward_of_one_sample_may_be_a_number(reward: Any) -> None:
    made, other = learner(), learner()
    made.forward(np.ones((1, 6)))
    made.learn(reward)
    other.forward(np.ones((1, 6)))
    other.learn(np.array([float(np.squeeze(reward))]))
    assert_same(made.net, other.net)


@pytest.mark.parametrize(
    "x",
    [np.ones((2, 6), "float32"), [[1] * 6] * 2, np.ones((6, 2)).T, np.ones((2, 6), ">f8"),
     np.ones((2, 12))[:, ::2], np.ones((2, 6), int), np.ones((2, 6), bool)],
)  # fmt: skip
def test_inputs_of_any_kind_are_the_same_numbers(x: Any) -> None:
    made, other = learner(), learner()
    a, b = made.forward(x), other.forward(np.ones((2, 6)))
    np.testing.assert_array_equal(a.logits[0], b.logits[0])


def test_learn_before_forward() -> None:
    made = learner()
    before = parameters(made.net)
    with pytest.raises(ValueError, match=r"^forward must come before learn$"):
        made.learn(np.ones(1))
    with pytest.raises(ValueError, match=r"^forward must come before learn$"):
        made.learn(1.0)
    for a, b in zip(before, parameters(made.net), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("reward", "error", "message"),
    [
        (np.ones(2), ValueError, r"reward must have shape \(3,\), got \(2,\)"),
        (np.ones((3, 1)), ValueError, r"reward must have 1 dimension, got shape \(3, 1\)"),
        (1.0, ValueError, "reward must have 1 dimension"),
        (np.array([1, np.nan, 1]), ValueError, "reward must be finite"),
        (np.array([1, np.inf, 1]), ValueError, "reward must be finite"),
        (np.full(3, 1e300), ValueError, "within the range of float32"),
        ("abc", TypeError, "reward must be"),
        (None, TypeError, "reward must be"),
    ],
)
def test_wrong_rewards_change_nothing(reward: Any, error: Any, message: str) -> None:
    made, other = learner(), learner()
    for one in (made, other):
        one.forward(np.ones((3, 6)))
    with pytest.raises(error, match=message):
        made.learn(reward)
    made.learn(np.ones(3))  # the sample is still there
    other.learn(np.ones(3))
    assert_same(made.net, other.net)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.ones(5), ValueError, r"x must have shape \(batch, 6\), got \(1, 5\)"),
        (np.ones((1, 1, 6)), ValueError, r"x must have 2 dimensions, got shape \(1, 1, 6\)"),
        (np.ones((1, 5)), ValueError, r"x must have shape \(batch, 6\), got \(1, 5\)"),
        (np.ones((0, 6)), ValueError, "x must hold at least one sample"),
        (np.full((1, 6), np.nan), ValueError, "x must be finite"),
        (np.full((1, 6), 1e300), ValueError, "x must be within the range of float32, got 1e\\+300"),
        (np.ones((1, 6), complex), TypeError, "x must be"),
        (None, TypeError, "x must be"),
    ],
)
def test_wrong_inputs_change_nothing(x: Any, error: Any, message: str) -> None:
    made = learner()
    with pytest.raises(error, match=message):
        made.forward(x)
    assert made.net.step == 0


def test_a_network_changed_in_between() -> None:
    made, other = learner(), learner()
    for one in (made, other):
        one.forward(np.ones((2, 6)))
    made.net.forward(np.ones((4, 6)))  # another sample is none of the learner's business
    made.net.step = 1
    made.learn(np.ones(2))
    other.learn(np.ones(2))
    assert_same(made.net, other.net)
    made.net.reset(seed=8)
    made.net.layers[0].bias = np.full(9, 0.25)
    twin = made.net.copy()
    np.testing.assert_array_equal(
        made.forward(np.ones((2, 6))).logits[0], twin.forward(np.ones((2, 6))).logits[0]
    )


def test_parameters_that_are_spoilt_in_between() -> None:
    made = learner()
    made.forward(np.ones((2, 6)))
    made.net.layers[0].weight[0, 0] = np.nan
    with pytest.raises(uwm.DivergenceError, match="weight must be finite"):
        made.forward(np.ones((2, 6)))
    assert made.net.step == 1
    with pytest.raises(ValueError, match="forward must come before learn"):
        made.learn(np.ones(2))
    with pytest.raises(ValueError, match="weight must be finite"):
        uwm.Learner(made.net, made.rule, made.optimizer)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_and_pickles_go_on_bit_for_bit(again: Any) -> None:
    made = learner()
    loop(made, 5)
    other = again(made)
    assert other.net is not made.net
    with pytest.raises(ValueError, match="forward must come before learn"):
        other.learn(np.ones(5))
    loop(made, 5)
    loop(other, 5)
    assert_same(made.net, other.net)
    assert repr(other) == repr(made)


def test_what_a_learner_holds() -> None:
    net, rule, optimizer = network(), uwm.WeightMax(), uwm.SGD(0.1)
    made = uwm.Learner(net, rule, optimizer)
    assert made.net is net
    assert made.rule is rule
    assert made.optimizer is optimizer
    assert repr(made) == f"uwm.Learner({net!r}, {rule!r}, {optimizer!r})"
    del net, rule, optimizer
    gc.collect()
    loop(made, 2)  # it keeps them alive


def test_arguments_of_another_kind() -> None:
    net, rule, optimizer = network(), uwm.WeightMax(), uwm.SGD(0.1)
    with pytest.raises(TypeError, match=r"net must be a uwm\.Network, got a WeightMax"):
        uwm.Learner(rule, rule, optimizer)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"rule must be a uwm\.Rule, got a str"):
        uwm.Learner(net, "weight_max", optimizer)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"optimizer must be a uwm\.Optimizer, got None"):
        uwm.Learner(net, rule, None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one per layer"):
        uwm.Learner(net, rule, uwm.SGD([0.1, 0.2]))
    with pytest.raises(TypeError, match="must define unit_rewards"):
        uwm.Learner(net, uwm.Rule(), optimizer)


def test_a_method_of_ones_own_that_nothing_would_call() -> None:
    class Mine(uwm.Network):
        def forward(self, x: Any) -> Any:
            return super().forward(x)

    with pytest.raises(TypeError, match=r"Mine replaces Network\.forward, which Learner does not"):
        uwm.Learner(Mine([6, 1]), uwm.WeightMax(), uwm.SGD(0.1))


def test_an_error_in_a_rule_of_ones_own_changes_nothing() -> None:
    class Fails(uwm.Rule):
        fail = True

        def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
            if self.fail:
                raise ZeroDivisionError("mine")
            return Broadcast().unit_rewards(net, sample, reward)

    rule, optimizer = Fails(), uwm.Adam()
    made = uwm.Learner(network(), rule, optimizer)
    before = parameters(made.net)
    made.forward(np.ones((2, 6)))
    with pytest.raises(ZeroDivisionError, match="mine"):
        made.learn(np.ones(2))
    for a, b in zip(before, parameters(made.net), strict=True):
        np.testing.assert_array_equal(a, b)
    assert optimizer.steps == 0
    rule.fail = False
    made.learn(np.ones(2))
    assert optimizer.steps == 1


def test_ctrl_c_in_a_rule_of_ones_own() -> None:
    class Stops(uwm.Rule):
        def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
            signal.raise_signal(signal.SIGINT)
            return Broadcast().unit_rewards(net, sample, reward)

    made = uwm.Learner(network(), Stops(), uwm.SGD(0.1))
    made.forward(np.ones((2, 6)))
    with pytest.raises(KeyboardInterrupt):
        made.learn(np.ones(2))


def test_a_rule_that_calls_the_learner_that_calls_it() -> None:
    class Meddles(uwm.Rule):
        def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
            made.forward(np.ones((9, 6)))
            return Broadcast().unit_rewards(net, sample, reward)

    made = uwm.Learner(network(), Meddles(), uwm.SGD(0.1))
    made.forward(np.ones((2, 6)))
    with pytest.raises(RuntimeError, match="the learner is in use"):
        made.learn(np.ones(2))
    assert made.forward(np.ones((2, 6))).batch_size == 2


def test_another_thread_is_refused_while_a_learner_works() -> None:
    begun, enough = threading.Event(), threading.Event()

    class Waits(uwm.Rule):
        def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
            begun.set()
            enough.wait()
            return Broadcast().unit_rewards(net, sample, reward)

    made = uwm.Learner(network(), Waits(), uwm.SGD(0.1))
    made.forward(np.ones((2, 6)))
    thread = threading.Thread(target=lambda: made.learn(np.ones(2)))
    thread.start()
    try:
        assert begun.wait(60)
        for call in (lambda: made.forward(np.ones((2, 6))), lambda: made.learn(np.ones(2))):
            with pytest.raises(RuntimeError, match="the learner is in use by another thread"):
                call()
        with pytest.raises(RuntimeError, match="the network is in use by another thread"):
            made.net.forward(np.ones((2, 6)))
    finally:
        enough.set()
        thread.join()
    made.forward(np.ones((2, 6)))


def test_threads_with_learners_of_their_own_run_beside_each_other() -> None:
    made = [learner() for _ in range(3)]
    threads = [threading.Thread(target=loop, args=(one, 200)) for one in made]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    alone = learner()
    loop(alone, 200)
    for one in made:
        assert_same(one.net, alone.net)


def test_the_reference_has_the_same_learner() -> None:
    made = uwm.Learner(network(dtype="float64"), uwm.WeightMax(), uwm.SGD(0.1))
    twin_net = reference.Network([6, 9, 7, 1], seed=3)
    twin = reference.Learner(twin_net, reference.rule("weight_max"), reference.SGD(0.1))
    with pytest.raises(ValueError, match=r"^forward must come before learn$"):
        twin.learn(np.ones(2))
    for _ in range(10):
        for one in (made, twin):
            sample = one.forward(np.ones((2, 6)))
            one.learn(sample.output[:, 0] - 0.5)
    for layer, other in zip(made.net.layers, twin_net.layers, strict=True):
        np.testing.assert_allclose(layer.weight, other.weight, rtol=1e-9)


# Gradients, whose arrays are views of the engine's memory


def gradient(net: uwm.Network) -> list[uwm.LayerGradient]:
    return uwm.UnbiasedWeightMax().gradient(net, net.forward(np.ones((3, 6))), np.ones(3))


def test_what_is_written_into_a_gradient_is_what_the_step_takes() -> None:
    net = network()
    g = gradient(net)
    g[0].weight[:] = 0
    g[1].bias[2] = 5
    before = parameters(net)
    uwm.SGD(0.5).step(net, g)
    after = parameters(net)
    np.testing.assert_array_equal(after[0], before[0])
    assert after[3][2] == before[3][2] + np.float32(2.5)


def test_arrays_of_a_gradient_outlive_it() -> None:
    net = network()
    g = gradient(net)
    weight, was = g[0].weight, g[0].weight.copy()
    del g
    gc.collect()
    gradient(net)
    np.testing.assert_array_equal(weight, was)


def test_layers_of_several_gradients_and_arrays_of_ones_own_mix() -> None:
    net, other = network(), network()
    a, b = gradient(net), gradient(other)
    mixed = [a[0], b[1], uwm.LayerGradient(a[2].weight.copy(), a[2].bias.copy())]
    uwm.SGD(0.5).step(net, mixed)
    uwm.SGD(0.5).step(other, a)
    assert_same(net, other)
    with pytest.raises(ValueError, match="the gradient of layer 0 must have shape"):
        uwm.SGD(0.5).step(net, [a[2], a[1], a[0]])
    with pytest.raises(ValueError, match=r"one entry with \.weight and \.bias per layer, 3 in all"):
        uwm.SGD(0.5).step(net, a[:2])


def test_a_layer_gradient_of_ones_own_is_asked_for_its_arrays() -> None:
    class Zero(uwm.LayerGradient):
        @property
        def weight(self) -> Any:
            return np.zeros(super().weight.shape)

    net = network()
    g: list[Any] = gradient(net)
    g[0] = Zero(g[0].weight, g[0].bias)
    before = parameters(net)
    uwm.SGD(0.5).step(net, g)
    np.testing.assert_array_equal(parameters(net)[0], before[0])


def test_a_gradient_of_another_dtype_or_shape() -> None:
    net = network()
    double = gradient(network(dtype="float64"))
    other = network()
    uwm.SGD(0.5).step(net, double)  # converted, as arrays are
    uwm.SGD(0.5).step(
        other, [uwm.LayerGradient(g.weight.astype("f4"), g.bias.astype("f4")) for g in double]
    )
    for a, b in zip(parameters(net), parameters(other), strict=True):
        np.testing.assert_array_equal(a, b)
    wide = uwm.Network([6, 8, 7, 1])
    with pytest.raises(ValueError, match="the gradient of layer 0 must have shape"):
        uwm.SGD(0.5).step(wide, gradient(net))


def test_a_rule_refuses_parameters_spoilt_after_the_sample() -> None:
    net = network()
    sample = net.forward(np.ones((3, 6)))
    net.layers[1].bias[0] = np.inf
    with pytest.raises(ValueError, match="bias must be finite"):
        uwm.UnbiasedWeightMax().gradient(net, sample, np.ones(3))
