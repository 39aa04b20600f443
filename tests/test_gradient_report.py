"""What `uwm gradients` shows: one table along training, samples that are missing, true axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from uwm.analysis import Estimate
from uwm.cli import main
from uwm.experiments.gradient_study.result import GradientStudy, Measurement
from uwm.report.figures.of_gradients import gradient_plot
from uwm.report.figures.scale import scale_of
from uwm.report.samples_needed import precision_lines, samples_for
from uwm.report.training_table import chosen

pytest.importorskip("rich")
pytest.importorskip("matplotlib")
Captured = pytest.CaptureFixture[str]
NAN = math.nan


def measured(
    rule: str,
    bias: Sequence[float] = (0.0, 0.0, 0.0),
    noise: Sequence[float] = (5.0, 5.0, 5.0),
    *,
    episode: int = 0,
    method: str = "sampled",
) -> Measurement:
    one = Estimate(1.0, 1.0, 1.0)
    return Measurement(episode, 0, rule, Estimate(*bias), one, Estimate(*noise), one,
                       method, "exact", 1000, 1)  # fmt: skip


def study(*measurements: Measurement) -> GradientStudy:
    settings = {"sizes": [3, 4, 1], "first_seed": 0, "train_with": "ste"}
    return GradientStudy("A task", settings, measurements, {m.episode: 0.5 for m in measurements})


def test_along_training_there_is_one_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["gradients", "--address-bits", "1", "--hidden", "3,2", "--quiet", "--no-plot"]
    command += ["--rules", "ste,unbiased_weight_max", "--episodes", "60", "--checkpoints", "2"]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert out.count("along training") == 1
    lines = out.splitlines()
    assert any("0 episodes" in line and " 30 " in line and " 60" in line for line in lines)
    rows = [line.split() for line in lines if " ste " in line]
    assert len(rows) == 4  # bias and noise, each in two layers
    assert all(len(row) >= 4 for row in rows)
    assert "Intervals wider" not in out  # enumerated
    assert main([*command, "--sampled", "--samples", "100"]) == 0
    out = capsys.readouterr().out
    assert "Intervals wider than their figures." in out
    assert "[a, b]: 95% interval. 100 samples." in out


def test_a_wide_table_leaves_out_intervals_and_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["gradients", "--address-bits", "1", "--hidden", "3", "--quiet", "--no-plot"]
    command += ["--rules", "ste", "--episodes", "60", "--checkpoints", "20", "--sampled"]
    assert main([*command, "--samples", "100"]) == 0
    out = capsys.readouterr().out
    assert "8 of 21 checkpoints; gradients.csv has all." in out
    assert "< b: not told from 0, at most b." in out
    assert "[a, b]" not in out


def test_which_checkpoints_are_shown() -> None:
    for count in range(1, 60):
        shown = chosen(list(range(count)))
        assert shown[0] == 0 and shown[-1] == count - 1
        assert len(shown) == len(set(shown)) <= 9


def test_how_many_samples_a_figure_takes() -> None:
    assert samples_for(Estimate(0.0, 0.0, 0.1), 1000, 0.05) == 4000
    assert samples_for(Estimate(0.3, 0.1, 0.4), 1000, 0.05) == 16000
    line = precision_lines([
        measured("vague", bias=(0.0, 0.0, 0.5)),
        measured("sharp", bias=(0.4, 0.3, 0.5)),
        measured("noisy", noise=(5.0, 1.0, 9.0)),
        measured("exact", bias=(0.0, 0.0, 0.5), method="enumerated"),
        measured("small", bias=(0.0, 0.0, 0.01)),
        measured("none", bias=(NAN, NAN, NAN), noise=(NAN, NAN, NAN)),
    ])  # fmt: skip
    assert len(line) == 1
    assert "100,000 for the bias of vague in layer 1; 64,000 for the noise of noisy" in line[0]
    for rule in ("sharp", "exact", "small", "none"):
        assert rule not in line[0]
    assert precision_lines([measured("sharp", bias=(0.4, 0.3, 0.5))]) == []


def test_the_samples_that_are_asked_for_would_do() -> None:
    # Half an interval falls as the root: asked again with so many, it is as narrow as was asked.
    vague = Estimate(0.2, 0.0, 0.9)
    needed = samples_for(vague, 1000, 0.05)
    assert 0.7 * math.sqrt(1000 / needed) == pytest.approx(0.05, rel=0.05)


@pytest.mark.parametrize(
    ("numbers", "kind", "least"),
    [
        ([(0.0, 0.0, 0.0)], None, 0),
        ([(1e-15, 1e-15, 1e-15)], None, 0),
        ([(NAN, NAN, NAN)], None, 0),
        ([(0.0, 0.0, 0.5)], "linear", 0),
        ([(6.0, 6.0, 6.0)], "linear", 0),
        ([(0.0, 0.0, 0.0), (0.5, 0.5, 0.5)], "linear", 0),
        ([(0.0, 0.0, 9.0), (0.05, 0.0, 0.1)], "symlog", 0),
        ([(6.0, 0.0, 9.0), (600.0, 0.0, 900.0)], "log", 4),
    ],
)
def test_a_scale_invents_nothing(numbers: Any, kind: str | None, least: float) -> None:
    scale = scale_of([Estimate(*three) for three in numbers])
    if kind is None:
        assert scale is None
    else:
        assert scale is not None
        assert (scale.kind, scale.least) == (kind, pytest.approx(least))
        assert all(scale.most > high for _, _, high in numbers)


def axes_of(made: GradientStudy, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The panels that are drawn."""
    figures: list[Any] = []
    monkeypatch.setattr(
        "uwm.report.figures.of_gradients.png", lambda figure: figures.append(figure)
    )
    gradient_plot(made)
    figures[0].canvas.draw()
    return list(figures[0].axes)


