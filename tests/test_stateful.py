"""Any sequence of calls: right ones keep what they promise, wrong ones change nothing.

A short form runs with the other tests. UWM_FUZZ=1 makes it a long one, which differs every time.
"""

from __future__ import annotations

import copy
import math
import pickle
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, rule
from own_parts import Ascent, Broadcast, Clipped, Parity, Slow
from wrong_calls import MAY_BE_LEFT_OUT, MISFITS, wrong_calls

import uwm
from uwm import analysis

REFUSALS = (ValueError, TypeError, RuntimeError, OSError, MemoryError)
NOISE = ("std::", " at 0x", "pybind11", "Eigen", "Invoked with", "incompatible function", "\n")
SHAPES = ((3, 1), (3, 4, 1), (3, 4, 2), (3, 2, 3, 3), (6, 5, 1), (2, 3, 2))
NUMBER = st.floats(-2, 2, width=32)
SEED = st.integers(0, 2**64 - 1)

# What an object is, for comparison around a call


def arrays_of(*arrays: Any) -> list[Any]:
    return [(a.shape, a.dtype.str, a.tobytes()) for a in arrays]


def parameters(net: uwm.Network) -> list[Any]:
    return arrays_of(*(a for layer in net.layers for a in (layer.weight, layer.bias)))


def state(thing: Any) -> Any:
    """Everything that later calls can depend on."""
    if isinstance(thing, uwm.Network):
        return [repr(thing), thing.seed, thing.step, *parameters(thing)]
    if isinstance(thing, uwm.Sample):
        return arrays_of(thing.inputs, *thing.activations, *thing.logits, *thing.probabilities)
    if isinstance(thing, list):
        return [arrays_of(g.weight, g.bias) for g in thing]
    if isinstance(thing, Path):
        return thing.read_bytes()
    return pickle.dumps(thing)


def fits(net: uwm.Network, sample: uwm.Sample) -> bool:
    """Whether the sample could have been drawn by this network."""
    shapes = [a.shape[1] for a in (sample.inputs, *sample.activations)]
    return shapes == list(net.sizes) and sample.output.dtype == net.dtype


def same_training(one: Any, other: Any) -> bool:
    return [state(part) for part in one] == [state(part) for part in other]


def through_a_file(net: Any, optimizer: Any, baseline: Any) -> Any:
    """What `load` makes of the parts that a file can hold; copies of the others."""
    in_file = not isinstance(optimizer, (Ascent, Clipped)), not isinstance(baseline, Slow)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        uwm.save(path, net, optimizer if in_file[0] else None, baseline if in_file[1] else None)
        found = uwm.load(path)
    return (
        found.net,
        found.optimizer if in_file[0] else copy.deepcopy(optimizer),
        found.baseline if in_file[1] else copy.deepcopy(baseline),
    )


TWINS: dict[str, Callable[..., Any]] = {
    "pickle": lambda *parts: pickle.loads(pickle.dumps(parts)),
    "copy": lambda *parts: [copy.copy(part) for part in parts],
    "deepcopy": lambda *parts: copy.deepcopy(parts),
    "file": through_a_file,
}


