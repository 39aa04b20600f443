"""`uwm run`: a command for every combination of the settings in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from uwm.cli import main
from uwm.experiments.store import Store

pytest.importorskip("matplotlib")

Captured = pytest.CaptureFixture[str]
STUDY = """
command = "compare"
rules = ["ste", "mine.py:Own"]
episodes = 16
seeds = 2
no_plot = true

[grid]
address_bits = [1, 2]
hidden = [[4], []]
"""
OWN = """import numpy as np, uwm
class Own(uwm.Rule):
    def unit_rewards(self, net, sample, reward):
        return [np.outer(reward, np.ones(h.shape[1])) for h in sample.activations]
"""


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(OWN)


def test_every_combination_is_in_one_store_and_has_its_files(capsys: Captured) -> None:
    Path("study.toml").write_text(STUDY)
    assert main(["run", "study.toml", "--dry-run"]) == 0
    commands = capsys.readouterr().out.splitlines()
    assert len(commands) == 4
    assert commands[1].endswith("--no-plot --address-bits=1 --hidden=none")
    assert not Path("study").exists()
    assert main(["run", "study.toml"]) == 0
    said = capsys.readouterr()
    assert "uwm run: 4 of 4: address_bits 2, hidden none" in said.err
    assert "16 results" in said.out
    assert {path.name for path in Path("study").iterdir()} == {
        "results.sqlite", "address_bits-1_hidden-4", "address_bits-1_hidden-none",
        "address_bits-2_hidden-4", "address_bits-2_hidden-none",
    }  # fmt: skip
    assert Path("study/address_bits-2_hidden-4/runs.csv").read_text().count("\n") == 5
    Path("study.toml").write_text(STUDY.replace("[1, 2]", "[1, 2, 3]"))
    assert main(["run", "study.toml", "--quiet"]) == 0
    with Store("study", create=False) as store:
        assert len(store) == 24


def test_a_file_of_json_without_a_grid(capsys: Captured) -> None:
    values = {"rules": ["ste"], "episodes": 16, "seeds": 1, "address_bits": 1, "fresh": True}
    Path("one.json").write_text(json.dumps(values))
    assert main(["run", "one.json", "--out", "here", "--quiet"]) == 0
    assert Path("here/learning-curves.png").exists()


def test_settings_may_be_toml(capsys: Captured) -> None:
    Path("mine.toml").write_text(
        'rules = ["ste"]\nepisodes = 16\nseeds = 1\naddress_bits = 1\n'
        "[learning_rates]\nste = [0.1, 0.2, 0.3]\n"
    )
    command = ["compare", "--settings", "mine.toml", "--no-plot", "--quiet", "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["learning_rates"] == {
        "ste": [0.1, 0.2, 0.3]
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed = 1", "'seed' is no option of uwm compare (did you mean seeds?)"),
        ("[grid]\nseeds = 3", "grid.seeds must be a list of values, got 3"),
        ("grid = 3", "grid must be a table of lists, got 3"),
        ("seeds = 1\n[grid]\nseeds = [1]", "seeds must be in the grid or beside it, got both"),
        ('command = "train"', "command must be one of compare, tune"),
        ("no_plot = 1", "no_plot must be true or false, got 1"),
        ("seeds = true", "seeds must not be true or false"),
        ("seeds = ", "not a TOML file"),
        ("learning_rate = inf", "numbers must be finite, got inf"),
        ("seeds = 2001-01-01", "settings must be no dates or times"),
        ('[grid]\nrules = ["ste", "st"]', "rules must be one of reinforce"),
        ("[grid]\nseeds = [1, 0]", "seeds must be at least 1, got 0"),
    ],
)
def test_a_mistake_is_said_before_anything_runs(text: str, said: str, capsys: Captured) -> None:
    Path("study.toml").write_text(text)
    assert main(["run", "study.toml"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not Path("study/results.sqlite").exists()
