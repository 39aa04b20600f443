"""Tuning: one budget for every rule, the same search however it is run, files for compare."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

import uwm
from uwm.cli import main
from uwm.experiments import Search, Settings, Trial, Tuned, compare, tune
from uwm.experiments.settings_file import read_settings
from uwm.experiments.tuning.runner import ROUND
from uwm.experiments.tuning.sampler import RANDOM_TRIALS
from uwm.experiments.tuning.search import BASELINES, FIRST_SEED
from uwm.report import write

pytest.importorskip("optuna")

RULES = ("ste", "weight_max")


def search(**changes: Any) -> Search:
    fixed = {"address_bits": 1, "hidden": (4,), "rules": RULES, "episodes": 60, "batch_size": 4,
             "seeds": 1, "first_seed": FIRST_SEED}  # fmt: skip
    settings = Settings(**{**fixed, **changes.pop("settings", {})})
    budget = {"trials": 10, "finalists": 2, "finalist_seeds": 2}
    return Search(settings, **{**budget, **changes})


@pytest.fixture(scope="module")
def tuned() -> Tuned:
    return tune(search(), jobs=1)


def test_every_rule_gets_the_same_budget(tuned: Tuned) -> None:
    for rule in RULES:
        trials = [trial for trial in tuned.trials if trial.rule == rule]
        assert [trial.number for trial in trials] == list(range(10))
        for trial in trials:
            assert set(trial.choice) == {"learning_rate_1", "learning_rate_2", "baseline"}
            assert trial.choice["baseline"] in BASELINES
            assert 1e-4 <= float(trial.choice["learning_rate_1"]) <= 1e-1
        # The first is at the settings' own rates.
        assert list(trials[0].choice.values()) == [0.02, 0.002, "none"]
    first = [[t.choice for t in tuned.trials if t.rule == rule][:RANDOM_TRIALS] for rule in RULES]
    assert first[0] == first[1]


def test_a_trial_is_a_comparison_at_its_rates(tuned: Tuned) -> None:
    trial = tuned.best("ste")
    settings = tuned.search.apply("ste", trial.choice)
    runs = compare(settings).of("ste")
    assert [run.seed for run in runs] == [FIRST_SEED]
    assert runs[0].mean_reward == trial.mean_reward
    assert runs[0].final_reward == trial.final_reward
    further = dataclasses.replace(settings, seeds=2, first_seed=FIRST_SEED + 1)
    again = [run.mean_reward for run in compare(further).of("ste")]
    assert trial.again_mean_reward == pytest.approx(sum(again) / 2)


def test_finalists_are_the_best_and_decide(tuned: Tuned) -> None:
    for rule in RULES:
        trials = [trial for trial in tuned.trials if trial.rule == rule]
        final = [trial for trial in trials if not math.isnan(trial.again_mean_reward)]
        assert len(final) == 2
        assert max(trials, key=lambda trial: trial.mean_reward) in final
        for objective in ("mean_reward", "final_reward"):
            values = [getattr(trial, f"again_{objective}") for trial in final]
            assert getattr(tuned.best(rule, objective), f"again_{objective}") == max(values)
    alone = tune(search(finalists=0, trials=2)).best("ste")
    assert math.isnan(alone.again_mean_reward)


def test_the_search_does_not_depend_on_jobs_nor_on_the_other_rules(tuned: Tuned) -> None:
    assert repr(tune(search(), jobs=3).trials) == repr(tuned.trials)
    alone = tune(search(settings={"rules": ("weight_max",)}), jobs=1)
    assert repr(alone.trials) == repr(tuned.trials[10:])


def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been(
    tuned: Tuned, tmp_path: Path
) -> None:
    class Enough(Exception):
        pass

    made: list[Trial] = []

    def stop_in_the_second_round(trial: Trial) -> None:
        made.append(trial)
        if len(made) == 2 * ROUND + 3:
            raise Enough

    with pytest.raises(Enough):
        tune(search(), store=tmp_path, jobs=1, finished=stop_in_the_second_round)
    more: list[Trial] = []
    again = tune(search(), store=tmp_path, jobs=2, finished=more.append)
    assert len(made) + len(more) == 24
    assert repr(again.trials) == repr(tuned.trials)  # NaN is not equal to itself
    # And further, with more trials.
    again = tune(search(trials=12), store=tmp_path, finished=more.append)
    first = [(t.number, t.choice, t.mean_reward) for t in tuned.trials if t.number < 8]
    assert [(t.number, t.choice, t.mean_reward) for t in again.trials if t.number < 8] == first


def test_compare_reads_the_best_settings(tuned: Tuned, tmp_path: Path) -> None:
    paths = write(tuned, tmp_path)
    assert [path.name for path in paths] == ["tuned.json", "trials.csv"]
    settings = Settings(**read_settings(tmp_path / "tuned.json"))
    assert settings.first_seed == 0
    assert settings.seeds == 10
    for rule in RULES:
        best = tuned.best(rule).choice
        assert settings.rates(rule) == (best["learning_rate_1"], best["learning_rate_2"])
        assert (settings.baseline_of(rule) or "none") == best["baseline"]
    assert "10 trials of 60 episodes" in settings.rates_from
    about = json.loads((tmp_path / "tuned.json").read_text())["search"]
    assert about["best"]["ste"]["mean_reward"] == tuned.best("ste").mean_reward
    assert about["trials"] == 10


def test_the_best_by_the_last_tenth(tuned: Tuned) -> None:
    assert "by final reward" in tuned.settings("final_reward").rates_from


def test_optuna_is_as_talkative_as_before(capfd: pytest.CaptureFixture[str]) -> None:
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.INFO)
    try:
        tune(search(trials=1, finalists=1, settings={"rules": ("ste",)}), jobs=1)
        assert optuna.logging.get_verbosity() == optuna.logging.INFO
    finally:
        optuna.logging.set_verbosity(before)
    assert "study" not in capfd.readouterr().err


def test_importance_is_a_share(tuned: Tuned) -> None:
    for shares in tuned.importance.values():
        assert set(shares) <= set(tuned.search.parameters)
        assert not shares or sum(shares.values()) == pytest.approx(1.0)


def test_what_is_tuned_can_be_chosen() -> None:
    found = tune(search(tuned=("baseline",), trials=2, settings={"rules": ("ste",)}))
    assert [set(trial.choice) for trial in found.trials] == [{"baseline"}] * 2
    assert found.settings().rates("ste") == "auto"


class Wrong(uwm.Rule):
    name = "wrong"

    def unit_rewards(self, net: uwm.Network, sample: uwm.Sample, reward: Any) -> Any:
        return [a * math.nan for a in sample.activations]


def test_a_rule_that_always_diverges_is_left_out() -> None:
    found = tune(search(trials=2, settings={"rules": ("ste", Wrong())}))
    assert len(found.trials) == 4
    assert found.settings().rule_names == ("ste",)
    with pytest.raises(ValueError, match="wrong: every trial diverged"):
        found.best("wrong")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trials": 0}, "trials must be at least 1"),
        ({"finalists": -1}, "finalists must be at least 0"),
        ({"finalist_seeds": 0}, "finalist_seeds must be at least 1"),
        ({"tuned": ()}, "tuned must be some of learning_rate, baseline"),
        ({"tuned": ("beta",)}, "tuned must be one of learning_rate, baseline, got 'beta'"),
        (
            {"objective": "median"},
            "objective must be one of mean_reward, final_reward, got 'median'",
        ),
        ({"lowest_rate": 0.2}, "below highest_rate, got 0.2 and 0.1"),
        ({"lowest_rate": -1.0}, "must be above 0 and below highest_rate, got -1.0"),
    ],
)
def test_wrong_searches_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        search(**changes)


SMALL = ["--address-bits", "1", "--hidden", "4", "--rules", "ste,weight_max", "--episodes", "40"]


def test_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["tune", *SMALL, "--trials", "2"]) == 0
    out, err = capsys.readouterr()
    for word in ("best settings", "learning rates", "baseline", "weight_max", "2 trials of 40",
                 "uwm compare --settings uwm-tune/tuned.json"):  # fmt: skip
        assert word in out
    assert "weight_max, trial 1: " in err
    assert "further seeds" in err
    assert main(["tune", *SMALL, "--trials", "2", "--quiet", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert set(json.loads(out)["learning_rates"]) == set(RULES)

    command = ["compare", "--settings", "uwm-tune/tuned.json", "--seeds", "1", "--no-plot"]
    assert main([*command, "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "Learning rates from uwm tune: the best of 2 trials of 40 episodes, one" in out
    assert "  ste: 0.0" in out
    # A rule alone, and a rate for all, win over the file.
    assert main([*command, "--quiet", "--rules", "ste"]) == 0
    assert "weight_max" not in capsys.readouterr().out
    assert main([*command, "--quiet", "--learning-rate", "0.1", "--baseline", "none"]) == 0
    assert "Every rule had the same learning rates" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rate-range", "1"], "--rate-range must be two numbers, got 1"),
        (
            ["--rate-range", "1,0.1"],
            "lowest_rate must be above 0 and below highest_rate, got 1.0 and 0.1",
        ),
        (["--trials", "0"], "trials must be at least 1"),
        (["--tune", "beta"], "tuned must be one of learning_rate, baseline, got 'beta'"),
        (["--objective", "end"], "objective must be one of mean_reward, final_reward, got 'end'"),
        (["--rules", "nope"], "feedback_alignment, file.py:Class, got 'nope'"),
        (["--out", "file"], "cannot write into the folder file: it is a file"),
    ],
)
def test_one_line_for_every_mistake(
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    assert main(["tune", *SMALL, *options]) == 2
    err = capsys.readouterr().err
    assert err.startswith("uwm tune: error: ")
    assert err.count("\n") == 1
    assert message in err


def test_without_optuna_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert main(["tune", *SMALL]) == 2
    assert 'pip install "uwm[tune]"' in capsys.readouterr().err
