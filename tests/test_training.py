"""`train` from Python: what it promises about repetition, going on, Ctrl-C and callbacks."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nets import assert_same, parameters

import uwm


def run(net: uwm.Network, opt: uwm.Optimizer, steps: int, **options: Any) -> uwm.Log:
    rule, task = uwm.UnbiasedWeightMax(), uwm.tasks.Multiplexer(2)
    return uwm.train(net, rule, opt, task, steps=steps, batch_size=5, **options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", [uwm.Adam, lambda: uwm.SGD(0.1, momentum=0.9)])
def test_training_goes_on_bit_for_bit_after_save_and_load(
    tmp_path: Path, dtype: str, make: Any
) -> None:
    whole, half = (uwm.Network([6, 7, 5, 1], dtype=dtype, seed=3) for _ in range(2))
    opt_whole, opt_half = make(), make()
    run(whole, opt_whole, 60)
    run(half, opt_half, 25)
    uwm.save(tmp_path / "half.safetensors", half, opt_half)
    half, opt_half = uwm.load(tmp_path / "half.safetensors")
    run(half, opt_half, 35)
    assert_same(whole, half)
    assert opt_half.steps == 60


def test_other_tools_read_the_file(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    net = uwm.Network([6, 7, 1])
    uwm.save(tmp_path / "net.safetensors", net)
    tensors = safetensors.load_file(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(tensors["layers.0.weight"], net.layers[0].weight)


def test_copies_are_independent_and_train_alike() -> None:
    net = uwm.Network([6, 7, 1], seed=5)
    others = [net.copy(), copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))]
    run(net, uwm.Adam(), 20)
    for other in others:
        assert other.step == 0
        run(other, uwm.Adam(), 20)
        assert_same(net, other)


def test_the_log_adds_up() -> None:
    seen: list[tuple[int, int, float]] = []
    log = run(
        uwm.Network([6, 7, 1]),
        uwm.Adam(),
        105,
        record_every=10,
        progress=lambda *report: seen.append(report),
    )
    assert len(log.rewards) == 11 and log.record_every == 10 and log.batch_size == 5
    weights = [10] * 10 + [5]
    assert log.mean_reward == pytest.approx(np.average(log.rewards, weights=weights))
    assert seen[-1][:2] == (105, 105)


class AsWritten(uwm.Rule):
    """Straight-through backpropagation, in Python."""

    def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
        rewards = [np.repeat(reward[:, None], net.sizes[-1], axis=1)]
        for ell in reversed(range(len(net.layers) - 1)):
            delta = rewards[0] * sample.eligibilities[ell + 1]
            e = sample.eligibilities[ell]
            fired = np.where(np.signbit(e), -1.0, 1.0)
            rewards.insert(0, fired * (1 - abs(e)) * (delta @ net.layers[ell + 1].weight))
        return rewards


def test_a_rule_in_python_trains_like_the_engine() -> None:
    nets = [uwm.Network([6, 7, 5, 1], dtype="float64", seed=2) for _ in range(2)]
    for net, rule in zip(nets, (uwm.StraightThrough(), AsWritten()), strict=True):
        uwm.train(net, rule, uwm.Adam(), uwm.tasks.Multiplexer(2), steps=50, batch_size=4)
    for a, b in zip(*map(parameters, nets), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_overrides_in_subclasses_of_what_is_built_in_count() -> None:
    class Nothing(uwm.Reinforce):
        def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
            hidden = [np.zeros(h.shape) for h in sample.activations[:-1]]
            return [*hidden, reward[:, None]]

    class Kind(uwm.tasks.Multiplexer):
        def reward(self, seed: int, step: int, sample: Any) -> Any:
            return np.ones(sample.batch_size)

    class Steady(uwm.RunningMean):
        def predict(self, x: Any) -> Any:
            return np.ones(len(x))

    task = uwm.tasks.Multiplexer(1)
    net = uwm.Network([3, 4, 1])
    hidden = net.layers[0].weight.copy()
    uwm.train(net, Nothing(), uwm.SGD(0.1), task, steps=5)
    np.testing.assert_array_equal(net.layers[0].weight, hidden)
    before = parameters(net)
    uwm.train(net, uwm.Reinforce(), uwm.SGD(0.1), Kind(1), steps=5, baseline=Steady())
    for a, b in zip(before, parameters(net), strict=True):
        np.testing.assert_array_equal(a, b)
    assert uwm.train(net, uwm.Reinforce(), uwm.SGD(0.1), Kind(1), steps=5).mean_reward == 1.0


def test_an_error_in_a_callback_leaves_the_last_whole_step() -> None:
    class Fails(uwm.Rule):
        calls = 0

        def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
            self.calls += 1
            if self.calls == 4:
                raise RuntimeError("the fourth time")
            return uwm.Reinforce().unit_rewards(net, sample, reward)

    net, other = uwm.Network([3, 4, 1]), uwm.Network([3, 4, 1])
    opt, task = uwm.Adam(), uwm.tasks.Multiplexer(1)
    with pytest.raises(RuntimeError, match="fourth"):
        uwm.train(net, Fails(), opt, task, steps=10)
    assert opt.steps == net.step == 3
    uwm.train(other, uwm.Reinforce(), uwm.Adam(), task, steps=3)
    assert_same(net, other)


def test_an_error_in_progress_stops_training() -> None:
    def stop(step: int, steps: int, reward: float) -> None:
        raise RuntimeError("enough")

    net = uwm.Network([6, 7, 1])
    with pytest.raises(RuntimeError, match="enough"):
        run(net, uwm.Adam(), 10_000_000, progress=stop)
    assert 0 < net.step < 10_000_000


def interrupt_soon() -> None:
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()


def test_ctrl_c_keeps_what_is_done() -> None:
    net, opt = uwm.Network([6, 64, 32, 1]), uwm.Adam()
    interrupt_soon()
    with pytest.raises(uwm.Interrupted, match="interrupted after") as caught:
        run(net, opt, 1_000_000_000, record_every=10)
    log = caught.value.result
    assert isinstance(caught.value, KeyboardInterrupt)
    assert 0 < log.steps == opt.steps == net.step
    assert len(log.rewards) == -(-log.steps // 10)


def test_ctrl_c_in_a_rule_written_in_python() -> None:
    class Slow(AsWritten):
        def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
            time.sleep(0.01)
            return super().unit_rewards(net, sample, reward)

    net, opt = uwm.Network([3, 4, 1]), uwm.Adam()
    interrupt_soon()
    with pytest.raises(uwm.Interrupted) as caught:
        uwm.train(net, Slow(), opt, uwm.tasks.Multiplexer(1), steps=1_000_000)
    assert caught.value.result.steps == opt.steps == net.step


def test_training_runs_beside_other_python_threads() -> None:
    ticks = 0

    def work() -> None:
        run(uwm.Network([6, 64, 32, 1]), uwm.Adam(), 4000)

    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        ticks += 1
        time.sleep(0.001)
    thread.join()
    assert ticks > 5


def test_views_stay_with_the_network_they_are_of() -> None:
    net = uwm.Network([6, 7, 1])
    weight = net.layers[0].weight
    sample = net.forward(np.ones((2, 6)))
    hidden = sample.activations[0]
    weight[...] = 0.25
    assert (net.layers[0].weight == 0.25).all()
    assert not hidden.flags.writeable and weight.flags.writeable
    del net, sample
    assert weight[0, 0] == 0.25 and hidden.shape == (2, 7)


def test_one_choice() -> None:
    x = np.ones((4, 3))
    softmax = uwm.Network([3, 4, 5], output="softmax").forward(x)
    np.testing.assert_array_equal(softmax.actions, softmax.output.argmax(axis=1))
    single = uwm.Network([3, 4, 1]).forward(x)
    np.testing.assert_array_equal(single.actions, single.output[:, 0])
    for net in (uwm.Network([3, 4, 2]), uwm.Network([3, 4, 1], output="gaussian")):
        with pytest.raises(ValueError, match="softmax or a single Bernoulli unit for actions, got"):
            _ = net.forward(x).actions


@pytest.mark.parametrize("name", uwm.RULES)
@pytest.mark.parametrize("output", ["bernoulli", "softmax", "gaussian"])
def test_threads_change_nothing(name: str, output: str) -> None:
    class Task(uwm.Task):
        n_inputs, n_outputs = 40, 3

        def inputs(self, seed: int, step: int, batch_size: int) -> Any:
            return np.random.default_rng([seed, step]).normal(size=(batch_size, 40))

        def reward(self, seed: int, step: int, sample: Any) -> Any:
            return np.tanh(sample.output).sum(axis=1)

    nets = [uwm.Network([40, 400, 200, 3], output=output, seed=2) for _ in range(3)]
    for net, threads in zip(nets, (1, 2, 5), strict=True):
        opt = uwm.Adam()
        uwm.train(net, uwm.rule(name), opt, Task(), steps=3, batch_size=161, threads=threads)
    assert_same(nets[0], nets[1])
    assert_same(nets[0], nets[2])


def test_samples_may_be_kept_from_callbacks() -> None:
    kept: list[uwm.Sample] = []

    class Keeps(uwm.tasks.Multiplexer):
        def reward(self, seed: int, step: int, sample: uwm.Sample) -> Any:
            kept.append(sample)
            return super().reward(seed, step, sample)

    net = uwm.Network([6, 300, 100, 1])
    rule, opt = uwm.StraightThrough(), uwm.Adam()
    uwm.train(net, rule, opt, Keeps(2), steps=2, batch_size=64, threads=2)
    rewards = rule.unit_rewards(net, kept[0], np.ones(64))
    assert rewards[0].shape == (64, 300)


def test_an_optimizer_that_a_callback_spoils_is_noticed() -> None:
    opt, small = uwm.Adam(), uwm.Network([2, 1])

    class Meddles(uwm.Rule):
        def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
            opt.reset()
            gradient = uwm.Reinforce().gradient(small, small.forward(np.ones((1, 2))), [1.0])
            opt.step(small, gradient)
            return uwm.Reinforce().unit_rewards(net, sample, reward)

    with pytest.raises(ValueError, match="another shape"):
        net = uwm.Network([3, 30, 1])
        uwm.train(net, Meddles(), opt, uwm.tasks.Multiplexer(1), steps=3)


def test_ctrl_c_at_the_very_end() -> None:
    def stop(step: int, steps: int, reward: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(uwm.Interrupted) as caught:
        run(uwm.Network([6, 7, 1]), uwm.Adam(), 10, progress=stop)
    assert caught.value.result.steps == 10


def test_progress_is_called_for_slow_callbacks() -> None:
    class Slow(uwm.tasks.Multiplexer):
        def reward(self, seed: int, step: int, sample: uwm.Sample) -> Any:
            time.sleep(0.002)
            return super().reward(seed, step, sample)

    calls: list[int] = []
    net = uwm.Network([3, 1])
    uwm.train(
        net,
        uwm.Reinforce(),
        uwm.Adam(),
        Slow(1),
        steps=300,
        progress=lambda step, steps, reward: calls.append(step),
    )
    assert len(calls) >= 3


def test_a_baseline_that_fails_leaves_the_last_whole_step() -> None:
    class Fails(uwm.Baseline):
        def predict(self, x: Any) -> Any:
            return np.zeros(len(x))

        def update(self, x: Any, reward: Any) -> None:
            raise RuntimeError("no")

    net, opt = uwm.Network([3, 4, 1]), uwm.Adam()
    with pytest.raises(RuntimeError, match="no"):
        uwm.train(net, uwm.Reinforce(), opt, uwm.tasks.Multiplexer(1), steps=5, baseline=Fails())
    assert opt.steps == net.step == 0


def test_adam_at_the_edge_of_single_precision() -> None:
    ones = [uwm.LayerGradient(np.ones((1, 2)), np.zeros(1))]
    for options in ({"beta2": 1 - 1e-7}, {"epsilon": 1e-50}):
        weights = []
        for dtype in ("float32", "float64"):
            net = uwm.Network([2, 1], dtype=dtype)
            uwm.Adam(1e-3, **options).step(net, ones)
            weights.append(np.concatenate([net.layers[0].weight.ravel(), net.layers[0].bias]))
        np.testing.assert_allclose(weights[0], weights[1], rtol=1e-5, atol=1e-7)


def test_softmax_flips_that_revive_a_class() -> None:
    for dtype in ("float32", "float64"):
        for scale in (5, 16, 18, 52, 150, 170, 395):
            net = uwm.Network([1, 1, 2], output="softmax", dtype=dtype, initial_gain=1)
            net.layers[1].weight = [[scale], [-scale]]
            sample = net.clamp([[1.0]], [[[1]], [[1, 0]]])
            q = float(
                net.astype("float64").clamp([[1.0]], [[[1]], [[1, 0]]]).probabilities[0][0, 0]
            )
            ratio = 0.5 * (1 + np.exp(-2.0 * scale))  # Pr(class 0 | silent) / Pr(class 0 | fired)
            expected = q * (1 - ratio) / (q + (1 - q) * ratio)
            for name in ("unbiased_weight_max_posterior", "posterior_reinforce"):
                (t, _) = uwm.rule(name).unit_rewards(net, sample, [1.0])
                assert t[0, 0] == pytest.approx(expected, rel=1e-5), (dtype, scale, name)


def test_partial_vectors_are_as_exact_as_whole_ones() -> None:
    rewards = []
    for width in (1, 16):
        net = uwm.Network([1, width, 1], initial_gain=1)
        net.layers[0].weight[...] = -12
        net.layers[1].weight[...] = 0.5
        hidden = np.zeros((1, width))
        hidden[0, 0] = 1
        sample = net.clamp([[1.0]], [hidden, [[1]]])
        rewards.append(uwm.UnbiasedWeightMax("posterior").unit_rewards(net, sample, [1.0])[0][0, 0])
    assert rewards[0] == pytest.approx(rewards[1], rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_baseline_has_not_seen_the_reward_of_a_step_that_is_refused(dtype: str) -> None:
    net, mean = uwm.Network([3, 4, 1], dtype=dtype), uwm.RunningMean(0.5, value=100.0)
    optimizer = uwm.SGD(float(np.finfo(dtype).max))
    task = uwm.tasks.Multiplexer(1)
    with pytest.raises(uwm.DivergenceError):
        uwm.train(net, uwm.Reinforce(), optimizer, task, steps=1, baseline=mean)
    assert (mean.value, net.step, optimizer.steps) == (100.0, 0, 0)


def test_a_step_of_ones_own_that_raises_leaves_the_baseline() -> None:
    class Refuses(uwm.Optimizer):
        def step(self, net: Any, gradient: Any) -> None:
            raise LookupError("not today")

    net, mean = uwm.Network([3, 4, 1]), uwm.RunningMean(0.5, value=100.0)
    with pytest.raises(LookupError):
        task = uwm.tasks.Multiplexer(1)
        uwm.train(net, uwm.Reinforce(), Refuses(), task, steps=1, baseline=mean)
    assert (mean.value, net.step) == (100.0, 0)


class Seen(uwm.Baseline):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.rewards: list[float] = []

    def predict(self, x: Any) -> Any:
        return np.full(len(x), 100.0)

    def update(self, x: Any, reward: Any) -> None:
        self.rewards.extend(reward)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_baseline_of_ones_own_has_not_seen_the_reward_of_a_step_that_is_refused(
    dtype: str,
) -> None:
    net, seen, task = uwm.Network([3, 4, 1], dtype=dtype), Seen(), uwm.tasks.Multiplexer(1)
    optimizer = uwm.SGD(float(np.finfo(dtype).max))
    with pytest.raises(uwm.DivergenceError):
        uwm.train(net, uwm.Reinforce(), optimizer, task, steps=1, baseline=seen)
    assert (seen.rewards, net.step, optimizer.steps) == ([], 0, 0)


def test_a_step_of_ones_own_that_leaves_the_finite_numbers_is_taken_back() -> None:
    class Spoils(uwm.Optimizer):
        def step(self, net: Any, gradient: Any) -> None:
            net.layers[0].weight[...] = 0.25
            net.layers[1].bias[...] = np.nan

    net, seen, task = uwm.Network([3, 4, 1]), Seen(), uwm.tasks.Multiplexer(1)
    before = net.copy()
    with pytest.raises(uwm.DivergenceError, match="layer 1 must be finite, but holds NaN"):
        uwm.train(net, uwm.Reinforce(), Spoils(), task, steps=3, baseline=seen)
    assert (seen.rewards, net.step) == ([], 0)
    for layer, old in zip(net.layers, before.layers, strict=True):
        assert np.array_equal(layer.weight, old.weight) and np.array_equal(layer.bias, old.bias)


def test_a_baseline_that_fails_takes_back_a_step_of_ones_own() -> None:
    class Fails(uwm.Baseline):
        def predict(self, x: Any) -> Any:
            return np.zeros(len(x))

        def update(self, x: Any, reward: Any) -> None:
            raise LookupError("not today")

    class Shifts(uwm.Optimizer):
        def step(self, net: Any, gradient: Any) -> None:
            net.layers[0].weight += 1

    net, task = uwm.Network([3, 4, 1]), uwm.tasks.Multiplexer(1)
    before = net.copy()
    with pytest.raises(LookupError):
        uwm.train(net, uwm.Reinforce(), Shifts(), task, steps=3, baseline=Fails())
    assert net.step == 0 and np.array_equal(net.layers[0].weight, before.layers[0].weight)
