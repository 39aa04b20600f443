"""Every command computes cells: what a folder holds is never computed again, and never lost."""

from __future__ import annotations

import dataclasses
import io
import json
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import uwm
from uwm import report
from uwm.cli import main
from uwm.experiments import Settings, compare, training
from uwm.experiments.build import choose_task
from uwm.experiments.cells import Context
from uwm.experiments.runs import Request
from uwm.experiments.store import Store

pytest.importorskip("matplotlib")

Captured = pytest.CaptureFixture[str]
ONE = ["--address-bits", "1", "--quiet", "--episodes", "16", "--json"]
FEW = ["--hidden", "4", "--rules", "ste,reinforce"]
COMMANDS = {
    "compare": [*ONE, *FEW, "--seeds", "2", "--no-plot"],
    "tune": [*ONE, *FEW, "--trials", "5", "--finalists", "1", "--finalist-seeds", "1"],
    "scaling": [*ONE, "--rules", "ste,reinforce", "--widths", "2,4", "--depths", "1", "--samples",
                "2048", "--seeds", "1", "--factors", "1,2", "--trained", "--no-plot"],
    "gradients": [*ONE, "--hidden", "3", "--rules", "ste,disarm", "--checkpoints", "2", "--samples",
                  "128", "--no-plot"],
    "rl": ["CartPole-v1", "--episodes", "2", "--seeds", "2", "--jobs", "1", "--quiet", "--json",
           "--no-plot"],
}  # fmt: skip
SETTINGS = Settings(address_bits=1, hidden=(4,), rules=("ste",), episodes=400, seeds=2)


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def rows(folder: str) -> dict[str, Any]:
    with Store(folder, create=False) as store:
        return {row.key: row for row in store.rows()}


def result(command: str, capsys: Captured, *more: str) -> Any:
    assert main([command, *COMMANDS[command], "--out", "here", *more]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_again_computes_nothing(
    command: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    if command == "tune":
        pytest.importorskip("optuna")
    if command == "rl":
        pytest.importorskip("gymnasium")
    first = result(command, capsys)
    before = rows("here")

    def never(*args: Any, **options: Any) -> Any:
        raise AssertionError("computed again")

    with monkeypatch.context() as patched:
        patched.setattr(uwm, "train", never)
        patched.setattr("uwm.rl.Agent.learn", never)
        patched.setattr("uwm.experiments.scaling.noise.sampled_statistics", never)
        patched.setattr("uwm.experiments.gradient_study.study.measure", never)
        assert result(command, capsys) == first
    assert rows("here") == before
    assert main([command, *COMMANDS[command], "--out", "here", "--fresh"]) == 0
    assert rows("here").keys() == before.keys()


def test_only_what_is_missing_is_computed(capsys: Captured) -> None:
    result("compare", capsys)
    before = rows("here")
    whole = result("compare", capsys, "--seeds", "3", "--rules", "ste,reinforce,weight_max")
    assert len(whole["runs"]) == 9
    now = rows("here")
    assert len(now) == 9
    assert before.items() <= now.items()
    fewer = result("compare", capsys, "--seeds", "1", "--rules", "weight_max")
    assert [run["rule"] for run in fewer["runs"]] == ["weight_max"]
    assert rows("here") == now


def test_tune_takes_the_runs_of_compare_and_the_other_way_round(capsys: Captured) -> None:
    pytest.importorskip("optuna")
    result("tune", capsys)
    before = len(rows("here"))
    options = ["--settings", "here/tuned.json", "--first-seed", "1000000", "--seeds", "2"]
    result("compare", capsys, *options)
    assert len(rows("here")) == before  # trial and finalist


@pytest.mark.parametrize(
    "options",
    [
        ["--address-bits", "2"],
        ["--hidden", "5"],
        ["--episodes", "32"],
        ["--learning-rate", "0.1"],
        ["--baseline", "0.5"],
        ["--first-seed", "100"],
        ["--units", "bipolar"],
        ["--initial-gain", "1"],
        ["--rate-factor", "2"],
        ["--dtype", "float64"],
        ["--batch-size", "2"],
    ],
)
def test_other_settings_are_other_cells(options: list[str], capsys: Captured) -> None:
    one = ["--rules", "ste", "--seeds", "1"]
    result("compare", capsys, *one)
    result("compare", capsys, *one, *options)
    assert len(rows("here")) == 2


def test_the_same_in_other_words_is_the_same_cell(capsys: Captured) -> None:
    one = ["--rules", "ste", "--seeds", "1"]
    for options in (
        ["--learning-rate", "0.1"],
        ["--learning-rate", "0.1,0.1", "--output", "bernoulli", "--quiet"],
    ):
        result("compare", capsys, *one, *options)
    assert len(rows("here")) == 1


def test_a_table_is_known_by_its_content(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "x,y,label\n" + "".join(f"{k},{-k},{'ab'[k % 2]}\n" for k in range(20))
    Path("mine.csv").write_text(text)
    one = ["--task", "mine.csv", "--rules", "ste", "--seeds", "1"]
    options = [*COMMANDS["compare"][2:], *one, "--out", "here"]
    assert main(["compare", *options]) == 0
    Path("sub").mkdir()
    Path("sub/mine.csv").write_text(text)
    assert main(["compare", *options, "--task", "sub/mine.csv"]) == 0
    assert len(rows("here")) == 1
    Path("mine.csv").write_text(text.replace("7", "8"))
    assert main(["compare", *options]) == 0
    assert len(rows("here")) == 2
    for piped in (text, text.replace("7", "8"), text):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(piped.encode())))
        assert main(["compare", *options, "--task", "-"]) == 0
    assert len(rows("here")) == 4


OWN = """import numpy as np, uwm
class Own(uwm.Rule):
    def unit_rewards(self, net, sample, reward):
        *hidden, last = [np.outer(reward, np.ones(h.shape[1])) for h in sample.activations]
        return [*[FACTOR * r for r in hidden], last]
"""


def test_a_rule_of_ones_own_is_known_by_its_text(capsys: Captured) -> None:
    Path("other").mkdir()
    one = ["--seeds", "1", "--rules"]
    Path("mine.py").write_text(OWN.replace("FACTOR", "1.0"))
    first = result("compare", capsys, *one, "mine.py:Own")
    Path("other/mine.py").write_text(OWN.replace("FACTOR", "1.0"))
    result("compare", capsys, *one, "other/mine.py:Own")
    assert len(rows("here")) == 1
    Path("mine.py").write_text(OWN.replace("FACTOR", "-1.0"))
    second = result("compare", capsys, *one, "mine.py:Own")
    assert len(rows("here")) == 2
    assert first["runs"][0]["mean_reward"] != second["runs"][0]["mean_reward"]


def test_rule_and_task_objects_are_known_by_their_parameters() -> None:
    for norm in (1, 2, 2.0):
        settings = dataclasses.replace(SETTINGS, rules=(uwm.WeightMax(norm=norm),), seeds=1)
        compare(settings, store="here")
    assert len(rows("here")) == 2
    for labels in ([0, 1, 1], [0, 0, 1], [0, 1, 1]):
        task = uwm.tasks.Classification(np.eye(3), labels)
        compare(dataclasses.replace(SETTINGS, seeds=1), task=task, store="here")
    assert len(rows("here")) == 4


def test_what_python_writes_into_a_folder_is_in_its_store() -> None:
    for seeds in (2, 1):
        found = compare(dataclasses.replace(SETTINGS, seeds=seeds))
        report.write(found, "here", plot=False)
    assert len(rows("here")) == 2
    again = compare(SETTINGS, store="here")
    assert sorted(run.mean_reward for run in again.runs) == sorted(
        row.result["mean_reward"] for row in rows("here").values()
    )


def one_rule(rule: str) -> None:
    compare(dataclasses.replace(SETTINGS, rules=(rule, "ste")), jobs=1, store="shared")


def test_processes_that_compare_at_once_lose_nothing() -> None:
    names = ("weight_max", "reinforce")
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=one_rule, args=(rule,)) for rule in names]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert len(rows("shared")) == 3 * SETTINGS.seeds


