"""`uwm rl`: rules and seeds in parallel, table, files, picture, film."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

import uwm
from uwm.cli import main

pytest.importorskip("gymnasium")

from uwm.experiments.progress import Progress
from uwm.experiments.reinforcement import compare_agents
from uwm.report.agent_table import cells

Captured = pytest.CaptureFixture[str]
SHORT = ["rl", "CartPole-v1", "--episodes", "4", "--seeds", "2", "--jobs", "1"]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def as_json(capsys: Captured, *options: str) -> dict[str, Any]:
    assert main([*options, "--json", "--quiet", "--no-plot"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_table_files_and_a_picture(capsys: Captured) -> None:
    assert main([*SHORT, "--rules", "ste,weight_max"]) == 0
    said = capsys.readouterr()
    assert "weight_max" in said.out
    assert "4 episodes, 2 seeds, preset default" in said.out
    assert "ste, seed 1: done, mean return of the last 100 episodes" in said.err
    with open("uwm-rl/episodes.csv", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 2 * 2 * 4
    assert {row["rule"] for row in rows} == {"ste", "weight_max"}
    assert Path("uwm-rl/learning-curves.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(Path("uwm-rl/settings.json").read_text())["environment"] == "CartPole-v1"


@pytest.mark.parametrize(("seeds", "shown"), [(4, False), (5, True)])
def test_an_interval_takes_five_seeds(seeds: int, shown: bool) -> None:
    found = compare_agents("CartPole-v1", rules=["ste"], seeds=seeds, episodes=2, jobs=1)
    assert ("[" in cells(found, "ste")[3]) == shown


def test_processes_and_one_process_give_the_same_returns(capsys: Captured) -> None:
    here = as_json(capsys, *SHORT)
    apart = as_json(capsys, *SHORT[:-1], "2", "--out", "apart")
    assert [run["returns"] for run in here["runs"]] == [run["returns"] for run in apart["runs"]]
    assert [run["seed"] for run in here["runs"]] == [0, 1]


def test_settings_and_presets(capsys: Captured) -> None:
    found = as_json(capsys, *SHORT, "--set", "discount=0.9", "--set", "hidden=[8]")
    assert found["settings"] == {"discount": 0.9, "hidden": [8]}
    found = as_json(capsys, *SHORT, "--preset", "published_traces")
    assert found["rules"] == ["weight_max"]
    found = as_json(capsys, "rl", "CartPole-v1", "--steps", "50", "--seeds", "1", "--jobs", "1")
    assert sum(found["runs"][0]["lengths"]) <= 50


def test_a_rule_of_ones_own(capsys: Captured) -> None:
    Path("mine.py").write_text(
        "import numpy as np, uwm\n"
        "class Own(uwm.Rule):\n"
        "    def unit_rewards(self, net, sample, reward):\n"
        "        return [np.outer(reward, np.ones(h.shape[1])) for h in sample.activations]\n"
    )
    assert len(as_json(capsys, *SHORT, "--rules", "mine.py:Own")["runs"]) == 2


def test_a_film(capsys: Captured) -> None:
    pytest.importorskip("PIL")
    pytest.importorskip("pygame")
    assert main([*SHORT, "--quiet", "--no-plot", "--video", "film.gif"]) == 0
    assert Path("film.gif").read_bytes().startswith(b"GIF89a")


@pytest.mark.parametrize(
    ("said", "options"),
    [
        ("rules must be one of", ["--rules", "st"]),
        ("seeds must be at least 1, got 0", ["--seeds", "0"]),
        ("preset must be one of default", ["--preset", "best"]),
        ("discount must be between 0 and 1, got 2", ["--set", "discount=2"]),
        ("must be NAME=VALUE with one of hidden", ["--set", "discont=2"]),
        ("one of episodes and total_timesteps", ["--steps", "9"]),
        ("the film must be a .gif file, got film.mp4", ["--video", "film.mp4"]),
    ],
)
def test_a_mistake_is_one_line(said: str, options: list[str], capsys: Captured) -> None:
    assert main([*SHORT, *options]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_an_unknown_environment_is_one_line(capsys: Captured) -> None:
    assert main(["rl", "CartPoole-v1", "--seeds", "1", "--jobs", "1"]) == 2
    error = capsys.readouterr().err
    assert "CartPoole" in error
    assert error.count("\n") == 1


def test_a_listener_that_returns_false_stops_all_runs() -> None:
    def listener(event: Progress) -> bool:
        return False

    with pytest.raises(uwm.Interrupted) as stopped:
        compare_agents("CartPole-v1", seeds=2, total_timesteps=10**6, jobs=1, progress=listener)
    result: Any = stopped.value
    assert len(result.result.unfinished) == 2


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"episodes": 0}, ValueError, "episodes must be at least 1, got 0"),
        ({"total_timesteps": -1}, ValueError, "total_timesteps must be at least 1, got -1"),
        ({"episodes": 1, "first_seed": -1}, ValueError, "first_seed must be at least 0, got -1"),
        ({"episodes": 1, "rules": [3]}, TypeError, "rules must be"),
        ({"episodes": 1, "settings": {"discont": 1}}, TypeError, "did you mean 'discount'"),
    ],
)
def test_what_is_wrong_is_told_before_any_agent_starts(
    wrong: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        compare_agents("CartPole-v1", seeds=2, jobs=1, **wrong)
