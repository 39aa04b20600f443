"""The kinds of output layer: what the output units of a network draw from their logits z.

The engine's registry is the only list of them. Each has a class here, which holds its settings.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

from uwm._core import output_infos
from uwm.checks import finite, kind, shown

__all__ = ["OUTPUTS", "Bernoulli", "Gaussian", "Output", "Softmax"]

#: The settings of each built-in kind, with their defaults.
_DEFAULTS = {name: settings for name, _, settings in output_infos()}

#: Names of the built-in kinds of output.
OUTPUTS: tuple[str, ...] = tuple(_DEFAULTS)


@dataclass(frozen=True, eq=False, repr=False)
class Output:
    """The kind of an output layer: ``uwm.Bernoulli``, ``uwm.Softmax`` or ``uwm.Gaussian``.

    ``Network(output=...)`` takes one, ``Network.output`` is one. It is equal to its name and to an
    output of the same kind and settings, ``str`` gives its name, and it does not change.

    >>> import uwm
    >>> output = uwm.Network([3, 2], output="softmax").output
    >>> output, str(output), output == "softmax", output == uwm.Softmax()
    (uwm.Softmax(), 'softmax', True, True)
    """

    name: ClassVar[str] = ""

    @property
    def settings(self) -> dict[str, float]:
        """What the output was made with, by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return self.name == other
        if not isinstance(other, Output):
            return NotImplemented
        return (self.name, self.settings) == (other.name, other.settings)

    def __hash__(self) -> int:
        return hash(self.name)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"uwm.{type(self).__name__}({settings})"


@dataclass(frozen=True, eq=False, repr=False)
class Bernoulli(Output):
    """Independent units, each 0 or 1 with probability 1 / (1 + exp(-z)) of a 1.

    >>> import uwm
    >>> uwm.Network([3, 1], output=uwm.Bernoulli()).output == "bernoulli"
    True
    """

    name = "bernoulli"


@dataclass(frozen=True, eq=False, repr=False)
class Softmax(Output):
    """One of n classes, with probabilities exp(z_k) / sum exp(z); a row has one 1 among zeros.

    >>> import uwm
    >>> uwm.Network([3, 2], output=uwm.Softmax()).output == "softmax"
    True
    """

    name = "softmax"


@dataclass(frozen=True, eq=False, repr=False)
class Gaussian(Output):
    """Independent real numbers around z, with one standard deviation.

    Args:
        sigma: the standard deviation, above 0: 1.5e-154 ... 6.7e153. A network in float32 takes
            1.1e-19 ... 9.2e18.

    Raises:
        ValueError: sigma is out of range.
        TypeError: sigma is no number.

    >>> import uwm
    >>> net = uwm.Network([3, 2], output=uwm.Gaussian(sigma=0.5))
    >>> net.output, net.output.sigma, net.output == "gaussian"
    (uwm.Gaussian(sigma=0.5), 0.5, True)
    """

    name = "gaussian"
    sigma: float = 1.0

    def __post_init__(self) -> None:
        sigma = finite("sigma", self.sigma, above=0)
        finite("sigma", sigma, least=1.5e-154, most=6.7e153)
        object.__setattr__(self, "sigma", float(sigma))


_CLASSES: dict[str, type[Output]] = {cls.name: cls for cls in (Bernoulli, Softmax, Gaussian)}


def make(name: str, settings: dict[str, float]) -> Output:
    """Return the output of this name with these settings.

    >>> make("gaussian", {"sigma": 0.5})
    uwm.Gaussian(sigma=0.5)
    """
    return _CLASSES[name](**settings)


def resolve(output: object) -> Output:
    """Return the output that an argument stands for: a name, or an output itself.

    Raises ValueError for a name that there is not, TypeError for anything else.

    >>> resolve("gaussian")
    uwm.Gaussian(sigma=1.0)
    """
    if not isinstance(output, (str, Output)):
        given = kind(output) if isinstance(output, type) else shown(output)
        raise TypeError(
            f"output must be a name or an output, such as uwm.Gaussian(sigma=0.5), got {given}"
        )
    name = str(output)
    if name not in _CLASSES:
        *others, last = (f"'{known}'" for known in OUTPUTS)
        raise ValueError(f"output must be {', '.join(others)} or {last}, got {shown(name)}")
    return output if isinstance(output, Output) else make(name, _DEFAULTS[name])


def spelled(output: Output) -> str:
    """Return an output as options and settings files write it: its name, then its settings.

    >>> spelled(Gaussian(sigma=0.5)), spelled(Softmax())
    ('gaussian:0.5', 'softmax')
    """
    return ":".join([output.name, *(f"{value:g}" if float(f"{value:g}") == value else repr(value)
                                    for value in output.settings.values())])  # fmt: skip


def spellings() -> tuple[str, ...]:
    """Return how each kind of output is written.

    >>> spellings()
    ('bernoulli', 'softmax', 'gaussian:SIGMA')
    """
    return tuple(":".join([name, *map(str.upper, s)]) for name, s in _DEFAULTS.items())


def parse(spec: str | Output) -> Output:
    """Return the output that a text stands for; settings may be left out. An output is itself.

    spec: as `spelled` writes it.
    Raises ValueError for any other text and for settings out of range.

    >>> parse("gaussian:0.5"), parse("gaussian")
    (uwm.Gaussian(sigma=0.5), uwm.Gaussian(sigma=1.0))
    """
    if isinstance(spec, Output):
        return spec
    name, *values = spec.split(":")
    if name not in _DEFAULTS or len(values) > len(_DEFAULTS[name]):
        raise ValueError(f"output must be one of {', '.join(spellings())}, got {shown(spec)}")
    given = dict(_DEFAULTS[name])
    for key, value in zip(given, values, strict=False):
        try:
            given[key] = float(value)
        except ValueError:
            raise ValueError(f"{key} of the output must be a number, got {shown(value)}") from None
    return make(name, given)
