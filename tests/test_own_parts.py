"""Rules, optimizers, tasks, baselines and networks of one's own: used, or refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import uwm
from uwm.analysis import expected_update, sampled_statistics

TASK = uwm.tasks.Multiplexer(1)


def network(**options: Any) -> uwm.Network:
    return uwm.Network([3, 4, 1], **options)


def train(
    rule: Any = None, opt: Any = None, task: Any = TASK, net: Any = None, **options: Any
) -> uwm.Log:
    options.setdefault("steps", 20)
    net = network() if net is None else net
    return uwm.train(net, rule or uwm.WeightMax(), opt or uwm.SGD(0.1), task, **options)


def parameters(net: uwm.Network) -> list[np.ndarray]:
    return [a for layer in net.layers for a in (layer.weight, layer.bias)]


class Ascent(uwm.Optimizer):
    """Gradient ascent in Python."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def step(self, net: Any, gradient: Any) -> None:
        for layer, g in zip(net.layers, gradient, strict=True):
            layer.weight += (self.rate * g.weight).astype(net.dtype)
            layer.bias += (self.rate * g.bias).astype(net.dtype)


class Counting(uwm.SGD):
    calls = 0

    def step(self, net: Any, gradient: Any) -> None:
        self.calls += 1
        super().step(net, gradient)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_optimizer_in_python_trains_like_the_engine(dtype: str) -> None:
    mine, engine = network(dtype=dtype), network(dtype=dtype)
    assert train(opt=Ascent(0.1), net=mine).steps == 20
    train(opt=uwm.SGD(0.1), net=engine)
    for a, b in zip(parameters(mine), parameters(engine), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_a_step_of_a_subclass_of_sgd_is_called() -> None:
    opt, net, plain = Counting(0.1), network(), network()
    train(opt=opt, net=net)
    train(opt=uwm.SGD(0.1), net=plain)
    assert opt.calls == opt.steps == 20
    for a, b in zip(parameters(net), parameters(plain), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_optimizer_without_a_step_is_refused() -> None:
    class Empty(uwm.Optimizer):
        pass

    with pytest.raises(TypeError, match=r"must define step\(self, net, gradient\)"):
        train(opt=Empty())
    with pytest.raises(TypeError, match=r"must define step\(self, net, gradient\)"):
        Empty().step(network(), [])
    assert Empty().name == "Empty" and not hasattr(Empty(), "steps")


def test_an_error_in_a_step_leaves_the_place_in_the_random_numbers() -> None:
    class Fails(uwm.Optimizer):
        def step(self, net: Any, gradient: Any) -> None:
            raise RuntimeError("no step")

    net = network()
    with pytest.raises(RuntimeError, match="no step"):
        train(opt=Fails(), net=net)
    assert net.step == 0


def test_files_hold_no_optimizer_in_python(tmp_path: Any) -> None:
    for opt in (Ascent(0.1), Counting(0.1)):
        with pytest.raises(TypeError, match="of your own"):
            uwm.save(tmp_path / "net.safetensors", network(), opt)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("answer", [False, np.False_])
def test_progress_that_returns_false_stops_training(answer: Any) -> None:
    net = network()
    log = train(net=net, steps=10**9, progress=lambda step, steps, reward: answer)
    assert log.stopped and 0 < log.steps < 10**9 and net.step == log.steps
    assert len(log.rewards) >= 1 and np.isfinite(log.mean_reward)


@pytest.mark.parametrize("answer", [None, 0, True, "", []])
def test_any_other_answer_of_progress_goes_on(answer: Any) -> None:
    log = train(progress=lambda step, steps, reward: answer)
    assert not log.stopped and log.steps == 20


def test_progress_stops_the_reference_too() -> None:
    from uwm import reference

    log = reference.train(
        reference.Network([3, 4, 1]),
        reference.Reinforce(),
        reference.SGD(0.1),
        reference.Multiplexer(1),
        steps=10**6,
        progress=lambda step, steps, reward: False,
    )
    assert 0 < log.steps < 10**6


class OwnGradient(uwm.Reinforce):
    def gradient(self, net: Any, sample: Any, reward: Any) -> Any:
        return []


class OwnNorm(uwm.WeightMax):
    norm = 3.0  # type: ignore[assignment]


class OwnForward(uwm.Network):
    def forward(self, x: Any) -> Any:
        return super().forward(x)


class OwnRate(uwm.RunningMean):
    value = 1.0  # type: ignore[assignment]


class OwnTable(uwm.tasks.Multiplexer):
    address_bits = 5  # type: ignore[assignment]


class OwnLearningRate(uwm.SGD):
    learning_rate = 5.0  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": OwnGradient()}, "OwnGradient replaces Reinforce.gradient"),
        ({"rule": OwnNorm()}, "OwnNorm replaces WeightMax.norm"),
        ({"net": OwnForward([3, 4, 1])}, "OwnForward replaces Network.forward"),
        ({"baseline": OwnRate()}, "OwnRate replaces RunningMean.value"),
        ({"task": OwnTable(1)}, "OwnTable replaces Multiplexer.address_bits"),
        ({"opt": OwnLearningRate(0.1)}, "OwnLearningRate replaces SGD.learning_rate"),
    ],
)
def test_what_training_passes_over_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        train(**options)


