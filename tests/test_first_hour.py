"""What somebody tries in the first hour, and gets wrong: one sentence that says how it goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import uwm
from uwm import report
from uwm.cli import main
from uwm.experiments import (
    Plan,
    Search,
    Settings,
    compare,
    gradients,
    measure_scaling,
    tune,
)

SMALL = Settings(address_bits=1, hidden=(4,), rules=("ste",), episodes=16, seeds=1)


def plan(**more: Any) -> Plan:
    return Plan(SMALL, widths=(2,), depths=(), factors=(1,), samples=2048, **more)


def anything(value: Any) -> Any:
    return value


WRONG: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "a name for settings": (
        lambda: compare(anything("multiplexer")),
        TypeError,
        "settings must be uwm.experiments.Settings, got 'multiplexer'",
    ),
    "a dict for settings": (
        lambda: compare(anything({"task": "digits"})),
        TypeError,
        "settings must be uwm.experiments.Settings, got {'task': 'digits'}",
    ),
    "settings for a search": (
        lambda: tune(anything(SMALL)),
        TypeError,
        "search must be a uwm.experiments.Search, such as Search(settings), got Settings(",
    ),
    "a name for a search's settings": (
        lambda: Search(anything("digits")),
        TypeError,
        "settings must be uwm.experiments.Settings, got 'digits'",
    ),
    "settings for a plan": (
        lambda: measure_scaling(anything(SMALL)),
        TypeError,
        "plan must be a uwm.experiments.Plan, such as Plan(settings), got Settings(",
    ),
    "a name for a plan's settings": (
        lambda: Plan(anything("digits")),
        TypeError,
        "settings must be uwm.experiments.Settings, got 'digits'",
    ),
    "a rule for a study's settings": (
        lambda: gradients(anything("ste")),
        TypeError,
        "settings must be uwm.experiments.Settings, got 'ste'",
    ),
    "one rule for a list": (
        lambda: gradients(SMALL, "ste"),
        TypeError,
        "rules must be a sequence, got 'ste'",
    ),
    "no rules": (lambda: gradients(SMALL, []), ValueError, "rules must be at least one, got none"),
    "a number for a network": (
        lambda: gradients(SMALL, network=anything(3)),
        TypeError,
        "network must be a uwm.Network, got 3",
    ),
    "a name for a task object": (
        lambda: compare(SMALL, task=anything("digits")),
        TypeError,
        "task must be a uwm.Task (the settings take a name), got 'digits'",
    ),
    "an array for a task": (
        lambda: compare(SMALL, task=anything(np.ones(2))),
        TypeError,
        "task must be a uwm.Task (the settings take a name), got array([1., 1.])",
    ),
    "a number for a task's name": (
        lambda: uwm.tasks.resolve(anything(3)),
        TypeError,
        "task must be a name, got 3",
    ),
    "a number for a file": (
        lambda: uwm.tasks.from_file(anything(3)),
        TypeError,
        "path must be a path, got 3",
    ),
    "a number for a folder": (
        lambda: report.write(compare(SMALL), anything(3)),
        TypeError,
        "folder must be a path, got 3",
    ),
    "the class's name for a rule": (
        lambda: compare(Settings(rules=("WeightMax",))),
        ValueError,
        "file.py:Class, got 'WeightMax' (did you mean weight_max?)",
    ),
    "a rule that took no part": (
        lambda: compare(SMALL).of("weight_max"),
        ValueError,
        "rule must be one of ste, got 'weight_max'",
    ),
    "a rule that was not measured": (
        lambda: measure_scaling(plan()).exponent("weight_max"),
        ValueError,
        "rule must be one of ste, got 'weight_max'",
    ),
    "an axis that there is not": (
        lambda: measure_scaling(plan()).exponent("ste", "size"),
        ValueError,
        "axis must be one of width, depth, got 'size'",
    ),
    "a quantity that there is not": (
        lambda: measure_scaling(plan()).exponent("ste", quantity="noise"),
        ValueError,
        "quantity must be one of noise_to_signal, ",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_one_sentence_says_what_is_expected(what: str) -> None:
    call, kind, message = WRONG[what]
    with pytest.raises(kind) as error:
        call()
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("call", ["compare", "tune", "measure_scaling", "gradients"])
def test_what_cannot_be_called_is_no_progress_function(call: str) -> None:
    if call == "tune":
        pytest.importorskip("optuna")
    calls: dict[str, Callable[[], object]] = {
        "compare": lambda: compare(SMALL, progress=anything(3)),
        "tune": lambda: tune(Search(SMALL, trials=1, finalists=0), progress=anything(3)),
        "measure_scaling": lambda: measure_scaling(plan(), progress=anything(3)),
        "gradients": lambda: gradients(SMALL, progress=anything(3)),
    }
    with pytest.raises(TypeError, match="progress must be callable, got 3"):
        calls[call]()


def test_a_search_takes_a_path_and_a_function() -> None:
    search = Search(SMALL, trials=1, finalists=0)
    with pytest.raises(TypeError, match="finished must be callable, got 3"):
        tune(search, finished=anything(3))
    with pytest.raises(TypeError, match="folder must be a path, got 3"):
        tune(search, store=anything(3))


def test_a_search_tells_of_a_rule_that_was_not_searched() -> None:
    pytest.importorskip("optuna")
    with pytest.raises(ValueError, match="rule must be one of ste, got 'reinforce'"):
        tune(Search(SMALL, trials=1, finalists=0)).best("reinforce")


def test_spaces_around_names_do_not_count(tmp_path: Path, capsys: Any) -> None:
    few = ["compare", "--address-bits", "1", "--hidden", "4, 2", "--episodes", "16", "--seeds", "1"]
    quiet = ["--quiet", "--no-plot", "--out", str(tmp_path / "out")]
    assert main([*few, *quiet, "--rules", "ste, weight_max"]) == 0
    assert "weight_max" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "option", "meant"),
    [("compare", "--rule", "--rules"), ("gradients", "--rule=ste", "--rules"),
     ("tune", "--trial", "--trials"), ("scaling", "--hiden", None),
     ("gradients", "--settings", None)],
)  # fmt: skip
def test_a_misspelt_option_is_told_what_it_may_have_been(
    command: str, option: str, meant: str | None, capsys: Any
) -> None:
    assert main([command, option, "x"]) == 2
    err = capsys.readouterr().err
    assert f"unrecognized arguments: {option}" in err
    assert (f"(did you mean {meant}?)" in err) if meant else ("did you mean" not in err)


@pytest.mark.parametrize("command", ["compare", "tune", "scaling", "gradients"])
def test_help_says_that_rules_and_tasks_may_be_ones_own(command: str, capsys: Any) -> None:
    main([command, "--help"])
    assert capsys.readouterr().out.count("file.py:Class") == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"hidden": 8}', "s.json: hidden must be a sequence, got 8"),
        ('{"rules": "ste"}', "s.json: rules must be a sequence, got 'ste'"),
        ('{"seeds": 0}', "s.json: seeds must be at least 1, got 0"),
        ('{"output": "gauss"}', "s.json: output must be one of bernoulli"),
    ],
)
def test_a_mistake_in_a_settings_file_names_the_file(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.json").write_text(text)
    assert main(["compare", "--settings", "s.json"]) == 2
    assert message in capsys.readouterr().err
    # An option wins over the file, and its mistakes are its own.
    assert main(["compare", "--settings", "s.json", "--seeds", "-1", "--hidden", "4"]) == 2
    err = capsys.readouterr().err
    assert "s.json: seeds" not in err
