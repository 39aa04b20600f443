"""Nothing finished is lost: results are merged or kept apart, and written before any picture."""

from __future__ import annotations

import csv
import dataclasses
import importlib
import io
import json
import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import uwm
from uwm import report
from uwm.cli import main
from uwm.experiments import (
    Comparison,
    Settings,
    Unfinished,
    compare,
)
from uwm.experiments.parallel import in_threads
from uwm.report import PictureWarning
from uwm.report.figures import learning_curves

pytest.importorskip("matplotlib")

Captured = pytest.CaptureFixture[str]
ONE = ["--address-bits", "1", "--quiet", "--episodes", "16"]
COMPARE = ["compare", *ONE, "--hidden", "4", "--no-plot"]
TUNE = ["tune", *ONE, "--hidden", "4", "--finalists", "1", "--finalist-seeds", "1"]
SCALING = ["scaling", *ONE, "--depths", "none", "--samples", "2048", "--seeds", "1", "--factors",
           "1", "--no-plot"]  # fmt: skip
GRADIENTS = ["gradients", *ONE, "--hidden", "3", "--no-plot"]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def lines(path: str) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def runs(path: str = "uwm-compare/runs.csv") -> list[tuple[str, int]]:
    return [(row["rule"], int(row["seed"])) for row in lines(path)]


def test_tune_again_with_another_rule_or_fewer_trials_loses_no_trial(capsys: Captured) -> None:
    pytest.importorskip("optuna")
    assert main([*TUNE, "--rules", "ste,reinforce", "--trials", "4"]) == 0
    before = lines("uwm-tune/trials.csv")
    tuned = json.loads(Path("uwm-tune/tuned.json").read_text())
    assert len(before) == 8
    assert main([*TUNE, "--rules", "weight_max", "--trials", "4"]) == 0
    both = lines("uwm-tune/trials.csv")
    assert len(both) == 12
    assert [row for row in both if row["rule"] != "weight_max"] == before
    assert main([*TUNE, "--rules", "ste", "--trials", "2"]) == 0
    assert lines("uwm-tune/trials.csv") == both
    assert {row["simd_level"] for row in both} == {uwm.simd_level()}
    # The best of four trials stay the best, whatever was asked for since.
    now = json.loads(Path("uwm-tune/tuned.json").read_text())
    assert set(now["rules"]) == {"ste", "reinforce", "weight_max"}
    for rule in ("ste", "reinforce"):
        for what in ("learning_rates", "baselines"):
            assert now[what][rule] == tuned[what][rule]
        assert now["search"]["best"][rule] == tuned["search"]["best"][rule]
    assert "the best of 4 trials of 16 episodes" in now["rates_from"]
    assert "on Multiplexer, 1 address bits, [4] hidden units" in now["rates_from"]
    capsys.readouterr()
    assert main([*COMPARE, "--settings", "uwm-tune/tuned.json", "--seeds", "1"]) == 0
    # Another task is another search: refused, and nothing is touched.
    assert main([*TUNE, "--rules", "ste", "--address-bits", "2"]) == 2
    assert "holds another search (address_bits 1 there, 2 now)" in capsys.readouterr().err
    assert lines("uwm-tune/trials.csv") == both


def test_a_smaller_comparison_and_other_rules_are_merged() -> None:
    assert main([*COMPARE, "--rules", "ste,weight_max", "--seeds", "3"]) == 0
    before = lines("uwm-compare/runs.csv")
    curves = lines("uwm-compare/curves.csv")
    assert main([*COMPARE, "--rules", "weight_max", "--seeds", "1"]) == 0
    assert sorted(runs()) == [(r, s) for r in ("ste", "weight_max") for s in range(3)]
    assert lines("uwm-compare/curves.csv") == curves
    assert main([*COMPARE, "--rules", "reinforce", "--seeds", "2", "--first-seed", "3"]) == 0
    assert len(runs()) == 8
    now = {(row["rule"], row["seed"]): row for row in lines("uwm-compare/runs.csv")}
    for row in before:
        assert now[row["rule"], row["seed"]]["mean_reward"] == row["mean_reward"]
    settings = json.loads(Path("uwm-compare/settings.json").read_text())
    assert (settings["first_seed"], settings["seeds"]) == (0, 5)
    assert len(settings["unfinished"]) == 3 * 5 - 8
    assert {run["reason"] for run in settings["unfinished"]} == {"not run"}
    assert settings["simd_level"] == uwm.simd_level()
    again = ["compare", "--settings", "uwm-compare/settings.json", "--no-plot", "--quiet"]
    assert main(again) == 0
    assert len(runs()) == 15


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
    ],
)
def test_other_settings_are_kept_apart(options: list[str]) -> None:
    assert main([*COMPARE, "--rules", "ste", "--seeds", "2"]) == 0
    before = {p.name: p.read_bytes() for p in Path("uwm-compare").iterdir()}
    assert main([*COMPARE, "--rules", "ste", "--seeds", "1", *options]) == 0
    assert {p.name: p.read_bytes() for p in Path("uwm-compare/earlier-1").iterdir()} == before
    assert len(runs()) == 1


