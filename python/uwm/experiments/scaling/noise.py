"""The noise of rules on one network, as cells: one for each rule, measured together."""

from __future__ import annotations

import dataclasses
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import uwm
from uwm.analysis import sampled_statistics
from uwm.experiments.build import Chosen, new_network, new_rule
from uwm.experiments.cells import FAILED, INTERRUPTED, Cell, Context, Found
from uwm.experiments.guarded import Failed, each_alone
from uwm.experiments.runs import Request, reason_of
from uwm.experiments.scaling.plan import TRAINER
from uwm.experiments.settings import Settings, name_of
from uwm.experiments.training import Training, train
from uwm.formats import known
from uwm.tasks import Task

KIND = "noise"
#: What a run's result depends on, and the noise of a new network does not.
OF_TRAINING = ("optimizer", "learning_rate", "rate_factor", "baseline", "batch_size", "episodes")

Rule = str | uwm.Rule
Noises = dict[str, "float | Failed"]  # by rule


@dataclass(eq=False)
class NetworkNoise:
    """A network whose noise is measured for several rules at once, which saves most of the work.

    settings: the network's and, if trained, those of its training. rules: to be measured together;
    they are all that some cell lacks. The first cell measures, the others look here.
    """

    settings: Settings
    chosen: Chosen
    seed: int
    samples: int
    trained: bool
    rules: list[Rule] = field(default_factory=list)
    _found: Noises | None = field(default=None, init=False)
    _lock: Any = field(default_factory=threading.Lock, init=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_found": None, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def cell(self, rule: Rule) -> Cell:
        """Return the cell of one rule."""
        spec = Request(self.settings, self.chosen, rule, self.seed).spec()
        training = {name: spec.pop(name) for name in OF_TRAINING}
        if self.trained:
            trainer = Request(self.settings, self.chosen, TRAINER, self.seed).spec()
            training = {name: trainer[name] for name in OF_TRAINING}
            spec["trained"] = {"rule": TRAINER, **training}
        return Cell(KIND, {**spec, "samples": self.samples}, RuleNoise(self, rule))

    def measured(self, context: Context) -> Noises | None:
        """Return the noise of each rule, None if the work is to stop."""
        with self._lock:
            if self._found is None:
                self._found = self._measure(context)
            return self._found

    def _measure(self, context: Context) -> Noises | None:
        def go_on(*told: object) -> bool:
            return not context.monitor.stopped

        task = self.chosen.task
        net = new_network(self.settings, task, self.seed)
        if self.trained:
            training = Training(self.settings, task, TRAINER, self.seed, context.threads)
            done = train(training, go_on)
            if done is None:
                return None
            net = done.net
        return noises(net, task, self.rules, self.samples, go_on)


@dataclass(frozen=True, eq=False)
class RuleNoise:
    """The work of a cell: the noise of one rule on a network."""

    network: NetworkNoise
    rule: Rule

    def __reduce__(self) -> tuple[Any, ...]:
        """Measure this rule alone in another process, which shares nothing with the other cells."""
        return RuleNoise, (dataclasses.replace(self.network, rules=[self.rule]), self.rule)

    def __call__(self, context: Context) -> Found:
        """Measure, or take what another rule's cell has measured."""
        try:
            found = self.network.measured(context)
        except KeyboardInterrupt:  # a rule or a task may raise it, too
            context.monitor.stop()
            found = None
        except (Exception, SystemExit) as error:
            return self._failure(error)
        if found is None:
            return Found(INTERRUPTED, reason=INTERRUPTED)
        value = found[name_of(self.rule)]
        if isinstance(value, Failed):
            return self._failure(value.error)
        return Found(result={"noise_to_signal": known(value)})

    def _failure(self, error: BaseException) -> Found:
        reason = reason_of(error, self.rule, self.network.chosen.task)
        return Found(FAILED, None, reason, "".join(traceback.format_exception(error)))


def noises(
    net: uwm.Network,
    task: Task,
    rules: Sequence[Rule],
    samples: int,
    go_on: Callable[..., bool],
) -> Noises:
    """Return the noise-to-signal of each rule's update of the first layer.

    Raises KeyboardInterrupt when `go_on` says no.
    """

    def measure(some: Sequence[uwm.Rule]) -> list[float]:
        found = sampled_statistics(
            net, some, task, samples=samples, seed=net.seed, layers=1, progress=go_on
        )
        return [each.noise_to_signal[0].value for each in found]

    found = each_alone(measure, [new_rule(rule) for rule in rules])
    return dict(zip(map(name_of, rules), found, strict=True))
