"""The verdict of a comparison: its statistics against known values, its words never too bold."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import uwm
from uwm.cli import main
from uwm.experiments import Settings, compare
from uwm.experiments.chance import Chance, chance_in, chance_of
from uwm.experiments.curves import at_chance, fell_back, noise, still_rises
from uwm.experiments.statistics import (
    bootstrap_interval,
    choose_test,
    holm,
    interquartile_mean,
    paired_test,
    probability_of_improvement,
    seeds_needed,
)
from uwm.experiments.verdict import Trained, Verdict, judge, verdict
from uwm.report.verdict_text import verdict_json, verdict_lines

stats = pytest.importorskip("scipy.stats")
Captured = pytest.CaptureFixture[str]
RNG = np.random.default_rng(7)


def trained(scores: Any, curve: Any = ()) -> list[Trained]:
    return [Trained(k, float(s), np.array(curve, dtype=float)) for k, s in enumerate(scores)]


def words(found: Verdict) -> str:
    return "\n".join(verdict_lines(found))


# Statistics


def test_the_interquartile_mean_is_the_mean_of_the_middle_half() -> None:
    assert interquartile_mean([1, 2, 3]) == pytest.approx(2.0)
    assert interquartile_mean([5.0]) == 5.0
    assert interquartile_mean([0, 1, 2, 3, 1000]) == pytest.approx((0.75 * 1 + 2 + 0.75 * 3) / 2.5)
    assert math.isnan(interquartile_mean([]))
    for n in (4, 8, 40):
        values = RNG.normal(size=n)
        assert interquartile_mean(values) == pytest.approx(stats.trim_mean(values, 0.25))


def test_the_bootstrap_interval() -> None:
    low, high = bootstrap_interval(np.arange(20.0))
    assert 5 < low < 9.5 < high < 14
    assert np.isnan(bootstrap_interval([1.0])).all()
    assert np.isnan(bootstrap_interval([1.0, 2.0], [1.0])).all()
    assert bootstrap_interval([2.0, 2.0, 2.0]) == pytest.approx((2.0, 2.0))
    values = RNG.normal(size=12)

    def middle(x: Any, axis: int = -1) -> Any:
        return stats.trim_mean(x, 0.25, axis=axis)

    theirs = stats.bootstrap((values,), middle, method="percentile", n_resamples=4000, rng=1)
    near = pytest.approx(tuple(theirs.confidence_interval), abs=0.1)
    assert bootstrap_interval(values) == near


def test_several_tasks_keep_their_numbers_of_runs() -> None:
    # Drawn without strata, a half of 0 and a half of 10 would spread far.
    apart = [0.0, 0.1, 0.2, 0.1], [10.0, 10.1, 10.2, 10.1]
    low, high = bootstrap_interval(*apart)
    assert 5.0 <= low < 5.2 and low < high < 5.2
    pooled = bootstrap_interval([*apart[0], *apart[1]])
    assert pooled[1] - pooled[0] > 5


@pytest.mark.parametrize(("runs", "least"), [(5, 0.82), (10, 0.89)])
def test_the_intervals_hold_the_true_value_as_often_as_they_say(runs: int, least: float) -> None:
    rng = np.random.default_rng(3)
    held = wins = 0
    for _ in range(120):
        a, b = rng.normal(size=runs), rng.normal(1.0, size=runs)
        low, high = bootstrap_interval(a)
        held += low <= 0 <= high
        found = probability_of_improvement(b, a)
        wins += found.low <= stats.norm.cdf(1 / math.sqrt(2)) <= found.high
    assert least < held / 120
    assert least < wins / 120


def test_probability_of_improvement_is_mann_whitney() -> None:
    for n, m in ((3, 3), (5, 9), (10, 10)):
        a, b = RNG.integers(0, 6, n).astype(float), RNG.integers(1, 6, m).astype(float)
        found = probability_of_improvement(a, b)
        assert found.value == pytest.approx(stats.mannwhitneyu(a, b).statistic / (n * m))
        assert found.low <= found.value <= found.high
        assert probability_of_improvement(b, a).value == pytest.approx(1 - found.value)
    assert probability_of_improvement([1, 1], [1, 1]).value == 0.5
    assert math.isnan(probability_of_improvement([], [1]).value)
    assert math.isnan(probability_of_improvement([2], [1]).low)


def test_a_clean_sweep_is_not_taken_for_certainty() -> None:
    found = probability_of_improvement(np.arange(10) + 100, np.arange(10))
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(stats.binomtest(10, 10).proportion_ci(0.95).low)
    other = probability_of_improvement(np.arange(10), np.arange(10) + 100)
    assert (other.value, other.low, other.high) == (0.0, 0.0, pytest.approx(1 - found.low))


@pytest.mark.parametrize("digits", [8, 0])  # 0: equal differences, and differences of 0
def test_wilcoxon_against_all_signs(digits: int) -> None:
    for shift in (0.2, 1.5, 3.0):
        d = np.round(np.random.default_rng(5).normal(shift, 2, size=9), digits)
        ranked = d[d != 0]
        ranks = stats.rankdata(np.abs(ranked))
        centre = ranks.sum() / 2
        signs = np.array(list(itertools.product((0, 1), repeat=len(ranked))))
        found = abs((ranked > 0) @ ranks - centre)
        exact = float((np.abs(signs @ ranks - centre) >= found - 1e-9).mean())
        p, ahead = paired_test(d, np.zeros(9), "wilcoxon")
        assert p == pytest.approx(exact)
        assert ahead == np.sign((ranked > 0) @ ranks - centre)
        assert paired_test(np.zeros(9), d, "wilcoxon") == (pytest.approx(p), -ahead)


def test_the_t_test_and_equal_numbers() -> None:
    a, b = RNG.normal(size=6), RNG.normal(size=6)
    assert paired_test(a, b, "t")[0] == pytest.approx(stats.ttest_rel(a, b).pvalue)
    for test in ("t", "wilcoxon"):
        assert paired_test(a, a, test) == (1.0, 0)
    assert paired_test(a + 1, a + 1 - 0.5, "t")[1] == 1


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
    found = holm([math.nan, 0.01])
    assert math.isnan(found[0])
    assert found[1] == pytest.approx(0.02)  # a pair without a test counts as one that found nothing


def test_how_many_seeds_a_test_takes() -> None:
    for pairs in (1, 3, 10, 45):
        n = seeds_needed(pairs)
        least = [paired_test(np.arange(1.0, k + 1), np.zeros(k), "wilcoxon")[0] for k in (n - 1, n)]
        assert pairs * least[1] <= 0.05 < pairs * least[0]
    assert [choose_test(n, 10) for n in (1, 4, 5, 8, 9, 20)] == [
        "",
        "",
        "t",
        "t",
        *["wilcoxon"] * 2,
    ]


@pytest.mark.parametrize("seeds", [5, 9])
def test_equal_rules_are_seldom_told_apart(seeds: int) -> None:
    rng = np.random.default_rng(11)
    wrong = 0
    for _ in range(60):
        succeed = rng.random((4, seeds)) < 0.5
        scores = succeed + 0.02 * rng.normal(size=(4, seeds))
        found = [
            paired_test(a, b, choose_test(seeds, 6)) for a, b in itertools.combinations(scores, 2)
        ]
        wrong += min(holm([p for p, _ in found])) < 0.05
    assert wrong <= 8


# Curves


def curve(*levels: float, deviation: float = 0.05) -> np.ndarray[Any, np.dtype[np.float64]]:
    at = np.interp(np.arange(200), np.linspace(0, 199, len(levels)), levels)
    return at + deviation * np.random.default_rng(0).normal(size=200)


def test_the_noise_of_a_tenth_does_not_count_the_rise() -> None:
    assert noise(curve(0, 0)) == pytest.approx(0.05 / math.sqrt(20), rel=0.2)
    assert noise(curve(0, 1)) == pytest.approx(noise(curve(0, 0)), rel=0.05)


def test_who_is_at_chance() -> None:
    assert at_chance(curve(0, 0), 0.0)
    assert at_chance(curve(0.5, -0.5), 0.0)
    assert not at_chance(curve(0, 0.2), 0.0)
    assert at_chance(curve(0, 0.2), 0.0, error=0.2)
    assert at_chance(np.full(20, -1.0), -1.0)


def test_curves_that_fall_back_or_still_rise() -> None:
    assert fell_back(curve(0, 1, 0.6), 0.0)
    assert not fell_back(curve(0, 1, 0.95), 0.0)
    assert not fell_back(curve(0, 0), 0.0)
    assert not fell_back(curve(0, 0))
    rising = still_rises([curve(0, 1), curve(0, 0.8)], 0.0)
    assert rising == pytest.approx((0.765, 0.855), abs=0.03)
    assert still_rises([curve(0, 1, 1)], 0.0) is None
    assert still_rises([curve(0, 0)], 0.0) is None


# What is earned without learning


def test_chance_and_the_best_constant_action() -> None:
    task = uwm.tasks.Classification(np.zeros((10, 2)), [0] * 7 + [1] * 2 + [2])
    assert chance_of(Settings(), task) == Chance(pytest.approx(-1 / 3), pytest.approx(0.4))
    two = uwm.tasks.Bandit(np.zeros((4, 1)), [1, 1, 1, 0])
    assert chance_of(Settings(), two) == Chance(0.0, 0.5)
    assert chance_of(Settings(address_bits=14)) == Chance(0.0, 0.0)
    assert chance_of(Settings(task="gone.csv")) is None


class Pays(uwm.tasks.Task):
    """Earns what it is told, whatever is done."""

    n_inputs, n_outputs = 2, 1
    pay: float | None = 0.25

    def inputs(self, seed: int, step: int, batch_size: int) -> Any:
        return np.random.default_rng([seed, step]).normal(size=(batch_size, 2))

    def reward(self, seed: int, step: int, sample: Any) -> Any:
        if self.pay is None:
            raise RuntimeError("not today")
        return np.full(len(sample.output), self.pay)


def test_a_task_of_ones_own_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    found = chance_of(Settings(episodes=50, hidden=(3,)), Pays())
    assert found == Chance(0.25, None, 0.0, "a new network")
    monkeypatch.setattr(Pays, "pay", None)
    assert chance_of(Settings(), Pays()) is None


def test_random_actions_in_an_environment() -> None:
    pytest.importorskip("gymnasium")
    found = chance_in("CartPole-v1")
    assert found is not None
    assert found.chance == pytest.approx(22, abs=4 * found.error)
    assert chance_in("NoSuch-v0") is None


# The verdict and its words


def test_rules_are_placed_by_what_the_test_says() -> None:
    rng = np.random.default_rng(2)
    base = rng.normal(0.5, 0.02, size=10)
    found = judge({
        "worst": trained(base - 0.3),
        "best": trained(base + 0.2),
        "close": trained(base + 0.2 + rng.normal(0, 0.02, size=10) - 0.002),
    })  # fmt: skip
    assert [[s.rule for s in tier] for tier in found.tiers()] == [["best", "close"], ["worst"]]
    assert (found.test, found.seeds, found.seeds_needed) == ("wilcoxon", 10, 7)
    said = words(found)
    assert "  1. best 0." in said and "; not shown to be behind it: close 0." in said
    assert "  2. worst 0." in said
    assert len(said.splitlines()) <= 10


@pytest.mark.parametrize(("seeds", "begins"), [(1, "One seed says nothing"), (4, "4 shared seeds")])
def test_few_seeds_tell_nothing_apart(seeds: int, begins: str) -> None:
    found = judge({"a": trained(np.arange(seeds)), "b": trained(np.arange(seeds) + 100.0)})
    assert found.test == ""
    assert math.isnan(found.pairs[0].p)
    assert not found.pairs[0].differs
    assert f"\n{begins}" in words(found)
    assert "ahead" not in words(found)
    assert "beats" not in words(found)
    assert "[" not in words(found)


def test_equal_results_are_not_told_apart() -> None:
    found = judge({name: trained([0.5] * 8) for name in "abc"})
    assert len(found.tiers()) == 1
    assert "No rule is shown to differ from a." in words(found)
    json.dumps(verdict_json(lambda: found), allow_nan=False)


def test_nan_and_missing_seeds() -> None:
    a = trained([0.1, math.nan, 0.3, 0.4, 0.5, 0.6, 0.7])
    b = trained([1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.75])
    found = judge(
        {"a": a, "b": b, "few": b[:2], "none": [], "nan": trained([math.nan])},
        diverged={"few": range(2, 7), "none": range(7)},
    )
    assert [s.rule for s in found.no_result] == ["none", "nan"]
    assert found.pair("b", "a").seeds == 6
    assert math.isnan(found.pair("b", "few").p) or math.isnan(found.pair("few", "b").p)
    said = words(found)
    assert "few diverged (seeds 2-6)" in said
    assert "none diverged (every seed)" in said
    assert "Too few seeds for a test: few." in said
    json.dumps(verdict_json(lambda: found), allow_nan=False)
    assert verdict_lines(judge({})) == []


def test_rates_that_look_wrong_are_named_with_the_reason() -> None:
    flat, rising, good = curve(0, 0), curve(0, 1), curve(0, 1, 1)
    found = judge(
        {
            "flat": trained([0.0] * 6, flat),
            "rising": trained([0.5] * 6, rising),
            "falling": trained([0.6] * 6, curve(0, 1, 0.5)),
            "good": trained([0.7] * 6, good),
        },
        chance=Chance(0.0, 0.0),
        tuned=("falling",),
    )
    said = words(found)
    assert "No more than that within noise in the last tenth: flat (every seed)." in said
    assert "flat earns no more than that where another rule does" in said
    assert "rising still rises at the end (0.8" in said
    assert "falling falls back from its best (every seed)" in said
    assert "good" not in said[said.index("Rates may be wrong") :]
    assert "uwm tune --rules rising,flat" in said
    assert "uwm tune" not in "\n".join(verdict_lines(found, tune=False))
    none = judge({"flat": trained([0.0] * 6, flat)}, chance=Chance(0.0, 0.0))
    assert "No rule earns more than that: rates may be wrong. uwm tune --rules flat" in words(none)
    fine = judge({"good": trained([0.7] * 6, good)}, chance=Chance(0.0, 0.0))
    assert "Rates" not in words(fine)
    assert "Every run earns more in its last tenth." in words(fine)


def test_many_seeds_are_counted() -> None:
    flat, good = curve(0, 0), curve(0, 1, 1)
    runs = [Trained(k, 0.5, flat if k % 2 else good) for k in range(40)]
    found = judge({"a": runs, "b": trained([0.9] * 40, good)}, chance=Chance(0.0))
    assert "in the last tenth: a (20 of 40 seeds)." in words(found)


def test_a_real_comparison_has_a_verdict() -> None:
    small = Settings(address_bits=1, hidden=(8,), rules=("ste",), episodes=2000, seeds=2)
    found = verdict(compare(small))
    assert found.chance == Chance(0.0, 0.0)
    assert found.standings[0].judged == 2
    assert words(found).startswith("Verdict: mean reward, interquartile mean over seeds: ste 0.")


def test_the_command_ends_with_a_verdict(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    small = ["compare", "--address-bits", "1", "--hidden", "4", "--rules", "ste,reinforce"]
    small += ["--episodes", "40", "--seeds", "6", "--quiet", "--no-plot"]
    assert main(small) == 0
    assert "\nVerdict: mean reward, interquartile mean [95% interval]" in capsys.readouterr().out
    assert main([*small, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["verdict"]
    assert found["chance"]["chance"] == 0.0
    assert found["pairs"][0]["seeds"] == 6
    assert found["text"][0].startswith("Verdict: ")


def test_without_scipy_json_has_all_else(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "scipy", None)
    small = ["compare", "--address-bits", "1", "--hidden", "4", "--rules", "ste,reinforce"]
    small += ["--episodes", "40", "--seeds", "6", "--quiet", "--no-plot"]
    assert main([*small, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["runs"]) == 12
    assert found["verdict"] == {
        "missing": 'tests of differences need SciPy: pip install "uwm[cli]"'
    }
    assert main(small) == 2
    assert 'pip install "uwm[cli]"' in capsys.readouterr().err
