"""Observations as numbers for the agent, and the agent's actions as an environment takes them."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


def gymnasium() -> Any:
    """Return the package gymnasium.

    Raises ImportError that says how to install it.

    >>> gymnasium().__name__
    'gymnasium'
    """
    try:
        return importlib.import_module("gymnasium")
    except ImportError as error:
        raise ImportError(
            "uwm.rl needs gymnasium for environments: pip install 'uwm[rl]'"
        ) from error


@dataclass(frozen=True)
class Observations:
    """What a space of observations becomes: numbers as they are, or one-hot.

    kind: "Box", "MultiBinary" or "Discrete". shape: of one observation. n: numbers that it becomes.
    start: the first of n values of "Discrete".
    """

    kind: str
    shape: tuple[int, ...]
    n: int
    start: int = 0

    def encode(self, observation: Any) -> npt.NDArray[Any]:
        """Return one observation as (n,) numbers; raise ValueError if it is none of the space."""
        given: npt.NDArray[Any] = np.asarray(observation)
        if given.shape != self.shape:
            raise ValueError(f"observation must have shape {self.shape}, got {given.shape}")
        encoded: npt.NDArray[Any] = self.encode_batch(given[None])[0]
        return encoded

    def encode_batch(self, observations: Any) -> npt.NDArray[Any]:
        """Return a batch of observations as (batch, n) numbers; raise ValueError for others."""
        given: npt.NDArray[Any] = np.asarray(observations)
        if given.shape[1:] != self.shape or given.ndim == 0:
            wanted = ("batch", *self.shape)
            raise ValueError(
                f"observations must have shape ({', '.join(map(str, wanted))}), got {given.shape}"
            )
        if self.kind != "Discrete":
            return given.reshape(len(given), self.n)
        one_hot = np.asarray(np.arange(self.n) == given[:, None] - self.start, np.float32)
        if not one_hot.any(axis=1).all():
            last = self.start + self.n - 1
            wrong = given[~one_hot.any(axis=1)][0]
            raise ValueError(
                f"observation must be a whole number from {self.start} to {last}, got {wrong}"
            )
        return one_hot

    def is_batch(self, observation: Any) -> bool:
        """Tell a batch of observations from a single one."""
        return np.ndim(observation) > len(self.shape)


@dataclass(frozen=True)
class ActionsOf:
    """A space of actions.

    kind: "Discrete" or "Box". n: of actions, or numbers in one. start: the first action.
    low, high, shape, dtype: of a Box.
    """

    kind: str
    n: int
    start: int = 0
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    shape: tuple[int, ...] = ()
    dtype: str = "float32"

    def for_engine(self) -> Any:
        """Return what the engine's agent is made with."""
        return self.n if self.kind == "Discrete" else (np.array(self.low), np.array(self.high))

    def decode(self, action: Any) -> Any:
        """Return one action as an environment takes it."""
        if self.kind == "Discrete":
            return np.int64(action + self.start)
        return action.astype(self.dtype, copy=False).reshape(self.shape)

    def decode_batch(self, actions: Any) -> Any:
        """Return a batch of actions as a vector environment takes them."""
        if self.kind == "Discrete":
            return actions + self.start
        return actions.astype(self.dtype, copy=False).reshape(len(actions), *self.shape)


def observations_of(space: Any) -> Observations:
    """Return what a space of gymnasium becomes.

    Raises ValueError for a kind that is not supported.

    >>> import gymnasium
    >>> observations_of(gymnasium.spaces.Discrete(5)).n
    5
    """
    kind = type(space).__name__
    if kind == "Discrete":
        return Observations(kind, (), int(space.n), int(space.start))
    if kind in ("Box", "MultiBinary"):
        return Observations(kind, tuple(space.shape), int(np.prod(space.shape)))
    hint = ": wrap the environment in FlattenObservation" if kind in ("Dict", "Tuple") else ""
    raise ValueError(
        f"the observations must be a Box, Discrete or MultiBinary space, got {kind}{hint}"
    )


def actions_of(space: Any) -> ActionsOf:
    """Return what a space of actions is to the agent.

    Raises ValueError for a kind that is not supported.

    >>> import gymnasium
    >>> actions_of(gymnasium.spaces.Discrete(2)).n
    2
    """
    kind = type(space).__name__
    if kind == "Discrete":
        return ActionsOf(kind, int(space.n), int(space.start))
    if kind == "Box" and np.issubdtype(space.dtype, np.floating):
        low, high = (tuple(float(x) for x in np.ravel(b)) for b in (space.low, space.high))
        return ActionsOf(kind, len(low), 0, low, high, tuple(space.shape), str(space.dtype))
    raise ValueError(
        "the actions must be a Discrete space or a Box of floating-point numbers, got "
        + (f"a Box of {space.dtype}" if kind == "Box" else kind)
    )