def test_a_task_file_whose_content_has_changed_is_another_task() -> None:
    rows = "".join(f"{k},{-k},{'ab'[k % 2]}\n" for k in range(20))
    Path("mine.csv").write_text("x,y,label\n" + rows)
    command = [*COMPARE, "--task", "mine.csv", "--rules", "ste", "--seeds", "1"]
    assert main(command) == 0
    Path("mine.csv").write_text("x,y,label\n" + rows.replace("7", "8"))
    assert main(command) == 0
    assert Path("uwm-compare/earlier-1/runs.csv").exists()


def stopped(settings: Settings) -> Comparison:
    whole = compare(settings)
    lost = tuple(Unfinished(run.rule, run.seed, "interrupted") for run in whole.runs[1:])
    return dataclasses.replace(whole, runs=whole.runs[:1], unfinished=lost)


def test_a_comparison_that_was_stopped_replaces_no_complete_one(tmp_path: Path) -> None:
    settings = Settings(address_bits=1, hidden=(4,), rules=("ste",), episodes=16, seeds=3)
    report.write(compare(settings), "out", plot=False)
    before = Path("out/runs.csv").read_bytes()
    report.write(stopped(settings), "out", plot=False)
    assert len(Path("out/runs.csv").read_bytes().splitlines()) == len(before.splitlines())
    assert json.loads(Path("out/settings.json").read_text())["unfinished"] == []
    before = Path("out/runs.csv").read_bytes()
    other = dataclasses.replace(settings, address_bits=2)
    paths = report.write(stopped(other), "out", plot=False)
    assert {path.parent for path in paths} == {Path("out/stopped-1")}
    assert Path("out/runs.csv").read_bytes() == before


def test_a_folder_with_damaged_results_is_moved_and_not_written_over() -> None:
    assert main([*COMPARE, "--rules", "ste", "--seeds", "1"]) == 0
    for name in ("settings.json", "runs.csv", "curves.csv"):
        Path("uwm-compare", name).write_bytes(b"\xff{{,")
    assert main([*COMPARE, "--rules", "ste", "--seeds", "1"]) == 0
    assert Path("uwm-compare/earlier-1/runs.csv").read_bytes() == b"\xff{{,"
    assert runs() == [("ste", 0)]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("settings.json", '"baselines": {}', '"baselines": 3'),
        ("settings.json", '"first_seed": 0', '"first_seed": "0"'),
        ("settings.json", '"unfinished": []', '"unfinished": [3]'),
        ("curves.csv", "ste,1,16", "ste,1," + "9" * 30),
        ("runs.csv", "\nste,1,", "\nste,0,"),
        ("runs.csv", "\nste,1,", "\nste,7,"),
        ("runs.csv", "\nste,1,", "\nste,"),
    ],
)
def test_results_of_which_a_part_is_damaged_are_moved_whole(name: str, old: str, new: str) -> None:
    settings = Settings(address_bits=1, hidden=(4,), rules=("ste",), episodes=16, seeds=2)
    report.write(compare(settings), "out", plot=False)
    path = Path("out", name)
    damaged = path.read_text().replace(old, new)
    assert damaged != path.read_text()
    path.write_text(damaged)
    report.write(compare(dataclasses.replace(settings, first_seed=2)), "out", plot=False)
    assert Path("out/earlier-1", name).read_text() == damaged
    assert runs("out/runs.csv") == [("ste", 2), ("ste", 3)]


def test_results_that_end_early_are_moved_whole() -> None:
    settings = Settings(address_bits=1, hidden=(4,), rules=("ste",), episodes=16, seeds=2)
    report.write(compare(settings), "out", plot=False)
    lines = Path("out/runs.csv").read_text().splitlines(keepends=True)
    Path("out/runs.csv").write_text("".join(lines[:-1]))
    report.write(compare(settings), "out", plot=False)
    assert Path("out/earlier-1/runs.csv").read_text() == "".join(lines[:-1])


