"""Calls and what they return, as bytes on their way between processes."""

from __future__ import annotations

import pickle
import traceback
from functools import partial
from pathlib import Path
from typing import Any

import uwm
from uwm.checks import kind, one_line, shortened
from uwm.experiments.cells import Context
from uwm.experiments.executors.pool import Call, Ended, Happening, Raised, Unsendable

LONGEST = 200  # characters of a reason


class RemoteTraceback(Exception):
    """The cause of an error that was raised in another process: its traceback there, as text."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def packed(call: Call) -> bytes:
    """Return a call as bytes. cloudpickle, if installed, packs what pickle does not.

    Raises Unsendable, which names what cannot be sent.

    >>> packed(lambda context: open("x"))[:0]
    b''
    """
    try:
        return pickle.dumps((uwm.__version__, call), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        refused = error
    advice = "install cloudpickle, or use the executor threads"
    try:
        import cloudpickle

        return bytes(cloudpickle.dumps((uwm.__version__, call)))
    except ImportError:
        pass
    except Exception as error:
        refused, advice = error, "use the executor threads"
    raise Unsendable(
        f"{_named(call)} must be picklable for other processes: {_reason(refused)} ({advice})"
    ) from refused


def unpacked(data: bytes) -> Call:
    """Return the call that bytes hold.

    Raises RuntimeError where another version of uwm has packed them: results would carry a version
    that did not make them.
    """
    version, call = pickle.loads(data)
    if version != uwm.__version__:
        raise RuntimeError(
            f"the worker's uwm must be {version}, as where it was started, got {uwm.__version__}"
        )
    made: Call = call
    return made


def made(data: bytes, context: Context) -> bytes:
    """Make a packed call and return what came of it, packed, too; raise nothing."""
    try:
        result = unpacked(data)(context)
    except BaseException as error:
        return _packed_error(error)
    try:
        return pickle.dumps((True, result, ""), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        refused = TypeError(f"the result must be picklable, got {kind(result)}: {_reason(error)}")
        return _packed_error(refused)


def _packed_error(error: BaseException) -> bytes:
    text = "".join(traceback.format_exception(error)).rstrip()
    try:
        data = pickle.dumps((False, error, text), pickle.HIGHEST_PROTOCOL)
        pickle.loads(data)  # errors that take other arguments than they keep fail here
        return data
    except Exception:
        words = RuntimeError(f"{type(error).__name__}: {error}".removesuffix(": "))
        return pickle.dumps((False, words, text), pickle.HIGHEST_PROTOCOL)


def shared(folder: Path | None) -> Path | None:
    """Return the folder of checkpoints, None on a machine that does not share the disk it is on."""
    return folder if folder is not None and folder.parent.is_dir() else None


def reply(k: int, data: bytes) -> Happening:
    """Return what came of the k-th call, as `made` has packed it."""
    try:
        well, value, text = pickle.loads(data)
    except Exception as error:
        return Raised(k, TypeError(f"the result cannot be unpickled: {_reason(error)}"))
    if well:
        return Ended(k, value)
    value.__cause__ = RemoteTraceback(text)
    return Raised(k, value)


def _named(call: Any) -> str:
    while isinstance(call, partial):
        call = call.func
    name = getattr(call, "__qualname__", None)
    return f"the call {name}" if name else f"the call, {kind(call)},"


def _reason(error: BaseException) -> str:
    return shortened(one_line(str(error)), LONGEST) or type(error).__name__
