"""Bias, cosine and noise-to-signal of rules on a task, of one network or along its training."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

import uwm
from uwm.checks import check_task, finite, instance, one_of, sequence, whole_number
from uwm.experiments.build import Chosen, choose_task, new_network
from uwm.experiments.cells import INTERRUPTED, Cell, Found, Row, made_here
from uwm.experiments.compute import Computer, Study, computer
from uwm.experiments.estimator_names import RULES
from uwm.experiments.estimators import rule_or_estimator
from uwm.experiments.gradient_study.one_network import Method, Named, check_size, measure
from uwm.experiments.gradient_study.result import GradientStudy, Measurement
from uwm.experiments.gradient_study.training import Trainer, digest, mean_reward
from uwm.experiments.guarded import Failed
from uwm.experiments.identity import rule_identity
from uwm.experiments.origin import origin
from uwm.experiments.progress import Listener, interrupted, nobody
from uwm.experiments.runs import Request, Unfinished, reason_of
from uwm.experiments.settings import Settings, name_of
from uwm.experiments.store import Store
from uwm.outputs import spelled
from uwm.own import is_own
from uwm.reference.random import PARAMETERS, normals
from uwm.tasks import TASKS, task_info
from uwm.tasks.output_kinds import check_output

KIND = "gradients"
TRUTH = "unbiased_weight_max_posterior"  # whose mean stands for the gradient by default
#: Of a run's spec, what the training up to a checkpoint depends on.
TRAINING = ("rule", "rule_source", "rule_parameters", "optimizer", "learning_rate", "rate_factor",
            "batch_size")  # fmt: skip
MOST_CHECKPOINTS = 100_000


def gradients(
    settings: Settings | None = None,
    rules: Sequence[Any] = RULES,
    *,
    network: uwm.Network | None = None,
    scale: float | None = None,
    method: str | None = None,
    samples: int = 2**16,
    reference: Any = None,
    checkpoints: int = 0,
    store: Store | str | os.PathLike[str] | None = None,
    fresh: bool = False,
    progress: Listener = nobody,
) -> GradientStudy:
    """Measure rules on a task: see Measurement.

    settings: the task and the network, and for checkpoints how to train it: the one rule, episodes,
    batch size, learning rates. first_seed is the seed of everything. Default: the multiplexer with
    2 address bits, [6, 4] hidden units.
    rules: names, as `rule_or_estimator` takes them, rules, or estimators.
    network: instead of a new one; it is not changed.
    scale: give the network normal weights of this deviation, and biases of 0, instead of those it
    starts with.
    method: "exact" enumerates every input and activity, "sampled" draws `samples` of them; by
    default the first if there are at most 2^24. Estimators that are no rules are always sampled.
    Where sampling, the exact gradient is still taken for the truth if it is feasible, and
    otherwise the mean of the reference, see `sampled_statistics`.
    checkpoints: measure before training, and this many times along it.
    store, fresh: as in `compare`. What the store holds is not measured again.
    progress(event): called with a `Progress` as the work goes on; its name says what does. When it
    returns False, the work stops, as on Ctrl-C.

    A rule that raises costs its own measurements only, and is listed in the result's `unfinished`;
    what it has raised reaches you if nothing could be measured.

    Raises ValueError or TypeError for settings that make no sense or do not fit, and
    `uwm.Interrupted` when stopped: its `result` is the GradientStudy of the checkpoints measured.

    >>> settings = Settings(address_bits=1, hidden=(3,), rules=("ste",), first_seed=1)
    >>> study = gradients(settings, ["ste", "unbiased_weight_max_posterior"])
    >>> [m.relative_bias.value < 1e-9 for m in study.select(layer=0)]
    [False, True]
    """
    settings = checked_settings(settings)
    samples = whole_number("samples", samples, 20)
    checkpoints = whole_number("checkpoints", checkpoints, 0, MOST_CHECKPOINTS)
    if method is not None:
        one_of("method", method, ("exact", "sampled"))
    measured = [named(rule) for rule in sequence("rules", rules)]
    check_names(measured)
    truth = named(TRUTH if reference is None else reference)
    chosen = choose_task(settings)
    net = network_for(chosen, network, scale)
    check_size(net, chosen.task, method)
    how = {"method": method, "samples": samples, "scale": scale, "checkpoints": checkpoints}
    described = describe(chosen, net, measured, reference=truth, **how)
    study = Study("gradients", chosen.title, described)
    with computer(study, store=store, fresh=fresh, progress=progress) as computing:
        way = Method(method, samples, truth, settings.first_seed, computing.monitor)
        return _Work(chosen, net, measured, way, computing).study(checkpoints, described)


def checked_settings(settings: Settings | None) -> Settings:
    """Return the settings, those by default for None; raise for what is no settings of a study."""
    if settings is None:
        return Settings(**task_info(TASKS[0]).small, rules=(TRUTH,))
    instance("settings", settings, Settings, "uwm.experiments.Settings")
    if len(settings.rules) != 1:
        raise ValueError(f"rules to train with must be one, got {len(settings.rules)}")
    return settings


def named(rule: Any) -> Named:
    """Return a rule or estimator with its name in results: of a class of one's own, as given."""
    made = rule_or_estimator(rule)
    spec = rule if isinstance(rule, str) else made
    own = isinstance(rule, str) and is_own(rule)
    return Named(name_of(spec if own else made), made, spec)