def test_scaling_of_other_sizes_and_rules_is_merged() -> None:
    assert main([*SCALING, "--rules", "ste", "--widths", "2,4"]) == 0
    before = lines("uwm-scaling/scaling.csv")
    assert main([*SCALING, "--rules", "reinforce", "--widths", "4"]) == 0
    now = lines("uwm-scaling/scaling.csv")
    assert now[:2] == before
    assert [(row["rule"], row["width"]) for row in now[2:]] == [("reinforce", "4")]
    assert main([*SCALING, "--rules", "ste", "--widths", "2", "--batch-size", "8"]) == 0
    assert lines("uwm-scaling/earlier-1/scaling.csv") == now
    settings = json.loads(Path("uwm-scaling/settings.json").read_text())
    assert settings["simd_level"] == uwm.simd_level()
    assert settings["plan"]["widths"] == [2]


def test_gradients_of_other_rules_are_merged() -> None:
    assert main([*GRADIENTS, "--rules", "ste,weight_max"]) == 0
    before = lines("uwm-gradients/gradients.csv")
    assert main([*GRADIENTS, "--rules", "reinforce"]) == 0
    now = lines("uwm-gradients/gradients.csv")
    assert now[: len(before)] == before
    assert {row["rule"] for row in now} == {"ste", "weight_max", "reinforce"}
    assert main([*GRADIENTS, "--rules", "ste", "--seed", "1"]) == 0
    assert lines("uwm-gradients/earlier-1/gradients.csv") == now


def one_rule(rule: str) -> None:
    settings = Settings(address_bits=1, hidden=(4,), rules=(rule,), episodes=16, seeds=2)
    report.write(compare(settings, jobs=1), "shared", plot=False)


def test_two_processes_that_write_at_once_lose_nothing() -> None:
    rules = ("ste", "reinforce", "weight_max")
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=one_rule, args=(rule,)) for rule in rules]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert sorted(runs("shared/runs.csv")) == sorted((rule, s) for rule in rules for s in (0, 1))
    assert {p.name for p in Path("shared").iterdir()} == {"settings.json", "runs.csv", "curves.csv"}


@pytest.mark.parametrize(
    "options",
    [["--initial-gain", "1"], ["--rate-factor", "2"], ["--task", "two.csv", "--label", "b"]],
)
def test_runs_of_other_settings_are_kept_apart(options: list[str], tmp_path: Path) -> None:
    table = tmp_path / "two.csv"
    table.write_text("a,b,c\n" + "0,1,2\n1,0,3\n0,1,4\n1,1,5\n" * 3)
    words = [str(table) if word == "two.csv" else word for word in options]
    same = ["--task", str(table), "--label", "a"] if "--label" in options else []
    few = ["compare", "--hidden", "4", "--episodes", "16", "--seeds", "1", "--quiet", "--no-plot",
           "--out", str(tmp_path / "out")]  # fmt: skip
    assert main([*few, "--rules", "ste", *same]) == 0
    assert main([*few, "--rules", "reinforce", *words]) == 0
    with open(tmp_path / "out" / "runs.csv", newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["rule"] for row in found] == ["reinforce"]
    assert (tmp_path / "out" / "earlier-1" / "runs.csv").exists()


