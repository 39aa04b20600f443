"""Classes of the user's own by name: `mine.py:MyRule` in a file, `package.module:MyRule` imported.

Rules and tasks are given so, to the command line, in settings files and in Python.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any


def is_own(spec: str) -> bool:
    """Tell whether a name is that of a class of the user's own.

    >>> is_own("mine.py:MyRule"), is_own("package.module:MyRule"), is_own("ste")
    (True, True, False)
    """
    where, colon, name = spec.rpartition(":")
    return bool(colon and where) and name.isidentifier()


def make_own(what: str, spec: str) -> Any:
    """Return a new object of the class that a name stands for, made without arguments.

    The module is loaded once, and again after its file has changed.
    what: what it is for, the first word of a message.
    Raises ValueError if there is no such class or it needs arguments, OSError for a missing file,
    ImportError for a missing module, and whatever the module or the class raises.

    >>> make_own("rules", "uwm:WeightMax").name
    'weight_max'
    """
    where, _, name = spec.rpartition(":")
    module = _from_file(Path(where)) if where.endswith(".py") else importlib.import_module(where)
    made = getattr(module, name, None)
    if not isinstance(made, type):
        raise ValueError(f"{what} must name a class, got {spec}: {where} has no class {name!r}")
    try:
        inspect.signature(made).bind()
    except TypeError as error:
        raise ValueError(
            f"{what} must name a class without arguments, got {spec}: {error}"
        ) from error
    except ValueError:  # a class of C++, whose signature Python does not know
        pass
    return made()


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise FileNotFoundError(2, "No such file", str(path))
    path = path.resolve()
    status = os.stat(path)
    stamp = (status.st_mtime_ns, status.st_size)
    name = path.stem
    if name in sys.modules and getattr(sys.modules[name], "__file__", None) != str(path):
        name = f"uwm_own_{name}"  # a file may be called numpy.py
    loaded = sys.modules.get(name)
    if getattr(loaded, "__file__", None) == str(path) and (
        getattr(loaded, "__uwm_stamp__", None) == stamp
    ):
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # what the file's own classes look themselves up in
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    module.__uwm_stamp__ = stamp
    return sys.modules[name]


def own_files(specs: Iterable[str]) -> set[str]:
    """Return the files of the names that are a user's own, as tracebacks call them."""
    files = set()
    for spec in specs:
        where = spec.rpartition(":")[0]
        if where.endswith(".py"):
            files.add(str(Path(where).resolve()))
        elif where:
            files.add(str(getattr(sys.modules.get(where), "__file__", None) or ""))
    return files - {""}
