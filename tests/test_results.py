"""Results are written before any picture, whatever names and rules there are."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import uwm
from uwm import report
from uwm.cli import main
from uwm.experiments import Settings, compare
from uwm.report import PictureWarning
from uwm.report.figures.of_comparison import learning_curves

pytest.importorskip("matplotlib")

Captured = pytest.CaptureFixture[str]
ONE = ["--address-bits", "1", "--quiet", "--episodes", "16"]
COMPARE = ["compare", *ONE, "--hidden", "4", "--no-plot"]
SCALING = ["scaling", *ONE, "--depths", "none", "--samples", "2048", "--seeds", "1", "--factors",
           "1", "--no-plot"]  # fmt: skip
GRADIENTS = ["gradients", *ONE, "--hidden", "3", "--no-plot"]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


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