def test_a_gradient_of_its_own_is_refused_by_analysis() -> None:
    net = network(dtype="float64")
    with pytest.raises(TypeError, match=r"OwnGradient replaces Reinforce\.gradient"):
        expected_update(net, OwnGradient(), np.ones(3), lambda output: output[:, 0])


def test_a_method_put_on_an_object_counts() -> None:
    class Plain(uwm.tasks.Multiplexer):
        pass

    task = Plain(1)
    task.reward = lambda seed, step, sample: np.full(sample.batch_size, 0.25)  # type: ignore
    assert train(task=task).mean_reward == 0.25


class Wrong(uwm.Rule):
    """A rule whose unit rewards are a function of the right ones."""

    def __init__(self, change: Any) -> None:
        super().__init__()
        self.change = change

    def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
        return self.change([np.repeat(reward[:, None], h.shape[1], 1) for h in sample.activations])


WRONG = [
    (lambda T: [t * 2 for t in T], ValueError, "output layer must be the reward"),
    (lambda T: [T[0], T[1] * 0], ValueError, "output layer must be the reward"),
    (lambda T: T[:1], ValueError, "one array per layer"),
    (lambda T: [t[:, :0] for t in T], ValueError, "shape"),
    (lambda T: [t * np.nan for t in T], ValueError, "finite"),
]


@pytest.mark.parametrize(("change", "error", "message"), WRONG)
def test_rules_that_break_the_contract_are_refused_everywhere(
    change: Any, error: type[Exception], message: str
) -> None:
    net, rule = network(dtype="float64"), Wrong(change)
    sample = net.forward(np.ones((2, 3)))
    before = [p.copy() for p in parameters(net)]
    with pytest.raises(error, match=message):
        train(rule=rule, net=net)
    with pytest.raises(error, match=message):
        rule.gradient(net, sample, np.ones(2))
    with pytest.raises(error, match=message):
        expected_update(net, rule, np.ones(3), lambda output: 1 + output[:, 0])
    with pytest.raises(error, match=message):
        sampled_statistics(net, [rule], TASK, samples=200)
    for a, b in zip(before, parameters(net), strict=True):
        np.testing.assert_array_equal(a, b)


def test_complex_and_masked_unit_rewards_are_refused() -> None:
    with pytest.raises(TypeError, match="real numbers"):
        train(rule=Wrong(lambda T: [t + 0j for t in T]))
    with pytest.raises(ValueError, match="masked"):
        train(rule=Wrong(lambda T: [np.ma.masked_array(t, t == t) for t in T]))


def test_whole_numbers_and_float32_are_unit_rewards() -> None:
    assert train(rule=Wrong(lambda T: [t.astype(int) for t in T])).steps == 20
    rule = Wrong(lambda T: [t.astype(np.float32) for t in T])
    assert train(rule=rule, net=network(dtype="float64"), baseline=0.1).steps == 20


class Pays(uwm.tasks.Multiplexer):
    def __init__(self, value: Any) -> None:
        super().__init__(1)
        self.value = value

    def reward(self, seed: int, step: int, sample: Any) -> Any:
        return self.value


@pytest.mark.parametrize(
    ("reward", "error", "message"),
    [
        (np.ones(2), ValueError, "shape"),
        (np.ones((1, 1)), ValueError, "dimension"),
        (np.ones(1, complex), TypeError, "real numbers"),
        (["a"], TypeError, "real numbers"),
        (np.ma.masked_array([1.0], [True]), ValueError, "masked"),
        (None, TypeError, "real numbers"),
    ],
)
def test_rewards_of_the_wrong_kind_are_refused(
    reward: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        train(task=Pays(reward))


class Predicts(uwm.Baseline):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value

    def predict(self, x: Any) -> Any:
        return self.value

    def update(self, x: Any, reward: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (np.ones(2), ValueError),
        (np.ones((1, 1)), ValueError),
        (1.0, ValueError),
        (np.ones(1, complex), TypeError),
        (np.full(1, np.nan), ValueError),
    ],
)
def test_predictions_of_the_wrong_kind_are_refused(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="baseline"):
        train(baseline=Predicts(value))


def test_own_parts_say_where_they_live() -> None:
    for thing in (Ascent(0.1), Wrong(None), Predicts(0), Counting(0.1), Pays(1)):
        assert f"{__name__}.{type(thing).__name__}" in repr(thing)