class Machine(RuleBasedStateMachine):
    nets, samples, gradients = Bundle("nets"), Bundle("samples"), Bundle("gradients")
    rules, optimizers, baselines = Bundle("rules"), Bundle("optimizers"), Bundle("baselines")
    tasks, logs, files = Bundle("tasks"), Bundle("logs"), Bundle("files")
    calls = 0
    refusals = 0

    def __init__(self) -> None:
        super().__init__()
        self.everything: list[Any] = []
        self.folder = tempfile.TemporaryDirectory()

    def teardown(self) -> None:
        self.folder.cleanup()

    def keep(self, thing: Any) -> Any:
        """Watch an object from now on."""
        self.everything.append(thing)
        return thing

    def snapshot(self, but: tuple[Any, ...] = ()) -> list[Any]:
        return [state(t) for t in self.everything if not any(t is each for each in but)]

    def works(self, call: Callable[[], Any], *, changes: tuple[Any, ...] = ()) -> Any:
        """Call what is right; only what is named may change."""
        before = self.snapshot(changes)
        Machine.calls += 1
        answer = call()
        assert self.snapshot(changes) == before
        for net in self.everything:
            if isinstance(net, uwm.Network):
                assert all(np.isfinite(layer.weight).all() for layer in net.layers)
                assert all(np.isfinite(layer.bias).all() for layer in net.layers)
        return answer

    def refused(self, call: Callable[[], Any], call_text: str = "a call") -> None:
        """Call what is wrong: a short sentence, and nothing changes."""
        before = self.snapshot()
        Machine.refusals += 1
        try:
            answer = call()
        except REFUSALS as error:
            text = str(error)
            assert 8 < len(text) < 400 and not any(each in text for each in NOISE), (
                call_text,
                text,
            )
        else:
            raise AssertionError(f"was not refused: {call_text}, but answered {answer!r:.200}")
        assert self.snapshot() == before

    # What there is from the beginning, so that every rule can be tried

    @initialize(target=nets, seed=SEED)
    def first_net(self, seed: int) -> Any:
        return self.keep(uwm.Network([3, 4, 1], seed=seed))

    @initialize(target=optimizers)
    def first_optimizer(self) -> Any:
        return self.keep(uwm.Adam())

    @initialize(target=baselines)
    def first_baseline(self) -> Any:
        return self.keep(uwm.RunningMean())

    @initialize(target=tasks)
    def first_task(self) -> Any:
        return self.keep(uwm.tasks.Multiplexer(1))

    @initialize(target=rules, name=st.sampled_from(uwm.RULES))
    def first_rule(self, name: str) -> Any:
        return self.keep(uwm.rule(name))

    # Parts

    @rule(
        target=nets,
        sizes=st.sampled_from(SHAPES),
        seed=SEED,
        data=st.data(),
        units=st.sampled_from(["binary", "bipolar"]),
        dtype=st.sampled_from(["float32", "float64"]),
    )
    def network(self, sizes: Any, seed: int, data: Any, units: str, dtype: str) -> Any:
        layers = len(sizes) - 1
        temperature = st.floats(0.25, 4, width=32)
        options = data.draw(
            st.fixed_dictionaries(
                {
                    "output": st.sampled_from(
                        ["bernoulli", "gaussian", *(["softmax"] if sizes[-1] > 1 else [])]
                    ),
                    "temperature": temperature
                    | st.lists(temperature, min_size=layers, max_size=layers),
                }
            )
        )
        net = uwm.Network(sizes, units=units, dtype=dtype, seed=seed, **options)
        twin = uwm.Network(sizes, units=units, dtype=dtype, seed=seed, **options)
        assert state(net) == state(twin)
        assert (net.sizes, net.seed, net.step) == (sizes, seed, 0)
        return self.keep(net)

    @rule(target=rules, name=st.sampled_from([*uwm.RULES, "own", "norm"]))
    def make_rule(self, name: str) -> Any:
        own = {"own": Broadcast, "norm": lambda: uwm.WeightMax(norm=1.5)}
        return self.keep(own[name]() if name in own else uwm.rule(name))

    @rule(
        target=optimizers,
        kind=st.sampled_from(["sgd", "momentum", "adam", "ascent", "clipped"]),
        shape=st.sampled_from(["number", "linear", "exponential", "per layer"]),
    )
    def optimizer(self, kind: str, shape: str) -> Any:
        rate: Any = {
            "number": 0.01,
            "linear": uwm.Linear(0.05, 0, 30),
            "per layer": [0.02, 0.01],
            "exponential": uwm.Exponential(0.05, 1e-3, 30),
        }[shape]
        make: Any = {
            "sgd": uwm.SGD,
            "momentum": lambda r: uwm.SGD(r, momentum=0.9),
            "adam": uwm.Adam,
            "ascent": lambda _: Ascent(0.01),
            "clipped": Clipped,
        }[kind]
        return self.keep(make(rate))

    @rule(
        target=baselines,
        kind=st.sampled_from(["mean", "own", "number", "none"]),
        rate=st.floats(0.01, 1),
        value=NUMBER,
    )
    def baseline(self, kind: str, rate: float, value: float) -> Any:
        if kind == "mean":
            return self.keep(uwm.RunningMean(rate, value=value))
        return self.keep({"own": Slow(), "number": value, "none": None}[kind])

    @rule(
        target=tasks,
        kind=st.sampled_from(["small", "large", "bandit", "classes", "own"]),
        shape=st.sampled_from(SHAPES),
    )
    def task(self, kind: str, shape: tuple[int, ...]) -> Any:
        table = np.arange(12.0).reshape(4, 3) % 5 - 2
        make: dict[str, Callable[[], uwm.Task]] = {
            "small": lambda: uwm.tasks.Multiplexer(1),
            "large": lambda: uwm.tasks.Multiplexer(2),
            "bandit": lambda: uwm.tasks.Bandit(table, [0, 1, 2, 1]),
            "classes": lambda: uwm.tasks.Classification(table, ["a", "b", "a", "b"]),
            "own": lambda: Parity(shape[0], shape[-1]),
        }
        return self.keep(make[kind]())

    # What a network does

    @rule(target=samples, net=nets, batch=st.integers(1, 3), data=st.data())
    def forward(self, net: Any, batch: int, data: Any) -> Any:
        n = net.sizes[0]
        rows = st.lists(NUMBER, min_size=n, max_size=n)
        x = data.draw(st.lists(rows, min_size=batch, max_size=batch))
        twin, step = net.copy(), net.step
        sample = self.works(lambda: net.forward(x), changes=(net,))
        assert (net.step, state(twin.forward(x))) == (step + 1, state(sample))
        assert parameters(net) == parameters(twin)
        assert all(((p >= 0) & (p <= 1)).all() for p in sample.probabilities[:-1])
        assert [a.shape for a in sample.activations] == [(batch, n) for n in net.sizes[1:]]
        return self.keep(sample)

    @rule(target=samples, net=nets, sample=samples)
    def clamp(self, net: Any, sample: Any) -> Any:
        call = lambda: net.clamp(sample.inputs, sample.activations)  # noqa: E731
        if [a.shape[1] for a in (sample.inputs, *sample.activations)] != list(net.sizes):
            self.refused(call)
            return sample
        try:
            made = call()
        except ValueError:  # activities that this network's units do not have
            self.refused(call)
            return sample
        assert state(self.works(call)) == state(made)
        for one, other in zip(made.activations, sample.activations, strict=True):
            np.testing.assert_array_equal(one, other.astype(net.dtype))
        return self.keep(made)

    @rule(target=gradients, the_rule=rules, net=nets, sample=samples, data=st.data())
    def unit_rewards_and_gradient(self, the_rule: Any, net: Any, sample: Any, data: Any) -> Any:
        batch = sample.batch_size
        reward = data.draw(st.lists(NUMBER, min_size=batch, max_size=batch))
        if not isinstance(the_rule, Broadcast) and not fits(net, sample):
            self.refused(lambda: the_rule.unit_rewards(net, sample, reward))
        if not fits(net, sample):
            self.refused(lambda: the_rule.gradient(net, sample, reward))
            return self.keep([uwm.LayerGradient(np.zeros((1, 2)), np.zeros(1))])
        try:
            gradient = the_rule.gradient(net, sample, reward)
        except ValueError:  # another kind of output or of units
            self.refused(lambda: the_rule.gradient(net, sample, reward))
            return self.keep([uwm.LayerGradient(np.zeros((1, 2)), np.zeros(1))])
        rewards = self.works(lambda: the_rule.unit_rewards(net, sample, np.array(reward)))
        np.testing.assert_array_equal(
            rewards[-1], np.repeat(np.array(reward)[:, None], net.sizes[-1], 1).astype(net.dtype)
        )
        again = self.works(lambda: the_rule.gradient(net, sample, reward))
        assert state(again) == state(gradient)
        return self.keep(gradient)

    @rule(net=nets, optimizer=optimizers, gradient=gradients)
    def step(self, net: Any, optimizer: Any, gradient: Any) -> None:
        shapes = [(g.weight.shape, g.bias.shape) for g in gradient]
        if shapes != [(layer.weight.shape, layer.bias.shape) for layer in net.layers]:
            if not isinstance(optimizer, Ascent):
                self.refused(lambda: optimizer.step(net, gradient))
            return
        step, steps = net.step, getattr(optimizer, "steps", None)
        before = state(net), state(optimizer)
        try:
            self.works(lambda: optimizer.step(net, gradient), changes=(net, optimizer))
        except ValueError:  # the moments are of another shape or precision, or the rates too few
            assert before == (state(net), state(optimizer))
            self.refused(lambda: optimizer.step(net, gradient))
            return
        assert net.step == step
        assert steps is None or optimizer.steps == steps + 1

    # Training

    @rule(
        target=logs,
        net=nets,
        the_rule=rules,
        optimizer=optimizers,
        task=tasks,
        baseline=baselines,
        steps=st.integers(1, 25),
        batch=st.integers(1, 4),
        every=st.none() | st.integers(1, 30),
        threads=st.none() | st.integers(1, 3),
        twin=st.sampled_from(list(TWINS)),
    )
    def train(
        self,
        net: Any,
        the_rule: Any,
        optimizer: Any,
        task: Any,
        baseline: Any,
        steps: int,
        batch: int,
        every: int | None,
        threads: int | None,
        twin: str,
    ) -> Any:
        def run(net: Any, optimizer: Any, baseline: Any, **more: Any) -> uwm.Log:
            return uwm.train(
                net,
                the_rule,
                optimizer,
                task,
                steps=steps,
                batch_size=batch,
                baseline=baseline,
                record_every=every,
                **more,
            )

        parts = net, optimizer, baseline
        try:
            twins = TWINS[twin](*parts)
        except ValueError:  # a file holds no moments of another network
            twins = TWINS["pickle"](*parts)
        assert same_training(twins, parts)
        two_as_one = task.n_outputs == 2 and net.sizes[-1] == 1
        if net.sizes[0] != task.n_inputs or (net.sizes[-1] != task.n_outputs and not two_as_one):
            self.refused(lambda: run(*parts))
            return None
        step = net.step
        try:
            log = self.works(lambda: run(*parts, threads=threads), changes=parts)
        except ValueError:  # an output that the task cannot judge, moments or rates of another net
            assert same_training(twins, parts)
            self.refused(lambda: run(*parts))
            return None
        assert (net.step, log.steps, log.batch_size) == (step + steps, steps, batch)
        assert len(log.rewards) == math.ceil(steps / log.record_every)
        assert np.isfinite(log.rewards).all()
        again = run(*twins)
        assert same_training(twins, parts)
        np.testing.assert_array_equal(again.rewards, log.rewards)
        return self.keep(log)

    @rule(net=nets, after=st.integers(0, 2), how=st.sampled_from(["stop", "raise", "thread"]))
    def interfere(self, net: Any, after: int, how: str) -> None:
        """Stop from inside, and call what is in use from a second thread."""
        task = Parity(net.sizes[0], net.sizes[-1])
        optimizer, baseline, other = uwm.Adam(), uwm.RunningMean(), net.copy()
        layer, x = net.layers[0], np.zeros((1, net.sizes[0]))
        gradient = [uwm.LayerGradient(each.weight * 0, each.bias * 0) for each in net.layers]
        uses: list[Callable[[], Any]] = [
            lambda: net.forward(x), net.copy, lambda: layer.weight, lambda: pickle.dumps(net),
            lambda: setattr(net, "step", 0), net.reset, optimizer.reset,
            lambda: optimizer.step(other, gradient), lambda: copy.deepcopy(optimizer),
            lambda: baseline.value, lambda: analysis.exact_gradient(net, x, lambda o: o[:, 0]),
        ]  # fmt: skip
        answers: list[Any] = []

        def foreign() -> None:
            for use in uses:
                try:
                    answers.append(use())
                except RuntimeError as error:
                    answers.append(str(error))

        def progress(*_: Any) -> Any:
            net.copy()
            if how == "thread":
                thread = threading.Thread(target=foreign)
                thread.start()
                thread.join()
            if how == "raise":
                raise LookupError("enough")
            return how != "stop"

        def call() -> Any:
            return uwm.train(
                net,
                uwm.Reinforce(),
                optimizer,
                task,
                steps=after + 1,
                baseline=baseline,
                progress=progress,
            )

        step = net.step
        try:
            log = self.works(call, changes=(net,))
            assert log.steps == net.step - step == optimizer.steps
        except LookupError:
            assert how == "raise" and net.step - step == optimizer.steps
        for answer in answers:
            assert str(answer).endswith("is in use by another thread"), answer

    @rule(target=nets, net=nets, dtype=st.sampled_from(["float32", "float64"]))
    def astype(self, net: Any, dtype: str) -> Any:
        made = self.works(lambda: net.astype(dtype))
        assert made.dtype == dtype and (made.seed, made.step) == (net.seed, net.step)
        if dtype == "float64" or made.dtype == net.dtype:
            assert parameters(made.astype(net.dtype)) == parameters(net)
        return self.keep(made)

    @rule(target=nets, net=nets, how=st.sampled_from(list(TWINS)))
    def copied(self, net: Any, how: str) -> Any:
        made = self.works(lambda: TWINS[how](net, None, None)[0])
        assert made is not net and state(made) == state(net)
        return self.keep(made)

    @rule(net=nets, seed=st.none() | SEED)
    def reset(self, net: Any, seed: int | None) -> None:
        expected = net.seed if seed is None else seed
        self.works(lambda: net.reset(seed), changes=(net,))
        assert (net.seed, net.step) == (expected, 0)
        twin = net.copy()
        twin.forward(np.zeros((1, net.sizes[0])))
        twin.layers[0].bias += 1
        twin.reset()
        assert state(twin) == state(net)

    @rule(net=nets, l=st.integers(0, 1), scale=NUMBER, step=st.integers(0, 2**47))
    def assign(self, net: Any, l: int, scale: float, step: int) -> None:  # noqa: E741
        layer = net.layers[min(l, len(net.layers) - 1)]
        weight, bias = scale * np.ones(layer.weight.shape), [scale] * len(layer.bias)

        def call() -> None:
            layer.weight, layer.bias, net.step = weight, bias, step

        self.works(call, changes=(net,))
        assert (layer.weight == np.float32(scale)).all() and net.step == step
        assert (layer.bias == np.float32(scale)).all()

    @rule(optimizer=optimizers)
    def forget(self, optimizer: Any) -> None:
        if not isinstance(optimizer, Ascent):
            self.works(optimizer.reset, changes=(optimizer,))
            assert optimizer.steps == 0

    # Files and analysis

    @rule(
        target=files,
        net=nets,
        optimizer=optimizers,
        baseline=baselines,
        log=st.none() | logs,
        name=st.sampled_from("ab"),
    )
    def save(self, net: Any, optimizer: Any, baseline: Any, log: Any, name: str) -> Any:
        path = Path(self.folder.name) / name
        call = lambda: uwm.save(  # noqa: E731
            path, net, optimizer, baseline, log, extra={"x": np.arange(3), "y": "z"}
        )
        if isinstance(optimizer, (Ascent, Clipped)) or isinstance(baseline, Slow):
            self.refused(call)
            return path if path.exists() else self.save_alone(path, net)
        parts = *(p for p in self.everything if p == path), path
        try:
            self.works(call, changes=parts)
        except ValueError:  # moments of another network
            self.refused(call)
            return path if path.exists() else self.save_alone(path, net)
        found = uwm.load(path)
        assert state(found.net) == state(net) and state(found.optimizer) == state(optimizer)
        assert state(found.baseline) == state(baseline) and found.extra["y"] == "z"
        return self.keep(path)

    def save_alone(self, path: Path, net: Any) -> Path:
        uwm.save(path, net)
        return path

    @rule(path=files, at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
    def load_what_is_damaged(self, path: Path, at: float, bit: int) -> None:
        damaged = Path(self.folder.name) / "damaged"
        content = bytearray(path.read_bytes())
        content[int(at * len(content))] ^= 1 << bit
        damaged.write_bytes(content)
        self.refused(lambda: uwm.load(damaged))
        damaged.write_bytes(path.read_bytes()[: int(at * len(content))])
        self.refused(lambda: uwm.load(damaged))

    @rule(net=nets, the_rule=rules, bits=st.integers(0, 3))
    def analyse(self, net: Any, the_rule: Any, bits: int) -> None:
        x = [[bits >> k & 1 for k in range(net.sizes[0])]]
        if net.output == "gaussian" and net.sizes[-1] > 1:
            return  # many points to sum over

        def reward(output: Any) -> Any:
            return np.sin(output.sum(axis=1))

        points = {"quadrature": 20} if net.output == "gaussian" else {}
        gradient = self.works(lambda: analysis.exact_gradient(net, x, reward, **points))
        assert all(np.isfinite(g.weight).all() for g in gradient)
        mean = self.works(lambda: analysis.expected_update(net, the_rule, x, reward, **points))
        assert [g.weight.shape for g in mean] == [g.weight.shape for g in gradient]
        value = self.works(lambda: analysis.expected_reward(net, x, reward, **points))
        assert np.isfinite(value).all()
        if uwm.rule("reinforce").name == the_rule.name:
            for a, b in zip(mean, gradient, strict=True):
                np.testing.assert_allclose(a.weight, b.weight, rtol=1e-4, atol=1e-6)

    # Wrong calls

    @rule(
        data=st.data(),
        net=nets,
        optimizer=optimizers,
        task=tasks,
        baseline=baselines,
        the_rule=rules,
    )
    def wrong_argument(self, data: Any, net: Any, optimizer: Any, task: Any, baseline: Any,
                       the_rule: Any) -> None:  # fmt: skip
        parts = {"net": net, "optimizer": optimizer, "task": task, "baseline": baseline,
                 "rule": the_rule, "path": Path(self.folder.name) / "wrong"}  # fmt: skip
        calls = wrong_calls(parts)
        name = data.draw(st.sampled_from(sorted(calls)))
        call, arguments, bad = calls[name]
        arguments = arguments or {"learning_rate": 0.1}
        how = data.draw(st.sampled_from(["value", "value", "value", "name", "unknown", "less"]))
        if how == "value":
            argument = data.draw(st.sampled_from(sorted(bad)))
            misfits = [m for m in MISFITS if not (argument == "progress" and callable(m))]
            value = data.draw(st.sampled_from([*bad[argument], *misfits]))
            given = {**arguments, argument: value}
        elif how == "name":
            argument = data.draw(st.sampled_from(sorted(arguments)))
            given = {k + "s" * (k == argument): v for k, v in arguments.items()}
        elif how == "unknown":
            given = {**arguments, "verbose": True}
        else:
            missing = data.draw(st.sampled_from(sorted(arguments)))
            given = {k: v for k, v in arguments.items() if k != missing}
        if how != "less" or name not in MAY_BE_LEFT_OUT:
            self.refused(lambda: call(**given), f"{name}, {how}, {given!r:.300}")

    @rule(
        kind=st.sampled_from(["net", "optimizer", "rule", "task", "baseline"]),
        x=nets,
        optimizer=consumes(optimizers) | optimizers,
    )
    def without_init(self, kind: str, x: Any, optimizer: Any) -> None:
        classes: dict[str, list[Any]] = {
            "net": [uwm.Network], "optimizer": [uwm.SGD, uwm.Adam, uwm.Optimizer],
            "rule": [uwm.Reinforce, uwm.WeightMax, uwm.Rule], "task": [uwm.tasks.Multiplexer],
            "baseline": [uwm.RunningMean, uwm.Baseline],
        }  # fmt: skip
        arguments = {"net": x, "rule": uwm.WeightMax(), "optimizer": optimizer,
                     "task": Parity(x.sizes[0], x.sizes[-1]), "baseline": None}  # fmt: skip
        for cls in classes[kind]:
            half = cls.__new__(cls)
            self.refused(lambda h=half: uwm.train(**{**arguments, kind: h}, steps=1))
            self.refused(lambda h=half: pickle.dumps(h))
            self.refused(lambda h=half: copy.deepcopy(h))
            for name in dir(cls):
                if not name.startswith("_") and isinstance(getattr(cls, name), property):
                    self.refused(lambda h=half, n=name: getattr(h, n))
        half = uwm.Sample.__new__(uwm.Sample)
        self.refused(lambda: half.output)
        self.refused(lambda: uwm.Reinforce().gradient(x, half, [1.0]))


TestStateful = Machine.TestCase
TestStateful.settings = settings(suppress_health_check=list(HealthCheck))
