"""How an agent is built and how it learns."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from uwm import _core
from uwm.checks import sequence, whole_number

Rate: TypeAlias = float | _core.Linear | _core.Exponential | _core.InverseRoot
Rates: TypeAlias = Rate | Sequence[Rate]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How an agent is built and how it learns. The defaults are one setting for every environment.

    hidden: units of the actor's hidden layers.
    units: "binary" (0/1) or "bipolar" (-1/+1).
    temperature, initial_gain: of the actor, as in ``uwm.Network``.
    sigma: deviation of continuous actions, in units of half their range.
    reference_class: whether the logit of the last of n actions stays 0.
    actor_trace, critic_trace: lambda of the eligibility traces.
    trace_form: "accumulating", z <- gamma lambda z + gradient; or "product", traces of
        eligibilities layer by layer, as in the published code of Weight Maximization.
    actor_rate: learning rates of the actor's Adam, a number or schedule or one per layer, per
        environment step; "auto": from 6e-3 in the first layer by equal factors to 6e-4 in the last,
        all of them times the cube root of 8 / n with n > 8 observed numbers.
    actor_beta1, actor_beta2, critic_beta1, critic_beta2: of Adam.
    critic_hidden: units of the critic's hidden layers.
    critic_units: "layer_norm", scaled to mean 0 and variance 1 and then leaky rectifiers; or
        "softplus".
    critic_rate: learning rates of the critic's Adam; None: steps bounded against overshooting.
    overshoot: kappa of the bounded steps; a larger one makes smaller steps.
    discount: gamma.
    normalize_observations: whether by running mean and deviation.
    scale_rewards: whether by the running deviation of the discounted sum of past rewards.
    truncation: what an episode ended by a time limit teaches: "bootstrap", the value of its last
        observation stands for what would have come; "terminate", nothing would; "skip", the last
        step teaches nothing.
    order: "learn_first", the next action is drawn after learning from the last; "act_first",
        before.

    What is out of range is refused when an agent is made.

    >>> from uwm.rl import Settings
    >>> Settings(discount=0.98).actor_trace
    0.9
    """

    hidden: Sequence[int] = (64, 32)
    units: str = "bipolar"
    temperature: float | Sequence[float] = 1.0
    initial_gain: str | float | Sequence[float] = "auto"
    sigma: float = 1.0
    reference_class: bool = False
    actor_trace: float = 0.9
    trace_form: str = "accumulating"
    actor_rate: str | Rates = "auto"
    actor_beta1: float = 0.9
    actor_beta2: float = 0.99
    critic_hidden: Sequence[int] = (64, 32)
    critic_units: str = "layer_norm"
    critic_trace: float = 0.9
    critic_rate: Rates | None = None
    critic_beta1: float = 0.9
    critic_beta2: float = 0.999
    overshoot: float = 1.0
    discount: float = 0.99
    normalize_observations: bool = True
    scale_rewards: bool = True
    truncation: str = "bootstrap"
    order: str = "learn_first"


LAYERS = ("hidden", "critic_hidden")
NAMES = tuple(field.name for field in dataclasses.fields(Settings))


def make_settings(given: Mapping[str, Any]) -> Settings:
    """Return settings by name.

    Raises TypeError for a name that is none of a setting, and layers that are no whole numbers.

    >>> make_settings({"discount": 0.9}).discount
    0.9
    """
    for name in given:
        if name not in NAMES:
            close = difflib.get_close_matches(name, NAMES, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f": they are {', '.join(NAMES)}"
            raise TypeError(f"an agent has no setting {name!r}{hint}")
    layers = {name: _layers(name, given[name]) for name in LAYERS if name in given}
    return Settings(**{**given, **layers})


def _layers(name: str, value: object) -> tuple[int, ...]:
    return tuple(whole_number(f"every number in {name}", n, 1) for n in sequence(name, value))


def as_json(settings: Settings) -> dict[str, Any]:
    """Return settings as what JSON can hold.

    >>> import uwm
    >>> as_json(Settings(actor_rate=uwm.Linear(0.1, 0.01, 50)))["actor_rate"]
    {'Linear': [0.1, 0.01, 50]}
    """
    return {name: _plain(getattr(settings, name)) for name in NAMES}


def from_json(values: Mapping[str, Any]) -> Settings:
    """Return the settings that ``as_json`` wrote.

    >>> from_json(as_json(Settings(sigma=2.0))) == Settings(sigma=2.0)
    True
    """
    return make_settings({name: _restored(value) for name, value in values.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, (_core.Linear, _core.Exponential)):
        return {type(value).__name__: [value.start, value.end, value.steps]}
    if isinstance(value, _core.InverseRoot):
        return {"InverseRoot": [value.rate, value.steps, value.warm_up]}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value.item() if hasattr(value, "item") else value


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        [(kind, numbers)] = value.items()
        if kind == "InverseRoot":
            return _core.InverseRoot(numbers[0], numbers[1], warm_up=numbers[2])
        return {"Linear": _core.Linear, "Exponential": _core.Exponential}[kind](*numbers)
    return tuple(_restored(item) for item in value) if isinstance(value, list) else value
