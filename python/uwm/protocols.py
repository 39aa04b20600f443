"""What the reference, the analysis and the experiments read of networks, samples and rules.

Whatever has these attributes is one: the engine's classes, the reference's, and your own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class LayerLike(Protocol):
    """What the rules read of a layer."""

    @property
    def weight(self) -> NDArray[Any]: ...
    @property
    def bias(self) -> NDArray[Any]: ...
    @property
    def temperature(self) -> float: ...


class SampleLike(Protocol):
    """What the rules read of a sample: the engine's samples and the reference's both fit."""

    @property
    def inputs(self) -> NDArray[Any]: ...
    @property
    def activations(self) -> Sequence[NDArray[Any]]: ...
    @property
    def logits(self) -> Sequence[NDArray[Any]]: ...
    @property
    def probabilities(self) -> Sequence[NDArray[Any]]: ...
    @property
    def eligibilities(self) -> Sequence[NDArray[Any]]: ...
    @property
    def output(self) -> NDArray[Any]: ...
    @property
    def batch_size(self) -> int: ...


class OutputLike(Protocol):
    """What is read of the kind of an output: it is equal to its name."""

    @property
    def name(self) -> str: ...
    @property
    def settings(self) -> dict[str, float]: ...
    def __eq__(self, other: object, /) -> bool: ...


class NetworkLike(Protocol):
    """What the rules and the analysis read of a network."""

    @property
    def sizes(self) -> tuple[int, ...]: ...
    @property
    def output(self) -> OutputLike: ...
    @property
    def units(self) -> str: ...
    @property
    def temperature(self) -> tuple[float, ...]: ...
    @property
    def dtype(self) -> Any: ...
    @property
    def seed(self) -> int: ...
    @property
    def step(self) -> int: ...
    @property
    def layers(self) -> Sequence[LayerLike]: ...
    def clamp(self, x: Any, activations: Any) -> Any: ...


class RuleLike(Protocol):
    """What the analysis reads of a rule."""

    def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Sequence[NDArray[Any]]: ...
