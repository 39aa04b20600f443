"""Every public function shows its signature, and a wrong call gets one sentence."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import uwm
from uwm.analysis import exact_gradient

NET = uwm.Network([3, 4, 1])
GAUSSIAN = uwm.Network([1, 1], output="gaussian")
RULE, OPT, TASK = uwm.WeightMax(), uwm.Adam(), uwm.tasks.Multiplexer(1)
SAMPLE = NET.forward(np.ones((2, 3)))


def train(*args: Any, **options: Any) -> Any:
    return uwm.train(*(args or (NET, RULE, OPT, TASK)), **options)


CALLS: list[tuple[Callable[[], object], str]] = [
    (lambda: train(steps=4.5), "steps must be a whole number, got 4.5"),
    (lambda: train(steps=10000.5), "steps must be a whole number, got 10000.5"),
    (lambda: train(steps=True), "steps must be a whole number, got True"),
    (lambda: train(steps="5"), "steps must be a whole number, got a str"),
    (lambda: train(steps=None), "steps must be a whole number, got None"),
    (lambda: train(steps=np.array([3, 4])), "steps must be a whole number, got a ndarray"),
    (lambda: train(steps=float("inf")), "steps must be a whole number, got inf"),
    (lambda: train(steps=5, batch_size=2.5), "batch_size must be a whole number, got 2.5"),
    (lambda: train(steps=5, record_every=0.5), "record_every must be a whole number, got 0.5"),
    (lambda: train(steps=5, threads="all"), "threads must be a whole number, got a str"),
    (lambda: train(steps=5, baseline=True), "baseline must be None, a number or a uwm.Baseline"),
    (lambda: train(steps=5, progress=3), "progress must be callable, got 3"),
    (lambda: train(stepz=5), "train has no argument 'stepz'; did you mean 'steps'?"),
    (lambda: train(), "train needs steps too"),
    (lambda: train(NET, RULE), "train needs optimizer, task, steps too"),
    (lambda: train(NET, RULE, OPT, TASK, 5), "(net, rule, optimizer, task), got 5"),
    (lambda: train(RULE, NET, OPT, TASK, steps=5), "net must be a uwm.Network, got a WeightMax"),
    (lambda: train(NET, OPT, RULE, TASK, steps=5), "rule must be a uwm.Rule, got an Adam"),
    (lambda: train(NET, RULE, TASK, OPT, steps=5), "must be a uwm.Optimizer, got a Multiplexer"),
    (lambda: train(NET, RULE, OPT, OPT, steps=5), "task must be a uwm.Task, got an Adam"),
    (lambda: train(NET, uwm.WeightMax, OPT, TASK, steps=5), "got the class WeightMax"),
    (lambda: train(NET, RULE, uwm.Adam, TASK, steps=5), "a uwm.Optimizer, got the class Adam"),
    (lambda: uwm.save("a", uwm.Network), "net must be a uwm.Network, got the class Network"),  # type: ignore[arg-type]
    (lambda: uwm.save(uwm.Rule, NET), "path must be a str, bytes or path, got the class Rule"),  # type: ignore[arg-type]
    (lambda: uwm.rule(object()), "got an object"),  # type: ignore[arg-type]
    (lambda: uwm.save("a", NET, baseline=10**400), "baseline must be finite, got 1e+400"),
    (lambda: uwm.Network([3, 1], temperature=True), "temperature must be a number, got True"),
    (lambda: uwm.LayerGradient([1.0], [1.0]), "weight must have 2 dimensions, got shape (1,)"),
    (lambda: uwm.LayerGradient([[1.0]], [1.0, 2.0]), "bias must have shape (1,), as many as"),
    (
        lambda: exact_gradient(GAUSSIAN, [0.0], np.sum, quadrature=10**60),
        "quadrature must be at most 16,777,216, got 1e+60",
    ),
    (
        lambda: uwm.Network(3, 4, 1),
        "by position (sizes), got 3: sizes are one list, such as [3, 4, 1]",
    ),
    (lambda: uwm.Network({1, 3}), "sequence of whole numbers, such as [3, 4, 1], got a set"),
    (lambda: uwm.Network({3: 1, 4: 1}), "such as [3, 4, 1], got a dict"),
    (lambda: uwm.Network(3), "sequence of whole numbers, such as [3, 4, 1], got 3"),
    (lambda: uwm.Network([3, 4.5, 1]), "every number in sizes must be a whole number, got 4.5"),
    (lambda: uwm.Network([3, True]), "every number in sizes must be a whole number, got True"),
    (lambda: uwm.Network(), "Network needs sizes too"),
    (lambda: uwm.Network([3, 1], sed=4), "Network has no argument 'sed'; did you mean 'seed'?"),
    (lambda: uwm.Network([3, 1], seed=0.5), "seed must be a whole number, got 0.5"),
    (
        lambda: uwm.Network([3, 1], output=3),
        "output must be a name or an output, such as uwm.Gaussian(sigma=0.5), got 3",
    ),
    (lambda: uwm.Network([3, 1], output=uwm.Gaussian), "sigma=0.5), got the class Gaussian"),
    (lambda: uwm.Network([3, 1], sigma=2), "Network has no argument 'sigma'"),
    (lambda: uwm.Gaussian("a"), "sigma must be a number, got 'a'"),
    (lambda: uwm.Network([3, 1], dtype="float99"), "dtype must be 'float32' or 'float64'"),
    (lambda: NET.forward(), "Network.forward needs x too"),
    (lambda: NET.forward(1, 2), "Network.forward takes 1 argument by position (x), got 2"),
    (lambda: NET.forward(y=2), "Network.forward has no argument 'y': it takes x"),
    (lambda: uwm.Network.forward(RULE, 2), "self must be a uwm.Network, got a WeightMax"),
    (lambda: RULE.gradient(NET, np.ones(3), [1.0]), "sample must be a uwm.Sample, got a ndarray"),
    (lambda: RULE.unit_rewards(SAMPLE, NET, [1.0]), "net must be a uwm.Network, got a Sample"),
    (lambda: OPT.step(None, []), "net must be a uwm.Network, got None"),
    (lambda: OPT.step(NET, 3), "the gradient must hold one entry"),
    (lambda: uwm.Adam(beta1="a"), "beta1 must be a number, got a str"),
    (lambda: uwm.SGD(), "SGD needs learning_rate too"),
    (lambda: uwm.SGD(True), "a learning rate must be a number or a schedule, got True"),
    (lambda: uwm.SGD(0.1, 0.9), "SGD takes 1 argument by position (learning_rate), got 2"),
    (lambda: uwm.Linear(1, 0, 2.5), "steps must be a whole number, got 2.5"),
    (lambda: uwm.Linear(1, 0, 5)("a"), "t must be a whole number, got a str"),
    (lambda: uwm.WeightMax(norm=1j), "norm must be a number, got 1j"),
    (lambda: uwm.UnbiasedWeightMax(1), "form must be a str, got 1"),
    (lambda: uwm.Reinforce(True), "takes 0 arguments by position, got 1"),
    (lambda: uwm.RunningMean(rate=None), "rate must be a number, got None"),
    (lambda: uwm.tasks.Multiplexer(2.5), "address_bits must be a whole number, got 2.5"),
    (lambda: uwm.tasks.Bandit(np.eye(2), [0, 1], n_classes=2.5), "n_classes must be a whole"),
    (lambda: TASK.inputs(0, 0, 1.5), "batch_size must be a whole number, got 1.5"),
    (lambda: TASK.reward(0, 0, NET), "sample must be a uwm.Sample, got a Network"),
    (lambda: uwm.philox(0, 0, 0, 0, 1, 1.5), "units must be a whole number, got 1.5"),
    (lambda: uwm.Log(), "the library makes every Log itself"),
    (lambda: uwm.Sample(1), "the library makes every Sample itself"),
    (lambda: uwm.save(3, NET), "path must be a str, bytes or path, got an int"),
    (lambda: uwm.save("a", "b"), "net must be a uwm.Network, got a str"),
    (lambda: uwm.save("a", NET, "b"), "optimizer must be a uwm.Optimizer or None, got a str"),
    (lambda: uwm.load(7), "path must be a str, bytes or path, got an int"),
]


@pytest.mark.parametrize(("call", "message"), CALLS, ids=[message for _, message in CALLS])
def test_a_wrong_call_gets_one_sentence(call: Callable[[], object], message: str) -> None:
    step = NET.step
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    said = str(caught.value)
    assert message in said
    assert len(said) < 300 and "\n" not in said
    assert "0x" not in said and "std::" not in said and "uwm._core." not in said
    assert NET.step == step


@pytest.mark.parametrize(
    "steps", [3, 3.0, 3e0, np.int64(3), np.uint8(3), np.float32(3), np.array(3)]
)
def test_whole_numbers_pass_in_any_notation(steps: Any) -> None:
    assert train(steps=steps).steps == 3
    assert uwm.tasks.Multiplexer(steps).address_bits == 3
    assert uwm.Network([steps, 1]).sizes == (3, 1)
    assert uwm.Linear(1, 0, steps).steps == 3


@pytest.mark.parametrize("rate", [0.5, np.float32(0.5), np.array(0.5)])
def test_numbers_pass_in_any_class(rate: Any) -> None:
    assert uwm.SGD(rate).learning_rate == 0.5
    assert uwm.RunningMean(rate=rate).rate == 0.5
    assert uwm.Network([3, 1], output=uwm.Gaussian(rate)).output.sigma == 0.5


def public() -> list[Any]:
    found = []
    for module in (uwm, uwm.tasks):
        for name in module.__all__:
            thing = getattr(module, name)
            if not callable(thing) or (inspect.isclass(thing) and issubclass(thing, BaseException)):
                continue
            found.append(pytest.param(thing, id=name))
            if inspect.isclass(thing):
                members = [m for m in vars(thing) if m in ("__init__", "__call__") or m[0] != "_"]
                found += [
                    pytest.param(getattr(thing, m), id=f"{name}.{m}")
                    for m in members
                    if callable(getattr(thing, m))
                ]
    return found


@pytest.mark.parametrize("thing", public())
def test_everything_public_shows_its_signature(thing: Any) -> None:
    signature = inspect.signature(thing)
    assert "uwm._core" not in str(signature) and "0x" not in str(signature)


def test_signatures_have_names_and_defaults() -> None:
    parameters = inspect.signature(uwm.train).parameters
    assert list(parameters)[:5] == ["net", "rule", "optimizer", "task", "steps"]
    assert parameters["batch_size"].default == 1
    assert parameters["steps"].kind is inspect.Parameter.KEYWORD_ONLY
    assert str(inspect.signature(uwm.SGD)) == "(learning_rate, *, momentum=0.0)"
    assert str(inspect.signature(NET.forward)) == "(x)"
    assert uwm.train.__doc__.startswith("\nTrains a network")
    assert uwm.Network.__doc__.startswith("\nA layered network")


def test_a_subclass_shows_its_own_constructor() -> None:
    class Mine(uwm.Network):
        def __init__(self, hidden: int) -> None:
            super().__init__([3, hidden, 1])

    assert str(inspect.signature(Mine)).startswith("(hidden")


@pytest.mark.parametrize(
    "thing",
    [
        uwm.RunningMean(rate=0.1, value=0.5),
        uwm.WeightMax(norm=3.0),
        uwm.UnbiasedWeightMax("two_sided"),
        uwm.Reinforce(),
        uwm.SGD([0.1, 0.2], momentum=0.5),
        uwm.Adam(uwm.Exponential(0.1, 0.01, 5)),
        uwm.tasks.Multiplexer(3),
        uwm.Gaussian(),
        uwm.Softmax(),
        uwm.Network([3, 2], output=uwm.Gaussian(sigma=0.5), temperature=2.0, seed=5),
    ],
    ids=repr,
)
def test_representations_are_constructor_calls(thing: Any) -> None:
    assert repr(eval(repr(thing))) == repr(thing)


def test_an_optimizer_shows_its_updates() -> None:
    opt = uwm.SGD(0.1)
    train(NET, RULE, opt, TASK, steps=3)
    assert repr(opt) == "<uwm.SGD(0.1, momentum=0.0) after 3 updates>"


def test_a_batch_that_no_memory_holds_is_said_in_words() -> None:
    before = [NET.step, NET.layers[0].weight.tobytes()]
    with pytest.raises(MemoryError, match="not enough memory: the sizes, the batch or the arrays"):
        train(steps=1, batch_size=2**62)
    assert before == [NET.step, NET.layers[0].weight.tobytes()]
