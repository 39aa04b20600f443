"""No misuse from Python crashes the interpreter: threads, objects half made, forks.

What could crash or hang runs in a Python of its own.
"""

import json
import subprocess
import sys
import textwrap
from typing import Any

import pytest

import uwm


def python(script: str, *arguments: str, timeout: float = 60) -> str:
    """What a script prints; it must end by itself and in order."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# Threads

IN_USE = """
import json, pickle, tempfile, threading
import numpy as np
import uwm
import uwm.analysis

x = np.ones((2, 6))
rule, task = uwm.WeightMax(), uwm.tasks.Multiplexer(2)
net, opt, baseline = uwm.Network([6, 8, 1]), uwm.Adam(), uwm.RunningMean()
other, layer, sample = uwm.Network([6, 8, 1]), net.layers[0], net.forward(x)
gradient = rule.gradient(net, sample, np.ones(2))
begun, enough = threading.Event(), threading.Event()

def progress(*_):
    begun.set()
    if enough.is_set():
        raise InterruptedError

def work():
    try:
        uwm.train(net, rule, opt, task, steps=10**9, baseline=baseline, progress=progress)
    except InterruptedError:
        pass

def one(net=None, opt=None, baseline=None):
    uwm.train(net or other, rule, opt or uwm.SGD(0.1), task, steps=1, baseline=baseline)

def put(target, name, value):
    return lambda: setattr(target, name, value)

def save(*what):
    with tempfile.TemporaryDirectory() as folder:
        uwm.save(folder + "/file", *what)

ones = np.ones(2)
uses = {
    "optimizer": [
        opt.reset,
        lambda: opt.steps,
        lambda: opt.step(other, gradient),
        lambda: one(opt=opt),
        lambda: save(other, opt),
        lambda: repr(opt),
    ],
    "network": [
        lambda: net.forward(x),
        lambda: net.clamp(x, sample.activations),
        lambda: one(net=net),
        lambda: net.step,
        put(net, "step", 3),
        net.copy,
        net.reset,
        lambda: net.astype("float64"),
        lambda: pickle.dumps(net),
        lambda: layer.weight,
        lambda: layer.bias,
        lambda: net.layers[1].weight,
        put(layer, "weight", np.zeros((8, 6))),
        put(layer, "bias", np.zeros(8)),
        lambda: save(net),
        lambda: rule.unit_rewards(net, sample, ones),
        lambda: rule.gradient(net, sample, ones),
        lambda: uwm.SGD(0.1).step(net, gradient),
        lambda: uwm.analysis.exact_gradient(net, x[:1], lambda output: output[:, 0]),
    ],
    "baseline": [
        lambda: one(baseline=baseline),
        lambda: baseline.predict(x),
        lambda: baseline.update(x, ones),
        lambda: baseline.value,
    ],
}
before = [pickle.dumps(other)]
thread = threading.Thread(target=work)
thread.start()
begun.wait()
answers = {}
for noun, calls in uses.items():
    for i, call in enumerate(calls):
        try:
            answer = f"answers {call()!r}"
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        answers[f"{noun} {i}"] = [noun, answer]
constants = [repr(net), net.sizes, net.seed, net.dtype, opt.learning_rate, layer.temperature]
enough.set()
thread.join()
assert constants[0] == repr(net)
assert pickle.dumps(other) == before[0]
for calls in uses.values():  # and all is free again
    for call in calls[:2]:
        call()
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def in_use() -> Any:
    return json.loads(python(IN_USE))


def test_a_network_optimizer_or_baseline_that_trains_refuses_every_call_of_another_thread(
    in_use: Any,
) -> None:
    assert len(in_use) == 29
    for call, (noun, answer) in in_use.items():
        assert answer == f"RuntimeError: the {noun} is in use by another thread", call


def test_four_trainings_of_one_network_with_one_adam_and_a_reset_do_not_crash() -> None:
    out = python("""
        import threading, time, uwm
        net, opt, task = uwm.Network([6, 32, 1]), uwm.Adam(), uwm.tasks.Multiplexer(2)
        done, refused = [], []
        until = time.monotonic() + 1
        def work(call):
            while time.monotonic() < until:
                try:
                    call()
                    done.append(1)
                except RuntimeError as error:
                    refused.append(str(error))
        train = lambda: uwm.train(net, uwm.WeightMax(), opt, task, steps=300)
        calls = [train] * 4 + [opt.reset]
        threads = [threading.Thread(target=work, args=(call,)) for call in calls]
        for t in threads: t.start()
        for t in threads: t.join()
        nouns = {text.split(" is ")[0] for text in refused}
        print(len(done) > 0, sorted(nouns - {"the network", "the optimizer"}))
    """)
    assert out == "True []\n"


def test_four_networks_that_share_one_adam_lose_no_update_in_silence() -> None:
    out = python("""
        import threading, uwm
        opt, task = uwm.Adam(), uwm.tasks.Multiplexer(2)
        made = []
        def work(seed):
            net = uwm.Network([6, 32, 1], seed=seed)
            for _ in range(20):
                try:
                    made.append(uwm.train(net, uwm.WeightMax(), opt, task, steps=100).steps)
                except RuntimeError as error:
                    assert str(error) == "the optimizer is in use by another thread"
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for t in threads: t.start()
        for t in threads: t.join()
        print(opt.steps == sum(made) > 0)
    """)
    assert out == "True\n"


def test_several_threads_may_read_one_network() -> None:
    out = python("""
        import threading, numpy as np, uwm
        net = uwm.Network([50, 200, 1])
        sample = net.forward(np.ones((500, 50)))
        rule, reward = uwm.UnbiasedWeightMax(), np.ones(500)
        want = rule.unit_rewards(net, sample, reward)[0]
        same = []
        def work():
            for _ in range(5):
                same.append(np.array_equal(rule.unit_rewards(net, sample, reward)[0], want))
                net.copy()
                net.clamp(sample.inputs, sample.activations)
        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads: t.start()
        for t in threads: t.join()
        print(len(same), all(same))
    """)
    assert out == "20 True\n"


def test_python_code_that_training_calls_back_may_use_what_is_trained() -> None:
    net, optimizer, baseline = uwm.Network([3, 4, 1]), uwm.SGD(0.1), uwm.RunningMean()
    seen = []

    def progress(*_: object) -> None:
        net.copy()
        net.layers[0].bias = net.layers[0].bias * 0.5
        seen.append((net.step, optimizer.steps, baseline.value))

    task = uwm.tasks.Multiplexer(1)
    uwm.train(net, uwm.Reinforce(), optimizer, task, steps=3, baseline=baseline, progress=progress)
    assert seen[-1][:2] == (3, 3)


# Objects half made


def test_an_attribute_touched_before_init_is_a_type_error() -> None:
    out = python("""
        import uwm
        class MyRule(uwm.Rule):
            def __init__(self):
                print(self.name)
                super().__init__()
        try:
            MyRule()
        except TypeError as error:
            print(error)
    """)
    assert (
        out
        == "this MyRule has not been initialized: its __init__ must call super().__init__() first\n"
    )


def test_what_python_adds_may_be_set_before_init() -> None:
    class Scaled(uwm.Rule):
        def __init__(self) -> None:
            self.scale = 2.0
            super().__init__()

    assert (Scaled().scale, Scaled().name) == (2.0, "Scaled")
