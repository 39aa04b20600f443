"""No misuse from Python crashes the interpreter: threads, objects half made, forks, interpreters.

What could crash or hang runs in a Python of its own.
"""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
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


WALK = """
import copy, os, pickle, tempfile
import numpy as np
import uwm, uwm.analysis
from uwm import _core

bound = [c for c in vars(_core).values() if type(c).__name__ == "pybind11_type"]
net, rule, opt = uwm.Network([3, 4, 1]), uwm.WeightMax(), uwm.SGD(0.1)
task = uwm.tasks.Multiplexer(1)
x, ones = np.ones((2, 3)), np.ones(2)
sample = net.forward(x)
gradient = rule.gradient(net, sample, ones)
path = os.path.join(tempfile.mkdtemp(), "file")
arguments = {
    "forward": (x,), "clamp": (x, sample.activations), "astype": ("float64",),
    "step": (net, gradient), "unit_rewards": (net, sample, ones), "gradient": (net, sample, ones),
    "input_gradient": (net, sample, ones), "both_gradients": (net, sample, ones),
    "predict": (x,), "predict_proba": (x,), "mean_field": (x,),
    "update": (x, ones), "inputs": (0, 0, 2), "reward": (0, 0, sample),
    "act": (x,), "learn": (ones,), "observe": (ones, x, ones, ones), "set_environments": (2,),
    "save": (path, {}), "restore": (path,),
    "__call__": (1,), "__deepcopy__": ({},), "__reduce_ex__": (2,),
}
python_own = {"__init__", "__new__", "__setstate__", "__module__", "__doc__", "__annotations__"}
python_own |= {"_pybind11_conduit_v1_", "__dict__", "__weakref__", "__qualname__", "__slotnames__"}

def of_two(cls):
    other = uwm.Task if issubclass(cls, uwm.Rule) else uwm.Rule
    class Both(other, cls):
        pass
    thing = Both.__new__(Both)
    other.__init__(thing)
    return thing

def subclass(cls):
    class Mine(cls):
        def __init__(self):
            pass
    return Mine.__new__(Mine)

def attributes(cls):
    found = {}
    for c in reversed(cls.__mro__):
        if type(c).__name__ == "pybind11_type":
            found.update(vars(c))
    return {name: value for name, value in sorted(found.items())
            if name not in python_own and not isinstance(value, staticmethod)}

def uses(cls, thing):
    for name, value in attributes(cls).items():
        if isinstance(value, property):
            yield name, lambda value=value: value.fget(thing)
            if value.fset:
                yield f"{name} =", lambda value=value: value.fset(thing, 0)
        else:
            yield name, lambda name=name: getattr(cls, name)(thing, *arguments.get(name, ()))
    yield from passed(cls, thing)

def passed(cls, thing):
    yield "train net", lambda: uwm.train(thing, rule, opt, task, steps=1)
    yield "train rule", lambda: uwm.train(net, thing, opt, task, steps=1)
    yield "train optimizer", lambda: uwm.train(net, rule, thing, task, steps=1)
    yield "train task", lambda: uwm.train(net, rule, opt, thing, steps=1)
    yield "train baseline", lambda: uwm.train(net, rule, opt, task, steps=1, baseline=thing)
    yield "gradient net", lambda: rule.gradient(thing, sample, ones)
    yield "gradient sample", lambda: rule.gradient(net, thing, ones)
    yield "unit_rewards net", lambda: rule.unit_rewards(thing, sample, ones)
    yield "unit_rewards sample", lambda: rule.unit_rewards(net, thing, ones)
    yield "step net", lambda: opt.step(thing, gradient)
    yield "step gradient", lambda: opt.step(net, [thing, thing])
    yield "reward sample", lambda: task.reward(0, 0, thing)
    yield "learning rate", lambda: uwm.SGD(thing)
    yield "learning rates", lambda: uwm.Adam([thing, 0.1])
    yield "save net", lambda: uwm.save(path, thing)
    yield "save optimizer", lambda: uwm.save(path, net, thing)
    if issubclass(cls, uwm.Network):
        yield "exact_gradient", lambda: uwm.analysis.exact_gradient(
            thing, x[:1], lambda output: output[:, 0])
    if issubclass(cls, uwm.Rule):
        yield "expected_update", lambda: uwm.analysis.expected_update(
            net, thing, x[:1], lambda output: output[:, 0])
    for call in (repr, str, copy.copy, copy.deepcopy, pickle.dumps):
        if call in (repr, str) and cls.__repr__ is object.__repr__:
            continue
        yield call.__name__, lambda call=call: call(thing)

def check(what, use, own):
    print(what, end=" ", flush=True)
    try:
        use()
    except TypeError as error:
        told = not own or "has not been initialized" in str(error)
        print(":" if told else "IS NOT REACHED:", str(error).splitlines()[0])
    except Exception as error:
        print("RAISES", type(error).__name__, error)
    else:
        print("IS TAKEN")

for cls in bound:
    for make in (lambda cls: cls.__new__(cls), subclass, of_two):
        thing = make(cls)
        # One of its two bases may be initialized: then what belongs to the other is refused.
        own = attributes(cls)
        for name, use in uses(cls, thing):
            if make is not of_two or name in own:
                check(f"{cls.__name__} {make.__name__} {name}", use, name in own)
print("classes", len(bound))
"""


