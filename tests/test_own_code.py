"""A rule or a task of one's own, `mine.py:MyRule`, works in every command; one that raises costs
only its own results, and Ctrl-C costs nothing that is finished."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import signal
import threading
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
TWO = dataclasses.replace(SMALL, rules=("ste", "reinforce"))


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
        count -= event.step == 0
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
    report.write(found, "out", plot=False)
    again = measure_scaling(plan, store="out")
    assert report.write(again, "out", plot=False)
    assert [p.mean_reward for p in again.points] == [p.mean_reward for p in whole.points]


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
    report.write(error.result, "out", plot=False)
    assert gradients(settings, ["ste", "reinforce"], checkpoints=2, store="out") == whole


# A listener that returns False


@pytest.mark.parametrize("jobs", [1, 2])
def test_progress_that_returns_false_stops_compare(jobs: int) -> None:
    def listen(event: Progress) -> bool:
        return event.seed < 2

    whole = dataclasses.replace(TWO, seeds=50)
    with pytest.raises(uwm.Interrupted, match="runs were finished") as stop:
        compare(whole, jobs=jobs, progress=listen)
    found = stop.value.result
    assert {run.seed for run in found.runs} <= {0, 1} and len(found.runs) >= 3
    assert len(found.runs) + len(found.unfinished) == 50 * len(TWO.rules)
    assert {run.reason for run in found.unfinished} == {"interrupted"}


def test_progress_that_returns_false_at_the_end_of_a_run_keeps_that_run() -> None:
    with pytest.raises(uwm.Interrupted, match="1 runs were finished") as stop:
        compare(SMALL, jobs=1, progress=lambda event: event.step < event.steps)
    assert len(stop.value.result.runs) == 1


def test_progress_that_returns_false_stops_the_runs_of_all_threads() -> None:
    endless = dataclasses.replace(TWO, episodes=10**12)
    told: set[str] = set()

    def listen(event: Progress) -> bool:
        if event.step > 0:
            told.add(event.name)
        return len(told) < 2

    with pytest.raises(uwm.Interrupted) as stop:
        compare(endless, jobs=2, progress=listen)
    assert stop.value.result.runs == ()
    assert len(stop.value.result.unfinished) == 4


def test_ctrl_c_in_the_progress_of_two_threads_at_once_loses_no_run() -> None:
    both = threading.Barrier(2)

    def listen(event: Progress) -> None:
        if event.seed > 0:
            both.wait(timeout=60)
            raise KeyboardInterrupt

    with pytest.raises(uwm.Interrupted) as stop:
        compare(dataclasses.replace(TWO, seeds=3), jobs=2, progress=listen)
    assert [run.seed for run in stop.value.result.runs] == [0, 0]


def test_progress_that_returns_false_stops_tune() -> None:
    pytest.importorskip("optuna")
    ended = 0

    def listen(event: Progress) -> bool:
        nonlocal ended
        ended += event.step >= event.steps
        return ended <= 6

    with pytest.raises(uwm.Interrupted) as stop:
        tune(Search(SMALL, trials=60, finalists=0), jobs=1, store="kept", progress=listen)
    assert len(stop.value.result.trials) == 3


@pytest.mark.parametrize("runs", [0, 3, 12, 13])
def test_a_stopped_search_is_written_and_goes_on(runs: int) -> None:
    pytest.importorskip("optuna")
    search = Search(TWO, trials=3, finalists=1, finalist_seeds=1)
    ended = 0

    def listen(event: Progress) -> bool:
        nonlocal ended
        ended += event.step >= event.steps
        return ended < runs

    with pytest.raises(uwm.Interrupted) as stop:
        tune(search, jobs=1, store="out", progress=listen)
    found = stop.value.result
    written = {path.name for path in report.write(found, "out")}
    assert written == ({"trials.csv", "tuned.json"} if runs == 13 else {"trials.csv"})
    assert found.rules == (("ste",) if runs == 13 else ())
    if runs != 13:
        with pytest.raises(ValueError, match="no rule has a best trial; ste: "):
            found.settings()
    whole = tune(search, jobs=1, store="out")
    assert whole.rules == ("ste", "reinforce")
    assert whole.trials[: len(found.trials)] != () or runs == 0


def test_ctrl_c_at_the_end_of_a_search_hands_over_all_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("optuna")

    def too_long(study: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("uwm.experiments.tuning.runner.importance_of", too_long)
    with pytest.raises(uwm.Interrupted, match="2 trials were finished") as stop:
        tune(Search(SMALL, trials=2, finalists=0))
    assert stop.value.result.rules == ("ste",)
    assert stop.value.result.importance == {"ste": {}}


def test_a_search_in_which_everything_diverges_says_so(capsys: Captured) -> None:
    pytest.importorskip("optuna")
    Path("mine.py").write_text(MINE.replace("0.5 *", "1e300 *"))
    few = ["tune", *FEW, "--hidden", "4", "--trials", "1", "--finalists", "0", "--out", "out"]
    assert main([*few, "--rules", "mine.py:Half", "--rate-range", "0.99e6,1e6"]) == 1
    assert "every trial diverged" in capsys.readouterr().out
    assert not Path("out/tuned.json").exists()


@pytest.mark.parametrize("last", ["noise", "ste", "noise after"])
def test_a_table_of_stopped_scaling_shows_what_there_is(last: str, capsys: Captured) -> None:
    from uwm.report.console import console
    from uwm.report.scaling_table import as_json, show

    plan = Plan(TWO, widths=(2, 4), depths=(1,), factors=(1.0,), samples=2048, trained=True)
    with pytest.raises(uwm.Interrupted) as stop:
        measure_scaling(plan, jobs=1, progress=lambda event: not event.name.startswith(last))
    show(stop.value.result, [], console(stderr=False))
    assert "nan" not in capsys.readouterr().out
    json.dumps(as_json(stop.value.result, []), allow_nan=False)


@pytest.mark.parametrize("last", ["noise", "ste", "noise after"])
def test_progress_that_returns_false_stops_scaling(last: str) -> None:
    plan = Plan(TWO, widths=(2, 4), depths=(), factors=(1.0,), samples=2048, trained=True)
    told: list[str] = []

    def listen(event: Progress) -> bool:
        told.append(event.name)
        return not event.name.startswith(last)

    with pytest.raises(uwm.Interrupted, match="points have results") as stop:
        measure_scaling(plan, jobs=1, progress=listen)
    assert told[-1].startswith(last) and not any(name.startswith(last) for name in told[:-1])
    points = stop.value.result.points
    assert np.isfinite(points[0].noise_to_signal)
    assert np.isfinite(points[0].mean_reward) == (last == "noise after")
    assert len(points) == 8  # two widths, two seeds, two rules


def test_scaling_stops_within_a_measurement() -> None:
    plan = Plan(TWO, widths=(2, 64), depths=(), factors=(1.0,), samples=2**40)
    seen = threading.Event()

    def stop_soon() -> None:
        seen.wait(timeout=60)
        os.kill(os.getpid(), signal.SIGINT)

    class Seen(uwm.tasks.Multiplexer):
        def inputs(self, seed: int, step: int, batch_size: int) -> Any:
            seen.set()
            return super().inputs(seed, step, batch_size)

    threading.Thread(target=stop_soon).start()
    with pytest.raises(uwm.Interrupted) as stop:
        measure_scaling(plan, task=Seen(1), jobs=2)
    assert stop.value.result.points == ()


@pytest.mark.parametrize("last, measured", [("training", 1), ("activities", 0), ("samples", 0)])
def test_progress_that_returns_false_stops_gradients(last: str, measured: int) -> None:
    settings = Settings(address_bits=1, hidden=(12,), rules=("ste",), episodes=16)
    method = "sampled" if last == "samples" else None
    with pytest.raises(uwm.Interrupted, match=f"{measured} checkpoints were measured") as stop:
        gradients(
            settings,
            ["ste", "reinforce"],
            checkpoints=2,
            method=method,
            progress=lambda event: event.name != last,
        )
    found = stop.value.result
    assert len(found.rewards) == measured
    assert {run.rule for run in found.unfinished} == {"ste", "reinforce"}


def test_any_other_answer_of_progress_goes_on() -> None:
    for answer in (None, 0, True, ""):
        assert len(compare(SMALL, progress=lambda event, answer=answer: answer).runs) == 2


def test_progress_that_returns_false_stops_an_enumeration() -> None:
    from uwm.analysis import exact_statistics, sampled_statistics

    net, task = uwm.Network([3, 12, 1], seed=1), uwm.tasks.Multiplexer(1)
    x = np.eye(3)
    with pytest.raises(uwm.Interrupted, match="were done") as stop:
        exact_statistics(
            net, [uwm.WeightMax()], x, lambda out: out[:, 0], progress=lambda done, total: False
        )
    assert stop.value.result is None
    with pytest.raises(uwm.Interrupted, match="of 40960 were done"):
        sampled_statistics(
            net, [uwm.WeightMax()], task, samples=40960, progress=lambda done, total: False
        )


def test_only_results_are_written() -> None:
    with pytest.raises(TypeError, match="result must be what an experiment has returned, got 3"):
        report.write(3, "out")  # type: ignore[arg-type]
    assert not Path("out").exists()