def check_names(rules: Sequence[Named]) -> None:
    """Raise ValueError if there are no rules, or if two have one name."""
    if not rules:
        raise ValueError("rules must be at least one, got none")
    names = [each.name for each in rules]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"rules must differ, got {name!r} twice")


def network_for(chosen: Chosen, network: uwm.Network | None, scale: float | None) -> uwm.Network:
    """Return the network to measure, a copy of the one given or a new one, if it fits the task."""
    settings, task = chosen.settings, chosen.task
    new = network is None
    if not new:
        instance("network", network, uwm.Network, "a uwm.Network")
    net = new_network(settings, task, settings.first_seed) if network is None else network.copy()
    if not new and net.sizes[1:-1] != tuple(settings.hidden):
        raise ValueError(
            f"hidden must be the network's {list(net.sizes[1:-1])}, got {list(settings.hidden)}"
        )
    if settings.output not in (None, spelled(net.output)):
        raise ValueError(
            f"output must be the network's {spelled(net.output)}, got {settings.output}"
        )
    if scale is not None:
        rescale(net, scale, settings.first_seed)
    check_task(net, task)
    check_output(str(net.output), task)
    return net


def describe(
    chosen: Chosen,
    net: uwm.Network,
    rules: Sequence[Named],
    *,
    reference: Named,
    **how: Any,
) -> dict[str, Any]:
    """Return settings.json: everything that the measurements depend on."""
    described = chosen.settings.as_dict()
    train_with = described.pop("rules")[0]
    described.update(
        rules=[each.name for each in rules],
        train_with=train_with,
        sizes=list(net.sizes),
        reference=reference.name,
        **how,
        parameters_sha256=digest(net),
        **origin(chosen.sha256),
    )
    return described


