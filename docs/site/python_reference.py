"""The reference of the Python package: a page per public module, made from docstrings."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from types import ModuleType

from sphinx.ext.autodoc.mock import mock

MODULES = [
    "uwm",
    "uwm.tasks",
    "uwm.rl",
    "uwm.sklearn",
    "uwm.torch",
    "uwm.analysis",
    "uwm.experiments",
    "uwm.report",
    "uwm.reference",
]
# Packages that a module may need; one that is not installed is replaced by an empty one.
OPTIONAL = ["torch", "sklearn", "gymnasium", "pandas", "optuna", "matplotlib"]
MISSING = [name for name in OPTIONAL if importlib.util.find_spec(name) is None]

INDEX = """\
Python
======

Every public function and class of the package, from its docstring.
:doc:`/docs/python` is the same in sentences.

.. toctree::
   :maxdepth: 1

"""


def pages() -> dict[str, str]:
    """Return the text of each page by its name."""
    names = [name for name in MODULES if importlib.util.find_spec(name) is not None]
    with mock(MISSING):
        modules = [importlib.import_module(name) for name in names]
    made = {f"reference/python/{m.__name__}.rst": page(m, modules) for m in modules}
    entries = "".join(f"   python/{name}\n" for name in names)
    return {"reference/python.rst": INDEX + entries, **made}


def page(module: ModuleType, modules: list[ModuleType]) -> str:
    """Return the page of a module: what it is for, then its classes, functions and data."""
    title = module.__name__
    lines = [title, "=" * len(title), "", f".. automodule:: {title}", ""]
    sections: dict[str, list[str]] = {"Classes": [], "Functions": [], "Errors": [], "Data": []}
    for name in sorted(module.__all__):
        thing = getattr(module, name)
        if isinstance(thing, ModuleType) or name == "__version__":
            continue
        home = home_of(thing, name, modules)
        if home not in (None, title):
            continue
        kind, directive = kind_of(thing)
        sections[kind] += [f".. {directive}:: {title}.{name}"]
        if inspect.isclass(thing):
            sections[kind] += ["   :members:"]
            # The bases that a reader can look up, not those of the binding or of the language.
            if any(home_of(base, base.__name__, modules) for base in thing.__bases__):
                sections[kind] += ["   :show-inheritance:"]
        sections[kind] += [""]
    for heading, found in sections.items():
        if found:
            lines += [heading, "-" * len(heading), "", *found]
    return "\n".join(lines)


def home_of(thing: object, name: str, modules: list[ModuleType]) -> str | None:
    """Return the public module where a thing says that it lives, or None if that is private."""
    for module in modules:
        if module.__name__ == getattr(thing, "__module__", None) and name in module.__all__:
            return module.__name__
    return None


def kind_of(thing: object) -> tuple[str, str]:
    """Return the section that a thing stands in, and Sphinx's directive for it."""
    if inspect.isclass(thing):
        return ("Errors" if issubclass(thing, BaseException) else "Classes"), "autoclass"
    return ("Functions", "autofunction") if callable(thing) else ("Data", "autodata")
