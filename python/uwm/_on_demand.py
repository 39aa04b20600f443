"""Packages that are loaded when something of theirs is first asked for.

The modules that say what a command's options are lie in packages whose other modules need NumPy.
Its import takes longer than all the rest of a command's help.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any


def find(package: str, name: str) -> Any:
    """Return what `package._public` exports by this name; from then on the package has it all.

    Raises AttributeError if there is no such name.

    >>> find("uwm.tasks", "TASKS")[0]
    'multiplexer'
    """
    if not name.startswith("_") or name == "__all__":
        names = vars(sys.modules[package])
        public = vars(importlib.import_module(f"{package}._public"))
        if "__all__" in public:
            names.update({each: public[each] for each in ("__all__", *public["__all__"])})
        for found in (names, public):  # the second one while it is being loaded
            if name in found:
                return found[name]
    raise AttributeError(f"module {package!r} has no attribute {name!r}")
