"""Everything pickles and copies, subclasses with class and attributes; damage is refused."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from typing import Any

import numpy as np
import pytest

import uwm

TASK = uwm.tasks.Multiplexer(2)


def parameters(net: uwm.Network) -> list[np.ndarray]:
    return [a for layer in net.layers for a in (layer.weight, layer.bias)]


def train(net: uwm.Network, opt: uwm.Optimizer, steps: int = 20, **options: Any) -> uwm.Log:
    rule = uwm.UnbiasedWeightMax()
    return uwm.train(net, rule, opt, TASK, steps=steps, batch_size=4, **options)


class OwnRule(uwm.Rule):
    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
        return uwm.Reinforce().unit_rewards(net, sample, reward)


class OwnNetwork(uwm.Network):
    def __init__(self, hidden: int) -> None:
        super().__init__([6, hidden, 1], seed=3)
        self.notes = ["mine"]


class OwnSGD(uwm.SGD):
    pass


class OwnOptimizer(uwm.Optimizer):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def step(self, net: Any, gradient: Any) -> None:
        self.calls += 1


class Slotted(uwm.WeightMax):
    __slots__ = ("depth",)


class Chooses(uwm.Rule):
    """A subclass that says itself what its pickle holds."""

    def __getstate__(self) -> Any:
        return {"kept": 1}

    def __setstate__(self, state: Any) -> None:
        self.kept = state["kept"] + 1


def slotted() -> Slotted:
    rule = Slotted(3.0)
    rule.depth = 4
    return rule


def things() -> dict[str, Any]:
    net = uwm.Network([6, 7, 1], seed=1)
    adam, momentum = uwm.Adam([0.01, uwm.Linear(0.1, 0.0, 50)]), uwm.SGD(0.1, momentum=0.9)
    log = train(net, adam)
    train(net, momentum)
    sample = net.forward(TASK.inputs(0, 0, 3))
    return {
        **{name: uwm.rule(name) for name in uwm.RULES},
        "norm": uwm.WeightMax(norm=3.5),
        "sgd": uwm.SGD(0.1),
        "momentum": momentum,
        "adam": adam,
        "linear": uwm.Linear(1.0, 0.0, 7),
        "exponential": uwm.Exponential(1.0, 0.1, 7),
        "multiplexer": TASK,
        "bandit": uwm.tasks.Bandit(np.eye(3), [0, 1, 1], n_classes=4),
        "running mean": uwm.RunningMean(rate=0.25, value=0.5),
        "log": log,
        "sample": sample,
        "softmax sample": uwm.Network([6, 4, 3], output="softmax").forward(np.ones((2, 6))),
        "network": net,
        "layer": net.layers[0],
        "gradient": uwm.Reinforce().gradient(net, sample, np.ones(3))[0],
    }


THINGS = things()


def show(thing: Any) -> str:
    """All that a thing says of itself."""
    names = [n for n in dir(type(thing)) if not n.startswith("_") and n != "actions"]
    values = {n: getattr(thing, n) for n in names if not callable(getattr(thing, n))}
    return repr(thing) + repr(values)


@pytest.mark.parametrize("name", THINGS)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_every_class_pickles(name: str, protocol: int) -> None:
    thing = THINGS[name]
    again = pickle.loads(pickle.dumps(thing, protocol))
    assert type(again) is type(thing)
    if name != "layer" and name != "network":
        assert show(again) == show(thing)


@pytest.mark.parametrize("name", THINGS)
@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
def test_every_class_copies(name: str, how: Any) -> None:
    again = how(THINGS[name])
    assert type(again) is type(THINGS[name]) and again is not THINGS[name]


def test_a_pickle_is_free_of_eval_and_names_one_function() -> None:
    import pickletools

    words = [arg for _, arg, _ in pickletools.genops(pickle.dumps(THINGS["adam"]))]
    assert "rebuild" in words and "eval" not in words


@pytest.mark.parametrize("tool", ["cloudpickle", "joblib"])
def test_other_tools_pickle_too(tool: str, tmp_path: Any) -> None:
    module = pytest.importorskip(tool)
    for thing in THINGS.values():
        if tool == "joblib":
            module.dump(thing, tmp_path / "thing")
            again = module.load(tmp_path / "thing")
        else:
            again = pickle.loads(module.dumps(thing))
        assert type(again) is type(thing)


def test_cloudpickle_takes_a_rule_defined_in_a_function() -> None:
    cloudpickle = pytest.importorskip("cloudpickle")

    class Local(uwm.Rule):
        def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
            return uwm.Reinforce().unit_rewards(net, sample, reward)

    rule = Local()
    rule.mark = 5  # type: ignore[attr-defined]
    assert pickle.loads(cloudpickle.dumps(rule)).mark == 5


def test_another_process_gets_rules_optimizers_and_tasks() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        shown = pool.map(repr, [uwm.WeightMax(), THINGS["adam"], TASK, uwm.RunningMean()])
    assert shown == [repr(t) for t in (uwm.WeightMax(), THINGS["adam"], TASK, uwm.RunningMean())]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "make", [uwm.Adam, lambda: uwm.SGD(uwm.Linear(0.1, 0.01, 30), momentum=0.9)]
)
@pytest.mark.parametrize("how", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_training_goes_on_bit_for_bit_from_pickles(dtype: str, make: Any, how: Any) -> None:
    whole, half = (uwm.Network([6, 7, 5, 1], dtype=dtype, seed=3) for _ in range(2))
    opt, opt_half = make(), make()
    baseline, half_baseline = uwm.RunningMean(0.1), uwm.RunningMean(0.1)
    train(whole, opt, 40, baseline=baseline)
    train(half, opt_half, 15, baseline=half_baseline)
    half, opt_half, half_baseline = how((half, opt_half, half_baseline))
    train(half, opt_half, 25, baseline=half_baseline)
    assert opt_half.steps == 40 and half_baseline.value == baseline.value
    for a, b in zip(parameters(whole), parameters(half), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_subclasses_keep_class_and_attributes(how: Any) -> None:
    rule = how(OwnRule(2.0))
    assert type(rule) is OwnRule and rule.scale == 2.0
    net = how(OwnNetwork(4))
    assert type(net) is OwnNetwork and net.notes == ["mine"] and net.sizes == (6, 4, 1)
    sgd = OwnSGD(0.5)
    sgd.tag = "x"  # type: ignore[attr-defined]
    assert type(how(sgd)) is OwnSGD and how(sgd).tag == "x"
    assert how(OwnOptimizer()).calls == 0
    assert how(slotted()).depth == 4 and how(slotted()).norm == 3.0
    assert how(Chooses()).kept == 2
    task = how(uwm.tasks.Classification([[0.0], [1.0]], ["no", "yes"]))
    assert type(task) is uwm.tasks.Classification and task.class_names == ("no", "yes")


def test_copy_and_astype_of_a_subclass_of_network_keep_class_and_attributes() -> None:
    net = OwnNetwork(4)
    for other in (net.copy(), net.astype("float64")):
        assert type(other) is OwnNetwork and other.notes == ["mine"]
    assert net.astype("float64").dtype == np.float64


def test_copies_of_networks_are_independent() -> None:
    net = uwm.Network([3, 1])
    for other in (net.copy(), copy.copy(net), copy.deepcopy(net)):
        other.layers[0].weight[:] = 7
    assert not (net.layers[0].weight == 7).any()


def test_errors_pickle_with_their_log() -> None:
    stop = uwm.Interrupted("stopped")
    stop.result = THINGS["log"]
    assert repr(pickle.loads(pickle.dumps(stop)).result) == repr(THINGS["log"])
    error = pickle.loads(pickle.dumps(uwm.DivergenceError("far")))
    assert type(error) is uwm.DivergenceError and str(error) == "far"


def damaged(state: tuple[Any, ...]) -> list[Any]:
    """States that no object has."""
    found: list[Any] = [(), (*state, 1), state[:-1], None, 7, [1, 2]]
    for k in range(len(state)):
        for wrong in (None, "x", -1, float("nan"), [[1, 2], [3]], (1,), {}, object()):
            found.append((*state[:k], wrong, *state[k + 1 :]))
    return found


@pytest.mark.parametrize("name", THINGS)
def test_damaged_states_are_refused_or_harmless(name: str) -> None:
    thing = THINGS[name]
    rebuild, (cls, state), _ = thing.__reduce__()
    for wrong in damaged(state):
        if state == () and wrong in ((), [1, 2]):
            continue
        try:
            made = rebuild(cls, wrong)
        except ValueError as error:
            assert "damaged" in str(error)
        else:
            repr(made)
    with pytest.raises(ValueError, match="class"):
        rebuild(int, state)
    with pytest.raises(ValueError, match="class"):
        cls._rebuild(uwm.Baseline if not isinstance(thing, uwm.Baseline) else uwm.Rule, state)


def test_sizes_that_no_memory_holds_are_refused_before_they_are_made() -> None:
    rebuild, (cls, state), _ = THINGS["network"].__reduce__()
    with pytest.raises(ValueError, match="weight must have shape"):
        rebuild(cls, ([1 << 20, 1 << 20, 1], *state[1:]))


def test_negative_second_moments_are_refused() -> None:
    opt = uwm.Adam()
    train(uwm.Network([6, 7, 1]), opt, 3)
    rebuild, (cls, state), _ = opt.__reduce__()
    state[4][1][0][0][:] = -1.0
    with pytest.raises(ValueError, match="not be negative"):
        rebuild(cls, state)
