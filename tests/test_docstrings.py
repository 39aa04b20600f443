"""The examples in the docstrings of everything public run, and everything public has one."""

import doctest
import importlib.util
import inspect
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import pytest

import uwm
import uwm.analysis
import uwm.experiments
import uwm.reference
import uwm.report

MODULES = [uwm, uwm.tasks, uwm.analysis, uwm.experiments, uwm.reference, uwm.report]
if importlib.util.find_spec("gymnasium") is not None:
    import uwm.rl

    MODULES.append(uwm.rl)
if importlib.util.find_spec("sklearn") is not None:
    import uwm.sklearn

    MODULES.append(uwm.sklearn)
if importlib.util.find_spec("torch") is not None:
    import uwm.torch

    MODULES.append(uwm.torch)


def public(module: ModuleType) -> list[tuple[str, object]]:
    """The public functions and classes of a module, and the methods of the classes."""
    found = []
    for name in module.__all__:
        thing = getattr(module, name)
        if not callable(thing):
            continue
        found.append((f"{module.__name__}.{name}", thing))
        if inspect.isclass(thing):
            for member, value in vars(thing).items():
                if not member.startswith("_") and callable(value):
                    found.append((f"{module.__name__}.{name}.{member}", value))
    return found


THINGS = [pair for module in MODULES for pair in public(module)]


@pytest.mark.parametrize(("name", "thing"), THINGS, ids=[name for name, _ in THINGS])
def test_docstring(
    name: str, thing: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # examples leave their folders behind
    doc = inspect.getdoc(thing)
    assert doc, f"{name} has no docstring"
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    names = dict(vars(sys.modules[getattr(thing, "__module__", None) or "uwm"]))
    test = parser.get_doctest(doc, names, name, None, None)
    runner.run(test)
    assert runner.failures == 0


@pytest.mark.parametrize("name", [n for n in uwm.__all__ if callable(getattr(uwm, n))])
def test_public_names_of_the_engine_have_an_example(name: str) -> None:
    thing = getattr(uwm, name)
    if inspect.isclass(thing) and issubclass(thing, BaseException):
        return
    documented = [thing, *(vars(thing).values() if inspect.isclass(thing) else [])]
    assert any(">>>" in (inspect.getdoc(d) or "") for d in documented)
