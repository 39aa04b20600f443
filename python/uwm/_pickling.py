"""What a pickle of an engine's object calls when it is read.

A pickle holds `rebuild`, the class with the engine's part of the state, and the attributes that a
subclass has added.
"""

from typing import Any


def rebuild(cls: Any, state: Any) -> Any:
    """Return a new object of the class from the engine's part of its state.

    Raises ValueError if the state is damaged.
    """
    make = getattr(cls, "_rebuild", None)
    if make is None:
        raise ValueError(f"a pickle must name a class of uwm, got {cls!r:.80}")
    return make(cls, state)


def set_attributes(target: Any, attributes: Any) -> None:
    """Give an object the attributes of another, in the form that `__getstate__` returns."""
    if hasattr(target, "__setstate__"):
        target.__setstate__(attributes)
        return
    own, slots = attributes if isinstance(attributes, tuple) else (attributes, None)
    if own:
        target.__dict__.update(own)
    for name, value in (slots or {}).items():
        setattr(target, name, value)