def test_a_panel_of_zeros_says_so_and_has_no_axis(monkeypatch: pytest.MonkeyPatch) -> None:
    for episodes in ((0,), (0, 10)):
        made = study(*(measured(r, episode=e) for e in episodes for r in ("reinforce", "hnca")))
        noise, bias = axes_of(made, monkeypatch)
        assert not bias.axison
        assert [text.get_text() for text in bias.texts] == ["relative bias of all 2 rules: 0"]
        assert noise.axison
    alone = axes_of(study(measured("reinforce", (NAN,) * 3, (NAN,) * 3)), monkeypatch)
    assert "too few samples" in alone[0].texts[0].get_text()


def test_one_moment_is_a_row_per_rule_and_zero_stands_at_zero(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = study(measured("reinforce"), measured("ste", (0.5, 0.4, 0.6), (900.0, 0.0, 950.0)))
    noise, bias = axes_of(made, monkeypatch)
    assert [label.get_text() for label in noise.get_yticklabels()] == ["reinforce", "ste"]
    assert noise.get_xscale() == "log"
    assert bias.get_xscale() == "linear"
    assert bias.get_xlim()[0] == 0
    assert [list(line.get_xdata()) for line in bias.lines if line.get_marker() == "o"] == [
        [0.0], [0.5]
    ]  # fmt: skip


def test_along_training_curves_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {"reinforce": (0.0,) * 3, "hnca": (0.0,) * 3, "ste": (0.5, 0.4, 0.6)}
    made = study(*(measured(r, b, episode=e) for e in (0, 10, 20) for r, b in rules.items()))
    _, bias = axes_of(made, monkeypatch)
    assert bias.get_ylim()[0] == 0
    assert [text.get_text() for text in bias.texts] == ["2 rules are at 0"]
    assert bias.get_xlabel() == "episodes"


def test_rules_without_all_numbers_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = (math.inf,) * 3
    made = study(
        measured("reinforce"),
        measured("ste", (NAN,) * 3, endless),
        measured("reinforce", (0.1, 0.0, math.inf), (9.0, 1.0, math.inf), episode=5),
    )
    noise, bias = axes_of(made, monkeypatch)
    assert noise.get_ylim()[1] < 20
    assert bias.axison
