"""Measurements against the number of units: the noise is the oracle's, the fits are right."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import uwm
from uwm.analysis import inputs_and_reward, rule_statistics, sampled_statistics
from uwm.cli import main
from uwm.experiments import Plan, Scaling, Settings, measure_scaling
from uwm.experiments.scaling.result import fit_exponent
from uwm.experiments.scaling.study import episodes_to

RULES = ("reinforce", "weight_max")


@pytest.fixture(scope="module")
def found() -> Scaling:
    settings = Settings(address_bits=1, rules=RULES, episodes=160, batch_size=16, seeds=2)
    plan = Plan(settings, widths=(2, 4, 8), depths=(1,), width=4, factors=(1.0, 0.1),
                samples=2000, trained=True, target=-0.9)  # fmt: skip
    return measure_scaling(plan, jobs=2)


def test_every_rule_at_every_size_with_every_seed(found: Scaling) -> None:
    assert [(p.axis, p.width, p.depth, p.rule, p.seed) for p in found.points] == [
        (axis, width, depth, rule, seed)
        for axis, width, depth in [
            ("width", 2, 2),
            ("width", 4, 2),
            ("width", 8, 2),
            ("depth", 4, 1),
        ]
        for seed in (0, 1)
        for rule in RULES
    ]
    for point in found.points:
        assert point.units == point.width * point.depth
        assert point.noise_to_signal > 0
        assert point.factor in (1.0, 0.1)
        assert -1 <= point.mean_reward <= 1
        assert point.episodes_to_target == 16  # half a batch wrong would be 0
        assert point.microseconds_per_step > 0


def test_results_do_not_depend_on_jobs(found: Scaling) -> None:
    again = measure_scaling(found.plan, jobs=1)
    for one, other in zip(found.points, again.points, strict=True):
        names = ("noise_to_signal", "noise_to_signal_trained", "mean_reward", "factor")
        assert [getattr(one, n) for n in names] == [getattr(other, n) for n in names]


def test_noise_is_that_of_exact_enumeration() -> None:
    settings = Settings(address_bits=1, rules=RULES, episodes=16, batch_size=16, seeds=1)
    plan = Plan(settings, widths=(3,), depths=(), factors=(1,), samples=60_000)
    sampled = {p.rule: p.noise_to_signal for p in measure_scaling(plan).points}
    x, reward = inputs_and_reward(uwm.tasks.Multiplexer(1))
    net = uwm.Network([3, 3, 3, 1], seed=0)
    for rule in RULES:
        exact = rule_statistics(net, uwm.rule(rule), x, reward).noise_to_signal[0]
        assert sampled[rule] == pytest.approx(exact, rel=0.1)


def test_the_first_layers_alone_are_measured_alike() -> None:
    net, task = uwm.Network([3, 4, 4, 1], seed=2), uwm.tasks.Multiplexer(1)
    rules = [uwm.rule(name) for name in RULES]
    some, full = (sampled_statistics(net, rules, task, samples=500, layers=n) for n in (2, None))
    for a, b in zip(some, full, strict=True):
        assert (len(a.noise_to_signal), len(b.noise_to_signal)) == (2, 3)
        assert a.noise_to_signal == b.noise_to_signal[:2]
        assert a.relative_bias == b.relative_bias[:2]


def test_reinforce_gets_noisier_with_width_and_unbiased_weight_max_does_not() -> None:
    settings = Settings(
        address_bits=1,
        rules=("reinforce", "unbiased_weight_max_posterior"),
        episodes=16,
        batch_size=16,
        seeds=2,
        initial_gain=1,
    )
    plan = Plan(settings, widths=(8, 32, 128), depths=(), factors=(1,), samples=8000)
    found = measure_scaling(plan)
    assert found.exponent("reinforce").slope == pytest.approx(0.5, abs=0.2)
    assert found.exponent("unbiased_weight_max_posterior").slope == pytest.approx(0.0, abs=0.1)


def test_exponents() -> None:
    fitted = fit_exponent([1, 2, 4], [3.0, 12.0, 48.0])
    assert fitted.slope == pytest.approx(2.0)
    assert fitted.margin == pytest.approx(0.0, abs=1e-6)
    stats = pytest.importorskip("scipy.stats")
    units, values = [8, 8, 16, 16, 32], [1.0, 1.2, 1.5, 1.3, 2.4]
    line = stats.linregress(np.log(units), np.log(values))
    fitted = fit_exponent(units, values)
    assert fitted.slope == pytest.approx(line.slope)
    assert fitted.margin == pytest.approx(line.stderr * stats.t.ppf(0.975, 3), rel=1e-4)
    assert math.isnan(fit_exponent([1, 2], [1.0, 2.0]).slope)
    assert fit_exponent([1, 2, 4, 8], [1, 2, 4, math.inf]).slope == pytest.approx(1.0)


def test_episodes_to_a_target() -> None:
    class Made:
        rewards = np.concatenate([np.zeros(50), np.ones(50)])
        episodes = np.arange(1, 101) * 10

    assert episodes_to(0.5, Made()) == 530  # three of a twentieth, five records
    assert episodes_to(1.1, Made()) == math.inf


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"widths": (0,)}, "widths must be at least 1"),
        ({"depths": (0,)}, "depths must be at least 1"),
        ({"widths": (), "depths": ()}, "must hold at least one size"),
        ({"factors": (0.0,)}, "factors must be above 0"),
        ({"samples": 10}, "samples must be at least 20"),
        ({"target": math.nan}, "target must be a finite number"),
    ],
)
def test_wrong_plans_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Plan(Settings(), **changes)


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    small = ["scaling", "--address-bits", "1", "--rules", "ste,reinforce", "--widths", "2,4",
             "--depths", "1,2", "--width", "4", "--episodes", "160", "--samples", "2048",
             "--seeds", "2", "--factors", "1"]  # fmt: skip
    assert main(small) == 0
    out, err = capsys.readouterr()
    for word in ("2 → 4 units per layer", "1 → 2 hidden layers", "noise-to-signal", "µs per step"):
        assert word in out
    assert "12 of 12: " in err  # in which order they end is not said
    assert "reinforce, [4], rates x 1, seed 1: mean reward" in err
    assert Path("uwm-scaling/scaling.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(Path("uwm-scaling/scaling.csv").read_text().splitlines()))
    assert len(rows) == 16
    assert main([*small, "--json", "--quiet", "--no-plot"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    shown = json.loads(out)
    assert len(shown["points"]) == 16
    assert shown["points"][0]["noise_to_signal_trained"] is None
    assert main([*small, "--widths", "0"]) == 2
    assert "uwm scaling: error: widths must be at least 1" in capsys.readouterr().err
    assert main([*small, "--hidden", "4"]) == 2