class _Work:
    """A study under way: what has been measured so far."""

    def __init__(
        self,
        chosen: Chosen,
        net: uwm.Network,
        rules: Sequence[Named],
        how: Method,
        computing: Computer,
    ) -> None:
        self._chosen, self._net, self._rules, self._how = chosen, net, list(rules), how
        self._computing = computing
        self._spec = self._common_spec()
        self._measurements: list[Measurement] = []
        self._rewards: dict[int, float] = {}
        self._unfinished: list[Unfinished] = []
        self.errors: list[BaseException] = []

    def study(self, checkpoints: int, described: dict[str, Any]) -> GradientStudy:
        """Measure at every checkpoint and return the study; raise if that was stopped or failed."""
        stopped = self.run(checkpoints)
        study = self.result(described)
        if stopped:
            raise interrupted(study, f"{len(study.rewards)} checkpoints were measured")
        if not study.measurements and self.errors:
            raise self.errors[0]
        return study

    def run(self, checkpoints: int) -> bool:
        """Train from checkpoint to checkpoint and measure; return whether that was stopped."""
        settings = self._chosen.settings
        ends = [0]
        if checkpoints:
            ends = [round(settings.steps * k / checkpoints) for k in range(checkpoints + 1)]
        trainer = Trainer(settings, self._net, self._chosen.task, self._how.monitor)
        for end in dict.fromkeys(ends):
            try:
                if self._how.monitor.stopped:
                    raise KeyboardInterrupt
                self._measure(end, trainer)
            except KeyboardInterrupt:
                for rule in self._rules:
                    self._fail(
                        rule.name, f"after {end * settings.batch_size} episodes: {INTERRUPTED}"
                    )
                return True
            except Exception as error:
                if not self._rewards:  # nothing is lost yet
                    raise
                reason = reason_of(error, settings.rules[0], self._chosen.task)
                self._fail(settings.rule_names[0], f"training: {reason}")
                self.errors.append(error)
                return False
        return self._how.monitor.stopped

    def _common_spec(self) -> dict[str, Any]:
        """Return what the measurements of all rules depend on, but for the checkpoint."""
        settings, net, how = self._chosen.settings, self._net, self._how
        trainer = Request(settings, self._chosen, settings.rules[0], settings.first_seed).spec()
        for name in ("hidden", "initial_gain", "episodes"):  # the checkpoint and the network say it
            del trainer[name]
        training = {name: trainer.pop(name) for name in TRAINING if name in trainer}
        return {
            **trainer,
            "sizes": list(net.sizes),
            "output": spelled(net.output),
            "dtype": str(np.dtype(net.dtype)),
            "parameters_sha256": digest(net),
            "method": how.method,
            "samples": how.samples,
            "reference": rule_identity(how.reference.name, how.reference.rule),
            "seed": how.seed,
            "training": training,
        }

    def _cell(self, named: Named, episode: int) -> Cell:
        rule = rule_identity(named.spec, named.rule)
        spec = {**self._spec, **rule, "episode": episode}
        if episode == 0:  # whatever it is to be trained with
            del spec["training"]
        return Cell(KIND, spec, lambda context: Found())

    def _measure(self, end: int, trainer: Trainer) -> None:
        """Measure after so many steps what the store does not hold; train only where need be."""
        episode = end * self._chosen.settings.batch_size
        cells = {rule.name: self._cell(rule, episode) for rule in self._rules}
        self._computing.note(list(cells.values()))
        there = self._computing.known(list(cells.values()))
        missing = [rule for rule in self._rules if cells[rule.name].key not in there]
        made: dict[str, Row] = {}
        if missing:
            trainer.train_until(end)
            made = self._rows(missing, cells, episode)
        for rule in list(self._rules):
            row = made.get(rule.name) or there.get(cells[rule.name].key)
            if row is None or row.result is None:
                self._rules.remove(rule)  # it would fail again at every checkpoint
                continue
            self._measurements += (
                Measurement.from_dict(each, rule.name) for each in row.result["measurements"]
            )
            self._rewards[episode] = row.result["reward"]

    def _rows(self, rules: Sequence[Named], cells: dict[str, Cell], episode: int) -> dict[str, Row]:
        """Measure rules together, keep what comes of it, and return it by rule."""
        net, task, seed = self._net, self._chosen.task, self._how.seed
        reward = mean_reward(net, task, seed)
        given = self._chosen.settings.baseline
        # What a running mean would have come to stands for it.
        baseline = reward if isinstance(given, str) else given
        clock, rows = time.perf_counter(), {}
        found = measure(net, task, rules, self._how, baseline or 0.0)
        about = made_here(time.perf_counter() - clock)
        for each, rule in zip(found, rules, strict=True):
            if isinstance(each, Failed):
                reason = reason_of(each.error, rule.rule, task)
                self._fail(rule.name, f"after {episode} episodes: {reason}")
                self.errors.append(each.error)
                rows[rule.name] = cells[rule.name].failed(each.error)
            else:
                records = [dataclasses.replace(m, episode=episode).as_dict() for m in each]
                result = {"measurements": records, "reward": reward}
                rows[rule.name] = cells[rule.name].row(Found(result=result), about)
            self._computing.keep(rows[rule.name])
        return rows

    def _fail(self, name: str, reason: str) -> None:
        self._unfinished.append(Unfinished(name, self._how.seed, reason))

    def result(self, described: dict[str, Any]) -> GradientStudy:
        """Return what has been measured."""
        return GradientStudy(
            self._chosen.title,
            described,
            tuple(self._measurements),
            self._rewards,
            tuple(self._unfinished),
            self._computing.record(),
        )


def rescale(net: uwm.Network, scale: float, seed: int) -> None:
    """Give a network normal weights of this standard deviation."""
    scale = finite("scale", scale, above=0)
    for ell, layer in enumerate(net.layers):
        layer.weight = scale * normals(seed, 0, PARAMETERS, ell, *layer.weight.shape)
        layer.bias = np.zeros(layer.bias.shape)
