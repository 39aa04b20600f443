"""Methods of the engine's classes that a subclass replaces although nothing would call them."""

from collections.abc import Collection
from typing import Any

from uwm import _core


def refuse_overrides(thing: Any, honoured: Collection[str], who: str) -> None:
    """Raise TypeError if the class of `thing` replaces a public name that `who` passes over.

    honoured: the names that may be replaced.
    """
    cls = type(thing)
    for owner in cls.__mro__:
        if getattr(_core, owner.__name__, None) is owner:
            return
        base = next(c for c in cls.__mro__ if getattr(_core, c.__name__, None) is c)
        for name in vars(owner):
            public = not name.startswith("_") or name == "__call__"
            if public and name not in honoured and name in dir(base):
                raise TypeError(
                    f"{cls.__name__} replaces {base.__name__}.{name}, which {who} does not use"
                )