def many() -> Settings:
    return dataclasses.replace(SETTINGS, rules=("ste", "weight_max"), episodes=20_000, seeds=15)


def study(begun: Any) -> None:
    begun.set()
    compare(many(), jobs=2, store="killed")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_study_that_is_killed_again_and_again_ends_as_an_undisturbed_one() -> None:
    context = multiprocessing.get_context("spawn")
    for wait in (0.0, 0.1, 0.25):
        begun = context.Event()
        child = context.Process(target=study, args=(begun,))
        child.start()
        assert begun.wait(60)
        time.sleep(wait)
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
    after = compare(many(), store="killed")
    undisturbed = compare(many())
    assert len(rows("killed")) == 30
    for one, other in zip(after.runs, undisturbed.runs, strict=True):
        assert (one.rule, one.seed) == (other.rule, other.seed)
        np.testing.assert_array_equal(one.rewards, other.rewards)
        assert (one.mean_reward, one.final_reward) == (other.mean_reward, other.final_reward)


@pytest.mark.parametrize("episodes", [1, 7, 1234, 5000])
def test_a_long_run_goes_on_from_its_checkpoint_bit_for_bit(
    episodes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = dataclasses.replace(SETTINGS, episodes=episodes, batch_size=3, baseline=0.25)
    request = Request(settings, choose_task(settings), "weight_max", 7)
    undisturbed = request(Context())
    monkeypatch.setattr(training, "KEEP_EVERY", 0.0)
    monkeypatch.setattr(training, "PIECE", 0.0)
    looked = 0
    engine = uwm.train

    def train(*args: Any, **options: Any) -> uwm.Log:
        nonlocal looked
        looked += 1
        if looked % 5 == 0:
            raise RuntimeError("the machine has gone")
        return engine(*args, **options)

    monkeypatch.setattr(uwm, "train", train)
    context = Context(checkpoints=Path("checkpoints"))
    for _ in range(100):
        found = request(context)
        if found.status == "done":
            break
    assert found.result == undisturbed.result
    if episodes > 1000:
        assert looked > 100
        assert not list(Path("checkpoints").iterdir())


def test_other_processes_compute_the_same(capsys: Captured) -> None:
    for command in ("compare", "scaling"):
        here = result(command, capsys)
        apart = result(command, capsys, "--out", "apart", "--executor", "processes", "--jobs", "2")
        for both in (here, apart):
            for each in both.get("runs", both.get("points")):
                each.pop("steps_per_second", None)
                each.pop("microseconds_per_step", None)
            both.pop("files")
        assert apart == here
