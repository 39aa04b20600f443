"""A name means one thing: no function hides the module that it is in from its package."""

from __future__ import annotations

import importlib
import pkgutil
import types
from collections.abc import Iterator

import uwm


def packages(name: str = "uwm") -> Iterator[types.ModuleType]:
    module = importlib.import_module(name)
    if hasattr(module, "__path__"):
        yield module
        for inner in pkgutil.iter_modules(module.__path__):
            if inner.ispkg:
                yield from packages(f"{name}.{inner.name}")


def test_no_module_is_hidden_by_what_its_package_exports() -> None:
    hidden = [
        f"{package.__name__}.{inner.name}"
        for package in packages()
        for inner in pkgutil.iter_modules(package.__path__)
        if not isinstance(vars(package).get(inner.name), (types.ModuleType, type(None)))
    ]
    assert hidden == []


def test_what_is_exported_is_there() -> None:
    for package in packages():
        missing = [name for name in getattr(package, "__all__", ()) if not hasattr(package, name)]
        assert missing == [], package.__name__
    assert all(hasattr(uwm, name) for name in uwm.__all__)
