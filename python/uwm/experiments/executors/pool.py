"""What an executor stands on: a pool, which makes calls and says what becomes of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from uwm.experiments.cells import Context
from uwm.experiments.progress import Progress

Call = Callable[[Context], Any]


class WorkerLost(RuntimeError):
    """The processes that made a call have ended, each time that it was tried."""


class Unsendable(TypeError):
    """A call cannot be sent to other processes."""


@dataclass(frozen=True)
class Ended:
    """The k-th call has returned a result."""

    k: int
    result: Any


@dataclass(frozen=True)
class Raised:
    """The k-th call has raised an error."""

    k: int
    error: BaseException


@dataclass(frozen=True)
class Lost:
    """The k-th call has got lost with the process that made it."""

    k: int
    reason: str


@dataclass(frozen=True)
class NotBegun:
    """The k-th call has not begun: the pool was stopped before."""

    k: int


@dataclass(frozen=True)
class Told:
    """A call has told how far it is."""

    event: Progress


@dataclass(frozen=True)
class ListenerRaised:
    """The monitor's listener has raised an error."""

    error: BaseException


@dataclass(frozen=True)
class Broken:
    """No call can be made any more; those under way are lost."""

    error: Exception


Happening = Ended | Raised | Lost | NotBegun | Told | ListenerRaised | Broken


class Pool(ABC):
    """Makes calls elsewhere, several at a time. All methods are the matter of one thread."""

    @abstractmethod
    def room(self) -> bool:
        """Return whether another call may be handed over."""

    @abstractmethod
    def begin(self, k: int, call: Call) -> None:
        """Take the k-th call; raise Unsendable for one that cannot be taken."""

    @abstractmethod
    def look(self, seconds: float) -> Iterable[Happening]:
        """Wait at most so long for something to happen, and return what has."""

    @abstractmethod
    def stop(self) -> None:
        """Ask the calls under way to end soon; each of them is still heard of."""

    def __enter__(self) -> Pool:
        return self

    @abstractmethod
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give back threads, processes and connections."""


def cancelled() -> RuntimeError:
    """Return the error of a call that its executor has dropped, though nothing was stopped here."""
    return RuntimeError("the executor has cancelled the call: it was shut down before its turn")


def cannot_start(reason: object) -> RuntimeError:
    """Return the error of an executor whose processes end before they have begun."""
    return RuntimeError(
        f"processes cannot be started here ({reason}): a script that starts some must do so below"
        ' if __name__ == "__main__":'
    )
