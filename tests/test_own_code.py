"""A rule or a task of one's own, `mine.py:MyRule`, works in every command; one that raises costs
only its own results, and Ctrl-C costs nothing that is finished."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import uwm
from uwm import report
from uwm.cli import main
from uwm.experiments import (
    Plan,
    Progress,
    Search,
    Settings,
    compare,
    gradients,
    measure_scaling,
    tune,
)
from uwm.rules import resolve

Captured = pytest.CaptureFixture[str]

MINE = """
import numpy as np, uwm

class Half(uwm.Rule):
    def unit_rewards(self, net, sample, reward):
        made = [np.outer(0.5 * np.asarray(reward), np.ones(n)) for n in net.sizes[1:]]
        return [*made[:-1], 2 * made[-1]]

class Raises(uwm.Rule):
    def unit_rewards(self, net, sample, reward):
        raise RuntimeError("no reward for you")

class Needy(uwm.Rule):
    def __init__(self, a): ...

class Coin(uwm.tasks.Task):
    n_inputs, n_outputs = 2, 1
    def inputs(self, seed, step, batch_size):
        return np.ones((batch_size, 2), dtype=np.float32)
    def reward(self, seed, step, sample):
        return sample.output[:, 0] * 2.0 - 1.0
"""
FEW = ["--address-bits", "1", "--episodes", "16", "--quiet"]
COMMANDS: dict[str, list[str]] = {
    "compare": ["compare", *FEW, "--hidden", "4", "--seeds", "2", "--no-plot"],
    "tune": ["tune", *FEW, "--hidden", "4", "--trials", "2", "--finalists", "0"],
    "scaling": ["scaling", *FEW, "--widths", "4", "--depths", "none", "--samples", "2048",
                "--seeds", "1", "--factors", "1", "--no-plot"],
    "gradients": ["gradients", *FEW, "--hidden", "3", "--no-plot"],
}  # fmt: skip
SMALL = Settings(address_bits=1, hidden=(4,), rules=("ste",), episodes=16, seeds=2)


@pytest.fixture(autouse=True)
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(MINE)


def rows(path: str) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


TABLES = {"compare": "runs", "tune": "trials", "scaling": "scaling", "gradients": "gradients"}


@pytest.mark.parametrize("command", COMMANDS)
def test_my_rule_from_a_file_in_every_command(command: str, capsys: Captured) -> None:
    if command == "tune":
        pytest.importorskip("optuna")
    assert main([*COMMANDS[command], "--rules", "ste,mine.py:Half"]) == 0
    assert "mine.py:Half" in capsys.readouterr().out
    found = rows(f"uwm-{command}/{TABLES[command]}.csv")
    assert {row["rule"] for row in found} == {"ste", "mine.py:Half"}


@pytest.mark.parametrize("command", COMMANDS)
def test_my_task_from_a_file_in_every_command(command: str, capsys: Captured) -> None:
    if command == "tune":
        pytest.importorskip("optuna")
    options = ["--rules", "reinforce", "--task", "mine.py:Coin", "--json"]
    assert main([*COMMANDS[command], *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found.get("task", found.get("settings", found)) in ("mine.py:Coin", found)


@pytest.mark.parametrize("command", COMMANDS)
def test_my_rule_that_raises_costs_only_its_own_results(command: str, capsys: Captured) -> None:
    if command == "tune":
        pytest.importorskip("optuna")
    assert main([*COMMANDS[command], "--rules", "ste,mine.py:Raises"]) == 1
    err = capsys.readouterr().err
    assert "mine.py:Raises: not finished: " in err
    assert "RuntimeError: no reward for you (mine.py, line 11)" in err
    found = rows(f"uwm-{command}/{TABLES[command]}.csv")
    assert "ste" in {row["rule"] for row in found}


def test_my_rule_in_a_settings_file_and_to_train_with(capsys: Captured) -> None:
    Path("s.json").write_text(json.dumps({"rules": ["mine.py:Half"], "episodes": 16}))
    assert main([*COMMANDS["compare"], "--settings", "s.json"]) == 0
    again = ["compare", "--settings", "uwm-compare/settings.json", "--no-plot", "--quiet"]
    assert main(again) == 0
    train = ["--rules", "ste", "--train-with", "mine.py:Half", "--checkpoints", "1"]
    assert main([*COMMANDS["gradients"], *train]) == 0
    settings = json.loads(Path("uwm-gradients/settings.json").read_text())
    assert settings["train_with"] == "mine.py:Half"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rules", "mine.py:Nope"], "mine.py has no class 'Nope'"),
        (["--rules", "mine.py:Needy"], "rules must name a class without arguments"),
        (["--rules", "mine.py:Coin"], "rules must name"),
        (["--rules", "nope.py:A"], "nope.py: No such file"),
        (["--rules", "nope:A"], "No module named 'nope'"),
        (["--task", "mine.py:Half"], "task must name a subclass of uwm.Task, got mine.py:Half"),
        (["--task", "mine.py:Nope"], "mine.py has no class 'Nope'"),
    ],
)
@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_rule_or_task_gets_one_line(
    command: str, options: list[str], message: str, capsys: Captured
) -> None:
    if command == "tune":
        pytest.importorskip("optuna")
    assert main([*COMMANDS[command], *options]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_a_file_that_has_changed_is_loaded_again() -> None:
    first = resolve("mine.py:Half")
    assert type(resolve("mine.py:Half")) is type(first)
    Path("mine.py").write_text(MINE.replace("0.5 *", "0.25 *"))
    assert type(resolve("mine.py:Half")) is not type(first)


# Ctrl-C


def stop_after(count: int) -> Any:
    def listen(event: Progress) -> None:
        nonlocal count
        count -= event.step >= event.steps
        if count < 0:
            raise KeyboardInterrupt

    return listen


def test_ctrl_c_in_compare_hands_over_what_was_finished() -> None:
    with pytest.raises(uwm.Interrupted, match="1 runs were finished") as stop:
        compare(SMALL, jobs=1, progress=stop_after(1))
    error: Any = stop.value
    assert len(error.result.runs) == 1
    assert [run.reason for run in error.result.unfinished] == ["interrupted"]


def test_ctrl_c_in_tune_hands_over_the_finished_trials() -> None:
    pytest.importorskip("optuna")
    with pytest.raises(uwm.Interrupted) as stop:
        tune(Search(SMALL, trials=6, finalists=0), jobs=1, progress=stop_after(6))
    error: Any = stop.value
    assert [trial.number for trial in error.result.trials] == [0, 1, 2]


def test_ctrl_c_in_scaling_writes_what_is_finished() -> None:
    plan = Plan(SMALL, widths=(2, 4), depths=(), factors=(1.0,), samples=2048)
    whole = measure_scaling(plan)
    ended = 0

    def listen(event: Progress) -> None:
        nonlocal ended
        ended += not event.name.startswith("noise")
        if ended == 3:
            raise KeyboardInterrupt

    with pytest.raises(uwm.Interrupted) as stop:
        measure_scaling(plan, jobs=1, progress=listen)
    error: Any = stop.value
    found = error.result
    noises = [[point.noise_to_signal for point in each.points] for each in (found, whole)]
    assert noises[0] == noises[1]
    assert found.points[0].mean_reward == whole.points[0].mean_reward
    assert np.isnan(found.points[-1].mean_reward)
    assert any("interrupted" in run.reason for run in found.unfinished)
    # What was stopped takes nothing away from what is whole.
    report.write(whole, "out", plot=False)
    before = rows("out/scaling.csv")
    report.write(found, "out", plot=False)
    after = rows("out/scaling.csv")
    assert [row["noise_to_signal"] for row in after] == [row["noise_to_signal"] for row in before]
    assert [row["mean_reward"] for row in after] == [row["mean_reward"] for row in before]


def test_ctrl_c_in_gradients_hands_over_the_checkpoints_measured() -> None:
    def listen(event: Progress) -> None:
        if event.name == "training" and event.step > 8:
            raise KeyboardInterrupt

    settings = Settings(address_bits=1, hidden=(3,), rules=("ste",), episodes=16)
    with pytest.raises(uwm.Interrupted) as stop:
        gradients(settings, ["ste", "reinforce"], checkpoints=2, progress=listen)
    error: Any = stop.value
    assert list(error.result.rewards) == [0, 8]
    assert {m.rule for m in error.result.measurements} == {"ste", "reinforce"}
    whole = gradients(settings, ["ste", "reinforce"], checkpoints=2)
    report.write(whole, "out", plot=False)
    before = rows("out/gradients.csv")
    report.write(error.result, "out", plot=False)
    assert rows("out/gradients.csv") == before


def test_only_results_are_written() -> None:
    with pytest.raises(TypeError, match="result must be what an experiment has returned, got 3"):
        report.write(3, "out")  # type: ignore[arg-type]
    assert not Path("out").exists()
