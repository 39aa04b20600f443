"""Files that keep a run: a network and all that its training depends on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from uwm import _core
from uwm.checks import kind, shown

Path: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Part: TypeAlias = _core.Network | _core.Optimizer | _core.Baseline | float | _core.Log | None

_DTYPES = frozenset(
    np.dtype(name)
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64"),
    )
)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a file of ``save`` holds.

    It unpacks in the order of ``save`` into as many parts as the file holds, at least two:
    ``net, optimizer = uwm.load(path)``, and ``net, optimizer, baseline = uwm.load(path)`` where a
    baseline was saved. ``extra`` is read by its name alone.

    >>> import os, tempfile, uwm
    >>> path = os.path.join(tempfile.mkdtemp(), "run.safetensors")
    >>> uwm.save(path, uwm.Network([3, 1]), baseline=0.5, extra={"task": "digits"})
    >>> net, optimizer, baseline = uwm.load(path)
    >>> optimizer, baseline, uwm.load(path).extra
    (None, 0.5, {'task': 'digits'})
    """

    net: _core.Network
    optimizer: _core.Optimizer | None
    baseline: _core.Baseline | float | None
    log: _core.Log | None
    extra: dict[str, npt.NDArray[Any] | str]

    def __iter__(self) -> Iterator[Any]:
        parts: list[Part] = [self.net, self.optimizer, self.baseline, self.log]
        while len(parts) > 2 and parts[-1] is None:
            parts.pop()
        return iter(parts)


def save(
    path: Path,
    net: _core.Network,
    optimizer: _core.Optimizer | None = None,
    baseline: _core.Baseline | float | None = None,
    log: _core.Log | None = None,
    *,
    extra: Mapping[str, npt.ArrayLike | str] | None = None,
) -> None:
    """Write a network and all that its training depends on as one safetensors file.

    The network's place in the random numbers is part of it. The file appears whole or not at all,
    and has a checksum. One that it replaces keeps its mode, and a symbolic link stays one.

    Args:
        path: name of the file.
        net: Network.
        optimizer: SGD or Adam, or None.
        baseline: RunningMean or a number, or None.
        log: what ``train`` returned, or None.
        extra: arrays of real numbers (bool, integers, float16 to float64; any shape) and texts of
            your own, by name.

    Raises:
        OSError: the file cannot be written; FileNotFoundError, PermissionError and so on, as
            ``open`` raises them.
        ValueError: a parameter is NaN or infinite; a path with a NUL.
        TypeError: a part that cannot be loaded again, such as a baseline or optimizer of your own:
            keep its numbers in extra.
        RuntimeError: another thread changes a part.

    >>> import os, tempfile, uwm
    >>> net, adam, mean = uwm.Network([3, 4, 1]), uwm.Adam(), uwm.RunningMean()
    >>> path = os.path.join(tempfile.mkdtemp(), "run.safetensors")
    >>> uwm.save(path, net, adam, mean, extra={"seen": [3, 1, 4]})
    >>> net, adam, mean = uwm.load(path)
    """
    if not isinstance(net, _core.Network):
        raise TypeError(f"net must be a uwm.Network, got {kind(net)}")
    if log is not None and not isinstance(log, _core.Log):
        raise TypeError(f"log must be a uwm.Log, got {kind(log)}")
    _core.save_checkpoint(
        path_name(path),
        net,
        _optimizer(optimizer),
        _baseline(baseline),
        log,
        {} if extra is None else _extra(extra),
    )


def load(path: Path) -> Checkpoint:
    """Read what ``save`` wrote. Training goes on from it bit for bit.

    Raises:
        OSError: the file cannot be read; FileNotFoundError, PermissionError and so on, as ``open``
            raises them.
        FileError: it is damaged, or is no file of ``save``.

    >>> import uwm
    >>> uwm.load("nowhere.safetensors")
    Traceback (most recent call last):
        ...
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.safetensors'
    """
    return Checkpoint(*_core.load_checkpoint(path_name(path)))


def path_name(path: Path) -> str:
    """Return the name of a file as a text, or raise for what no file can be called."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(f"path must be a str, bytes or path, got {kind(path)}")
    name = os.fsdecode(path)
    if "\0" in name:
        raise ValueError(f"a path must not hold a NUL, got {name!r}")
    os.fsencode(name)  # raises UnicodeEncodeError for what no file can be called
    return name


def _overrides(part: object, kind: type, methods: tuple[str, ...]) -> bool:
    return any(getattr(type(part), name) is not getattr(kind, name) for name in methods)


def _optimizer(optimizer: object) -> _core.Optimizer | None:
    if optimizer is None:
        return None
    if not isinstance(optimizer, _core.Optimizer):
        raise TypeError(f"optimizer must be a uwm.Optimizer or None, got {kind(optimizer)}")
    if not isinstance(optimizer, _core.optimizer_classes()) or _overrides(
        optimizer, _core.Optimizer, ("step",)
    ):
        raise TypeError(
            f"an optimizer of your own, {type(optimizer).__name__}, cannot be loaded again: "
            "save it as None and keep its numbers in extra="
        )
    return optimizer


def _baseline(baseline: object) -> _core.Baseline | float | None:
    if baseline is None:
        return None
    if isinstance(baseline, _core.Baseline):
        replaced = _overrides(baseline, _core.Baseline, ("predict", "update"))
        if isinstance(baseline, _core.baseline_classes()) and not replaced:
            return baseline
        raise TypeError(
            f"a baseline of your own, {type(baseline).__name__}, cannot be loaded again: "
            "save it as None and keep its numbers in extra="
        )
    if isinstance(baseline, Real):
        try:
            return float(baseline)
        except OverflowError:
            raise ValueError(f"baseline must be finite, got {shown(baseline)}") from None
    classes = " or ".join(f"a uwm.{cls.__name__}" for cls in _core.baseline_classes())
    raise TypeError(f"baseline must be {classes}, a number or None, got {kind(baseline)}")


def _extra(extra: object) -> dict[str, npt.NDArray[Any] | str]:
    if not isinstance(extra, Mapping):
        raise TypeError(f"extra must be a dict of arrays and texts by name, got {kind(extra)}")
    return {_key(name): _value(name, value) for name, value in extra.items()}


def _key(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the names in extra must be texts, got {name!r}")
    if not name:
        raise ValueError("the names in extra must not be empty")
    return _utf8(name)


def _utf8(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"texts in extra must be Unicode, got {text!r}") from None
    return str(text)


def _value(name: str, value: object) -> npt.NDArray[Any] | str:
    if isinstance(value, str):
        return _utf8(value)
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"extra[{name!r}] is a masked array: its mask would be lost")
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"extra[{name!r}] must be an array or a text, got {kind(value)}") from None
    array = array.astype(array.dtype.newbyteorder("="), order="C", copy=False)
    if array.dtype not in _DTYPES:
        raise TypeError(
            f"extra[{name!r}] must be a text or an array of bool, integers or float16 to float64, "
            f"got {kind(value)} of dtype {array.dtype}"
        )
    return array
