"""The settings of a comparison: everything that its results depend on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import uwm
from uwm import _core
from uwm.checks import finite, is_sequence, one_of, sequence, shown, whole_number
from uwm.outputs import Output, parse as parse_output, spelled
from uwm.rules import canonical
from uwm.tasks.builtin import TASKS, task_info
from uwm.tasks.info import CLASSIFICATION
from uwm.tasks.records import delimiter_named

DEFAULT_RULES = (
    "reinforce",
    "ste",
    "weight_max",
    "unbiased_weight_max",
    "unbiased_weight_max_posterior",
)
AUTO = "auto"
MOST_SEEDS = 100_000
MOST_LAYERS = 1_000


@dataclass(frozen=True)
class Settings:
    """What to compare, and how. The defaults are those of `uwm compare` on the multiplexer.

    task: a name as `uwm.tasks.resolve` takes it: one of `uwm.tasks.TASKS`, a file, mine.py:MyTask.
    label, delimiter and header tell it how to read a table of text, None leaves it to guess.
    rules: names as `uwm.rules.resolve` takes them, mine.py:MyRule for instance, or rule objects.
    learning_rate: "auto", the rates that follow from the network (`uwm.automatic_rates`), one
    number, or one per layer. Every rule uses it, except for those that learning_rates gives rates
    of their own. SGD has no automatic ones. rate_factor multiplies all of them.
    initial_gain: of the initial weights, as `uwm.Network` takes it.
    episodes: samples of a run; a step takes batch_size of them.
    seeds: runs of each rule, with the seeds first_seed, first_seed + 1 and so on.
    baseline: None, "running-mean" or a number; baselines gives rules one of their own.
    output: "bernoulli", "softmax", "gaussian:0.5" or an output such as `uwm.Gaussian(0.5)`, which
    becomes its text; None stands for the kind that suits the task.
    rates_from: a few words for tables: where learning_rates and baselines are from.

    Raises ValueError or TypeError for values that make no sense, naming the setting.

    >>> Settings(hidden=(8,), seeds=3).seed_range
    range(0, 3)
    """

    task: str = TASKS[0]
    address_bits: int = 3
    hidden: Sequence[int] = (64, 32)
    rules: Sequence[str | uwm.Rule] = DEFAULT_RULES
    episodes: int = 200_000
    batch_size: int = 1
    learning_rate: str | float | Sequence[float] = AUTO
    learning_rates: Mapping[str, str | float | Sequence[float]] = field(default_factory=dict)
    rate_factor: float = 1.0
    initial_gain: str | float | Sequence[float] = AUTO
    seeds: int = 10
    first_seed: int = 0
    baseline: str | float | None = None
    baselines: Mapping[str, str | float | None] = field(default_factory=dict)
    rates_from: str = ""
    optimizer: str = "adam"
    units: str = "binary"
    output: str | Output | None = None
    dtype: str = "float32"
    label: str | int | None = None
    delimiter: str | None = None
    header: bool | None = None

    @classmethod
    def for_task(cls, task: str, **settings: Any) -> Settings:
        """Return the task's default settings, changed by those given."""
        defaults = task_info(task).suits if task in TASKS else CLASSIFICATION
        return cls(task=task, **{**defaults, **settings})

    def __post_init__(self) -> None:
        if not isinstance(self.task, str):
            raise TypeError(f"task must be a name, got {shown(self.task)}")
        if not isinstance(self.rates_from, str):
            raise TypeError(f"rates_from must be words, got {shown(self.rates_from)}")
        self._check_layout()
        for name, most in LIMITS.items():
            self._set(name, whole_number(name, getattr(self, name), 1, most))
        self._set("first_seed", whole_number("first_seed", self.first_seed, 0, 2**64))
        if self.first_seed + self.seeds > 2**64:
            raise ValueError(f"first_seed must leave all seeds below 2**64, got {self.first_seed}")
        hidden = sequence("hidden", self.hidden)
        if len(hidden) > MOST_LAYERS:
            raise ValueError(f"hidden must be at most {MOST_LAYERS} layers, got {len(hidden)}")
        self._set("hidden", tuple(whole_number("hidden", size, 1) for size in hidden))
        self._check_rules()
        one_of("optimizer", self.optimizer, ("adam", "sgd"))
        self._check_rates()
        self._set("initial_gain", self._per_layer("initial_gain", self.initial_gain, gain_value))
        one_of("units", self.units, ("binary", "bipolar"))
        self._set("output", output_value(self.output))
        one_of("dtype", self.dtype, ("float32", "float64"))
        self._set("baseline", baseline_value(self.baseline))
        self._set("baselines", {k: baseline_value(v) for k, v in self.baselines.items()})

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _check_layout(self) -> None:
        given = {name: getattr(self, name) for name in ("label", "delimiter", "header")}
        for name, value in given.items():
            if value is not None and self.task in TASKS:
                raise ValueError(
                    f"{name} must be None unless the task is a file, got {shown(value)}"
                )
        if self.label is not None and not isinstance(self.label, str):
            self._set("label", whole_number("label", self.label, 1))
        if self.delimiter is not None:
            delimiter_named(self.delimiter)
        if self.header is not None and not isinstance(self.header, bool):
            raise TypeError(f"header must be true or false, got {shown(self.header)}")

    def _check_rules(self) -> None:
        self._set("rules", tuple(checked_rule(rule) for rule in sequence("rules", self.rules)))
        names = self.rule_names
        if not names:
            raise ValueError("rules must be at least one rule, got none")
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(f"rules must differ, got {twice[0]!r} twice")
        for what in ("learning_rates", "baselines"):
            values = getattr(self, what)
            if not isinstance(values, Mapping):
                kind = what.replace("learning_", "")
                raise TypeError(f"{what} must be {kind} by rule, got {shown(values)}")
            for rule in values:
                one_of(what, rule, names)

    def _check_rates(self) -> None:
        self._set("learning_rate", self._rates_value(self.learning_rate))
        self._set("rate_factor", float(finite("rate_factor", self.rate_factor, above=0)))
        own = {rule: self._rates_value(rates) for rule, rates in self.learning_rates.items()}
        self._set("learning_rates", own)

    def _rates_value(self, rates: object) -> str | float | tuple[float, ...]:
        made = self._per_layer("learning_rate", rates, rate_value)
        if made == AUTO and self.optimizer != "adam":
            raise ValueError(
                f"learning_rate must be a number, or one per layer, with {self.optimizer}: it has"
                " no automatic rates"
            )
        return made

    def _per_layer(
        self, name: str, value: object, checked: Callable[[object], float]
    ) -> str | float | tuple[float, ...]:
        if isinstance(value, str):
            if value != AUTO:
                raise ValueError(
                    f"{name} must be {AUTO}, a number, or one per layer, got {shown(value)}"
                )
            return value
        if not is_sequence(value):
            return checked(value)
        made = tuple(checked(one) for one in sequence(name, value))
        if len(made) != len(self.hidden) + 1:
            raise ValueError(
                f"{name} must be {AUTO}, a number,"
                f" or {len(self.hidden) + 1} (one per layer), got {len(made)}"
            )
        return made

    @property
    def rule_names(self) -> tuple[str, ...]:
        """The rules by name."""
        return tuple(name_of(rule) for rule in self.rules)

    @property
    def seed_range(self) -> range:
        """The seeds, one run of every rule with each."""
        return range(self.first_seed, self.first_seed + self.seeds)

    @property
    def steps(self) -> int:
        """Updates of one run."""
        return -(-self.episodes // self.batch_size)

    def rates(self, rule: str) -> str | float | tuple[float, ...]:
        """Return the learning rate that a rule uses, or the rates of each layer, or "auto"."""
        rates = self.learning_rates.get(rule, self.learning_rate)
        return rates if isinstance(rates, (str, float, int)) else tuple(rates)

    def rates_in_words(self, rule: str) -> str:
        """Return what `rates` gives as words: numbers joined by commas, or auto."""
        rates = self.rates(rule)
        each = rates if isinstance(rates, tuple) else (rates,)
        words = ", ".join(r if isinstance(r, str) else f"{r:.3g}" for r in each)
        return words if self.rate_factor == 1 else f"{self.rate_factor:g} x ({words})"

    def baseline_of(self, rule: str) -> str | float | None:
        """Return the baseline that a rule uses."""
        return self.baselines.get(rule, self.baseline)

    def describe(self) -> str:
        """Return one line for titles: units, batch, optimizer, learning rates, seeds."""
        sizes = ", ".join(str(size) for size in self.hidden)
        words = "learning rates per rule" if self.learning_rates else self.rates_in_words("")
        if self.initial_gain != AUTO:
            gain = self.initial_gain
            each = gain if isinstance(gain, tuple) else (gain,)
            words += f"; initial gain {', '.join(f'{g:g}' for g in each)}"
        output = "" if self.output is None else f", output {self.output}"
        plural = "s" if self.seeds > 1 else ""
        return (
            f"[{sizes}] hidden units{output}, batch size {self.batch_size}, "
            f"{'Adam' if self.optimizer == 'adam' else 'SGD'} ({words}), {self.seeds} seed{plural}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON can hold them."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values["rules"] = list(self.rule_names)
        values["learning_rate"] = self.rates("")
        values["learning_rates"] = dict(self.learning_rates)
        values["baselines"] = dict(self.baselines)
        return values


LIMITS = {
    "address_bits": 16,  # more inputs than a network has room for
    "episodes": 2**63 - 1,
    "batch_size": 2**31 - 1,
    "seeds": MOST_SEEDS,
}


def checked_rule(rule: object) -> str | uwm.Rule:
    """Return a rule, or the name that results give it; a class of the user's is not looked for."""
    if isinstance(rule, str):
        return canonical("rules", rule)
    if not isinstance(rule, uwm.Rule):
        raise TypeError(f"rules must be names or uwm.Rule objects, got {shown(rule)}")
    return rule


def name_of(rule: Any) -> str:
    """Return the name of a rule or estimator in results; by default that of its class."""
    return rule if isinstance(rule, str) else str(getattr(rule, "name", type(rule).__name__))


def rate_value(value: object) -> float:
    """Return a learning rate, a finite number above 0."""
    return finite("learning_rate", value, above=0)


def gain_value(value: object) -> float:
    """Return an initial gain, a number of at least 0."""
    return float(finite("initial_gain", value, least=0, most=_core.MAX_INITIAL_GAIN))


def output_value(value: object) -> str | None:
    """Return a kind of output as text: None, or a name with settings behind colons."""
    if value is None:
        return None
    if not isinstance(value, (str, Output)):
        words = "None, a name or an output, such as uwm.Gaussian(sigma=0.5)"
        raise TypeError(f"output must be {words}, got {shown(value)}")
    return spelled(parse_output(value))


def baseline_value(value: object) -> str | float | None:
    """Return a baseline: None, "running-mean" or a finite number."""
    if isinstance(value, str):
        if value != "running-mean":
            raise ValueError(f"baseline must be None, running-mean or a number, got {shown(value)}")
        return value
    return None if value is None else finite("baseline", value)