def test_no_bound_object_whose_init_has_not_run_can_be_used_for_anything() -> None:
    lines = python(WALK).splitlines()
    assert int(lines.pop().removeprefix("classes ")) >= 18
    assert len(lines) > 800
    assert not [line for line in lines if " : " not in line]


def test_an_object_of_another_class_under_a_changed_class_is_a_type_error() -> None:
    out = python("""
        import uwm
        for thing, cls in ((uwm.Network([2, 1]), uwm.Rule), (uwm.Reinforce(), uwm.WeightMax),
                           (uwm.SGD(0.1), uwm.RunningMean), (uwm.Reinforce(), uwm.Sample)):
            thing.__class__ = cls
            for name in ("name", "norm", "value", "inputs"):
                try:
                    getattr(thing, name)
                except (TypeError, AttributeError) as error:
                    print(type(error).__name__)
    """)
    missing = "AttributeError"
    network_as_rule = ["TypeError", missing, missing, missing]
    reinforce_as_weight_max = ["TypeError", missing, missing]  # both have a name
    sgd_as_running_mean = [missing, missing, "TypeError", missing]
    reinforce_as_sample = [missing, missing, missing, "TypeError"]
    assert out.split() == (
        network_as_rule + reinforce_as_weight_max + sgd_as_running_mean + reinforce_as_sample
    )


# Forks

TRAIN = """
import os, sys, threading
import numpy as np
import uwm

task = uwm.tasks.Multiplexer(2)

def big(seed=0):
    return uwm.Network([6, 256, 256, 1], seed=seed)

def train(net, rule=None, steps=5, progress=None):
    uwm.train(net, rule or uwm.WeightMax(), uwm.Adam(), task, steps=steps, batch_size=256,
              threads=2, progress=progress)
    return float(np.abs(net.layers[0].weight).sum())

def in_child(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
"""

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@forks
def test_a_fork_in_a_callback_leaves_a_child_that_trains_on_like_its_parent() -> None:
    out = python(
        TRAIN
        + """
children = []
class Forks(uwm.Rule):
    def unit_rewards(self, net, sample, reward):
        if not children:
            children.append(os.fork())
        return [np.outer(reward, np.ones(h.shape[1])) for h in sample.activations]
weights = train(big(), Forks())
print(weights, flush=True)
if children[0] == 0:
    os._exit(0)
assert os.waitpid(children[0], 0)[1] == 0
"""
    )
    parent, child = out.split()
    assert parent == child


@forks
def test_a_child_forked_after_training_or_beside_it_trains() -> None:
    python(
        TRAIN
        + """
want = train(big())
def same():
    assert train(big()) == want
in_child(same)

net, begun, enough = big(), threading.Event(), threading.Event()
def progress(*_):
    begun.set()
    if enough.is_set():
        raise InterruptedError
def work():
    try:
        train(net, steps=10**9, progress=progress)
    except InterruptedError:
        pass
def beside():
    same()
    try:
        net.copy()  # half way through a step of a thread that this process has not
    except RuntimeError:
        return
    sys.exit("the network is taken as it is")
thread = threading.Thread(target=work)
thread.start()
begun.wait()
in_child(beside)
enough.set()
thread.join()
"""
    )


@forks
def test_multiprocessing_by_fork_works_after_training(tmp_path: Path) -> None:
    script = TRAIN + (
        "import multiprocessing\n"
        "def work(seed):\n"
        "    return train(big(seed))\n"
        "train(big())\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    assert pool.map(work, [1, 2]) == [work(1), work(2)]\n"
    )
    (tmp_path / "script.py").write_text(script)
    done = subprocess.run([sys.executable, tmp_path / "script.py"], timeout=60, check=False)
    assert done.returncode == 0


# Interpreters


def test_a_subinterpreter_is_refused_by_name() -> None:
    out = python(r"""
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        code = "try:\n import uwm\nexcept ImportError as error:\n print(error, flush=True)"
        interpreters.run_string(interpreters.create(), code)
        import uwm
        interpreters.run_string(interpreters.create(), code)
    """)
    assert len(out.splitlines()) == 2
    assert out.count("interpreter") >= 2


def test_a_python_that_is_forbidden_to_have_a_gil_is_refused_by_name() -> None:
    out = python("""
        import sys, types, numpy
        flags = {name: getattr(sys.flags, name) for name in dir(sys.flags) if name[0] != "_"}
        sys.flags = types.SimpleNamespace(**{**flags, "gil": 0})
        try:
            import uwm
        except ImportError as error:
            print(error)
    """)
    assert out == "uwm needs the GIL: run Python without PYTHON_GIL=0 and -X gil=0\n"


@pytest.mark.parametrize("rule", ["uwm.WeightMax()", "Mine()"])
def test_python_ends_in_order_while_a_daemon_thread_trains(rule: str) -> None:
    python(f"""
        import threading, uwm
        class Mine(uwm.Rule):
            def unit_rewards(self, net, sample, reward):
                return [reward[:, None] * (h == h) for h in sample.activations]
        begun = threading.Semaphore(0)
        def train():
            uwm.train(uwm.Network([6, 8, 1]), {rule}, uwm.Adam(), uwm.tasks.Multiplexer(2),
                      steps=10**9, progress=lambda *_: begun.release())
        for _ in range(3):
            threading.Thread(target=train, daemon=True).start()
        for _ in range(3):
            begun.acquire()
    """)