@pytest.mark.parametrize(
    ("command", "picture"),
    [
        (COMPARE, "learning-curves.png"),
        (SCALING, "scaling.png"),
        (GRADIENTS, "gradients.png"),
    ],
)
def test_results_come_first_and_a_picture_that_fails_costs_one_line(
    command: list[str], picture: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("no\nfont")

    for picture_of in ("of_comparison", "of_scaling", "of_gradients"):
        module = importlib.import_module(f"uwm.report.figures.{picture_of}")
        monkeypatch.setattr(module, "png", broken)
    options = ["--rules", "ste", "--out", "here"]
    options += ["--widths", "4"] if command is SCALING else []
    drawn = [option for option in command if option != "--no-plot"]
    assert main([*drawn, *options]) == 0
    out, err = capsys.readouterr()
    assert err == f"uwm: {picture} could not be drawn: no\\nfont\n"
    assert "settings.json" in out
    assert picture not in out
    there = {path.name for path in Path("here").iterdir()}
    assert "settings.json" in there
    assert picture not in there
    assert len(there) >= 2


def test_from_python_a_picture_that_fails_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise MemoryError

    module = importlib.import_module("uwm.report.figures.of_comparison")
    monkeypatch.setattr(module, "png", broken)
    settings = Settings(address_bits=1, hidden=(4,), rules=("ste",), episodes=16, seeds=1)
    with pytest.warns(PictureWarning, match="could not be drawn: MemoryError"):
        paths = report.write(compare(settings), "here")
    assert all(path.exists() for path in paths)


NAMES = [
    r"a$\frac$b", "$", "$$x$", "a_b^c", "100%", "%s%d", "o[b]", "[red]x", "[", ":smile:",
    "a\nb", "a\tb", "😀", "\u202eabc", "e\u0301", "\u0627\u0644", "x" * 200, "_hidden", "\\",
    "{x}", "a\x1b[31m", "漢字",
]  # fmt: skip


def test_names_of_every_kind_reach_tables_pictures_and_json(capsys: Captured) -> None:
    rows = "".join(f"{k * 7 % 5},{k * 3 % 7},{'ab'[k % 2]}\n" for k in range(20))
    for k, name in enumerate(NAMES):
        Path(f"{name}.csv").write_text("x,y,label\n" + rows, encoding="utf-8")
        command = ["compare", "--task", f"{name}.csv", "--rules", "ste", "--seeds", "1"]
        command += ["--hidden", "3", "--episodes", "16", "--quiet"]
        folder = name.replace("/", "") if k % 2 else f"out-{k}"
        if k % 3 == 0:
            assert main([*command, "--out", folder]) == 0
        else:
            assert main([*command, "--out", folder, "--json"]) == 0
        out, err = capsys.readouterr()
        assert err == "", name
        assert Path(folder, "learning-curves.png").exists(), name
        if k % 3:
            assert json.loads(out)["task"] == f"{name}.csv"


def test_rules_with_names_of_every_kind_have_a_legend() -> None:
    def rule_named(text: str) -> uwm.Rule:
        class Own(uwm.Rule):
            name = text

            def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
                return [np.repeat(reward[:, None], n, axis=1) for n in net.sizes[1:]]

        return Own()

    rules = tuple(rule_named(text) for text in NAMES)
    settings = Settings(address_bits=1, hidden=(2,), rules=rules, episodes=4, seeds=1)
    assert learning_curves(compare(settings)).startswith(b"\x89PNG")


def test_two_tables_piped_into_one_folder_are_two_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"{k},{-k},{'ab'[k % 2]}\n" for k in range(20))
    for count, text in enumerate((rows, rows.replace("7", "8"), rows.replace("7", "8"))):
        piped = io.TextIOWrapper(io.BytesIO(("x,y,label\n" + text).encode()))
        monkeypatch.setattr("sys.stdin", piped)
        assert main([*COMPARE, "--task", "-", "--rules", "ste", "--seeds", "1"]) == 0
        assert Path("uwm-compare/earlier-1").exists() == (count > 0)
    assert not Path("uwm-compare/earlier-2").exists()
    assert len(json.loads(Path("uwm-compare/settings.json").read_text())["task_sha256"]) == 64


def test_two_task_objects_of_one_name_are_two_runs() -> None:
    settings = Settings(hidden=(4,), rules=("ste",), episodes=16, seeds=1)
    x = np.eye(3)
    for labels in ([0, 1, 1], [0, 0, 1]):
        found = compare(settings, task=uwm.tasks.Classification(x, labels))
        report.write(found, "out", plot=False)
    assert Path("out/earlier-1/runs.csv").exists()


class Broken(uwm.Rule):
    def unit_rewards(self, net: uwm.Network, sample: uwm.Sample, reward: Any) -> Any:
        raise RuntimeError("no reward for you")


def test_a_rule_of_ones_own_that_raises_costs_the_comparison_only_its_own_runs() -> None:
    settings = Settings(
        address_bits=1, hidden=(4,), rules=("ste", Broken(), "reinforce"), episodes=16, seeds=2
    )
    found = compare(settings)
    assert [(run.rule, run.seed) for run in found.runs] == [
        (rule, seed) for rule in ("ste", "reinforce") for seed in (0, 1)
    ]
    assert [run.rule for run in found.unfinished] == ["Broken", "Broken"]
    assert found.unfinished[0].reason.startswith("RuntimeError: no reward for you (test_results.py")


def test_a_hundred_thousand_seeds_are_not_queued_at_once() -> None:
    begun = 0

    def calls() -> Any:
        nonlocal begun
        for _ in range(100_000):
            begun += 1
            yield lambda: None

    def stop_soon(k: int, result: object) -> None:
        if k == 5:
            raise KeyboardInterrupt

    assert in_threads(calls(), stop_soon, jobs=2)
    assert begun < 20
