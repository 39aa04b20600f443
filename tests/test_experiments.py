"""Comparisons from Python: what they run, return and write."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import uwm
from uwm import report
from uwm.experiments import Comparison, Progress, Settings, compare
from uwm.experiments.settings import DEFAULT_RULES
from uwm.experiments.settings_file import read_settings
from uwm.experiments.spread import margin, spread, student_t
from uwm.report.figures.colours import COLOURS, OTHERS


def small(**changes: Any) -> Settings:
    values: dict[str, Any] = {
        "address_bits": 1,
        "hidden": (6,),
        "rules": ("ste", "weight_max"),
        "episodes": 400,
        "batch_size": 4,
        "seeds": 3,
    }
    return Settings(**{**values, **changes})


@pytest.fixture(scope="module")
def result() -> Comparison:
    return compare(small())


def test_a_run_is_uwm_train_with_these_settings(result: Comparison) -> None:
    run = result.of("weight_max")[2]
    net = uwm.Network([3, 6, 1], seed=2)
    log = uwm.train(
        net,
        uwm.WeightMax(),
        uwm.Adam(),
        uwm.tasks.Multiplexer(1),
        steps=100,
        batch_size=4,
        record_every=1,
    )
    assert (run.rule, run.seed) == ("weight_max", 2)
    np.testing.assert_array_equal(run.rewards, log.rewards)
    np.testing.assert_array_equal(run.episodes, np.arange(4, 401, 4))
    assert run.mean_reward == log.mean_reward
    assert run.final_reward == log.final_reward
    assert run.test_accuracy is None


def test_runs_do_not_depend_on_how_many_go_at_once(result: Comparison) -> None:
    for jobs in (1, 4):
        again = compare(small(), jobs=jobs)
        for one, other in zip(result.runs, again.runs, strict=True):
            assert (one.rule, one.seed) == (other.rule, other.seed)
            np.testing.assert_array_equal(one.rewards, other.rewards)


def test_settings_reach_the_runs() -> None:
    def run(**changes: Any) -> Comparison:
        return compare(small(**{"learning_rate": 0.1, "seeds": 1, **changes}))

    base = run()
    for changes in (
        {"learning_rate": 0.01},
        {"learning_rate": (0.1, 0.003)},
        {"learning_rate": "auto"},
        {"rate_factor": 0.1},
        {"initial_gain": 1},
        {"initial_gain": (1, 2)},
        {"learning_rates": {"ste": 0.01}},
        {"optimizer": "sgd"},
        {"units": "bipolar"},
        {"baseline": "running-mean"},
        {"baseline": 0.5},
        {"baselines": {"ste": "running-mean"}},
        {"hidden": ()},
        {"first_seed": 1},
    ):
        changed = run(**changes)
        assert not np.array_equal(changed.runs[0].rewards, base.runs[0].rewards), changes
    one_changed = run(learning_rates={"ste": 0.01})
    np.testing.assert_array_equal(one_changed.runs[1].rewards, base.runs[1].rewards)


def test_a_last_shorter_step_counts_whole() -> None:
    run = compare(small(episodes=401, seeds=1)).runs[0]
    assert run.episodes[-1] == 404


def test_a_rule_and_a_task_of_ones_own() -> None:
    class Half(uwm.Rule):
        name = "half"

        def unit_rewards(
            self, net: uwm.Network, sample: uwm.Sample, reward: np.ndarray
        ) -> list[np.ndarray]:
            R = np.asarray(reward)
            hidden = [np.outer(0.5 * R, np.ones(n)) for n in net.sizes[1:-1]]
            return [*hidden, np.outer(R, np.ones(net.sizes[-1]))]

    inputs, labels = np.eye(3), np.array([0, 1, 2])
    task = uwm.tasks.Classification(inputs, labels, inputs, labels, name="three")
    found = compare(small(rules=(Half(), "ste"), episodes=80, seeds=1), task=task)
    assert [run.rule for run in found.runs] == ["half", "ste"]
    assert found.title == "three"
    assert found.runs[0].test_accuracy is not None
    assert 0 <= found.runs[0].test_accuracy <= 1


def test_progress_is_told_to_the_end() -> None:
    seen: dict[tuple[str, int], tuple[int, int]] = {}

    def listen(event: Progress) -> None:
        seen[event.name, event.seed] = event.step, event.steps

    compare(small(), progress=listen)
    assert seen == {(rule, seed): (100, 100) for rule in ("ste", "weight_max") for seed in range(3)}


def test_an_error_in_progress_ends_everything() -> None:
    def listen(event: Progress) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        compare(small(), progress=listen)


def test_a_run_that_diverges_does_not_end_the_others() -> None:
    class Wrong(uwm.Rule):
        name = "wrong"

        def unit_rewards(
            self, net: uwm.Network, sample: uwm.Sample, reward: np.ndarray
        ) -> list[np.ndarray]:
            return [np.full(a.shape, math.nan) for a in sample.activations]

    found = compare(small(rules=(Wrong(), "ste"), seeds=1))
    assert [run.rule for run in found.runs] == ["ste"]
    assert [(run.rule, run.seed) for run in found.unfinished] == [("wrong", 0)]
    assert found.unfinished[0].reason


def test_files_hold_the_results(result: Comparison, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    folder = tmp_path / "new" / "folder"
    paths = report.write(result, folder)
    there = {path.name for path in folder.iterdir()}
    assert {path.name for path in paths} == there - {"results.sqlite"}
    assert (folder / "learning-curves.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")

    curves = pandas.read_csv(folder / "curves.csv")
    assert list(curves.columns) == ["rule", "seed", "episode", "reward"]
    one = curves[(curves.rule == "ste") & (curves.seed == 1)]
    np.testing.assert_array_equal(one.reward, result.of("ste")[1].rewards)
    np.testing.assert_array_equal(one.episode, result.of("ste")[1].episodes)

    runs = pandas.read_csv(folder / "runs.csv")
    assert list(runs.mean_reward) == [run.mean_reward for run in result.runs]
    settings = json.loads((folder / "settings.json").read_text())
    assert settings["version"] == uwm.__version__
    assert settings["episodes"] == 400
    assert settings["unfinished"] == []
    assert Settings(**read_settings(folder / "settings.json")).as_dict() == small().as_dict()


def test_a_plot_that_would_be_out_of_date_goes(result: Comparison, tmp_path: Path) -> None:
    report.write(result, tmp_path)
    report.write(result, tmp_path, plot=False)
    assert not (tmp_path / "learning-curves.png").exists()
    assert (tmp_path / "curves.csv").exists()


def test_a_failed_write_leaves_the_old_file(
    result: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report.write(result, tmp_path, plot=False)
    before = (tmp_path / "curves.csv").read_bytes()

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("uwm.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        report.write(compare(small(seeds=1)), tmp_path, plot=False)
    assert (tmp_path / "curves.csv").read_bytes() == before
    assert not list(tmp_path.glob(".*")), "nothing half written may stay"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rules": ("stee",)}, "rules must be one of reinforce, ste, weight_max, .*, got 'stee'"),
        ({"rules": ()}, "at least one rule"),
        ({"rules": ("ste", "ste")}, "rules must differ, got 'ste' twice"),
        ({"rules": "ste"}, "rules must be a sequence"),
        ({"rules": (3,)}, "rules must be names or uwm.Rule objects, got 3"),
        ({"hidden": (0,)}, "hidden must be at least 1, got 0"),
        ({"hidden": (2.5,)}, "hidden must be a whole number"),
        ({"hidden": 5}, "hidden must be a sequence"),
        ({"episodes": 0}, "episodes must be at least 1, got 0"),
        ({"episodes": -5}, "episodes must be at least 1, got -5"),
        ({"episodes": True}, "episodes must be a whole number"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"seeds": 0}, "seeds must be at least 1"),
        ({"first_seed": -1}, "first_seed must be at least 0"),
        ({"first_seed": 2**64}, r"seeds below 2\*\*64"),
        ({"address_bits": 0}, "address_bits must be at least 1"),
        ({"learning_rate": 0}, "learning_rate must be above 0"),
        ({"learning_rate": -1.0}, "learning_rate must be above 0"),
        ({"learning_rate": math.nan}, "learning_rate must be a finite number, got nan"),
        ({"learning_rate": math.inf}, "learning_rate must be a finite number, got inf"),
        ({"learning_rate": "0.1"}, "learning_rate must be auto, a number"),
        ({"learning_rate": (1.0, 1.0, 1.0)}, r"or 2 \(one per layer\), got 3"),
        (
            {"learning_rates": {"reinforce": 1.0}},
            "learning_rates must be one of ste, weight_max, got 'reinforce'",
        ),
        ({"learning_rates": {"ste": (1.0,)}}, r"or 2 \(one per layer\), got 1"),
        ({"learning_rates": 0.1}, "learning_rates must be rates by rule"),
        ({"baselines": 0.1}, "baselines must be baselines by rule"),
        (
            {"baselines": {"reinforce": None}},
            "baselines must be one of ste, weight_max, got 'reinforce'",
        ),
        (
            {"baselines": {"ste": "mean"}},
            "baseline must be None, running-mean or a number, got 'mean'",
        ),
        ({"optimizer": "rmsprop"}, "optimizer must be one of adam, sgd, got 'rmsprop'"),
        ({"units": "ternary"}, "units must be one of binary, bipolar, got 'ternary'"),
        ({"dtype": "float16"}, "dtype must be one of float32, float64, got 'float16'"),
        ({"baseline": "mean"}, "baseline must be None, running-mean or a number, got 'mean'"),
        ({"baseline": math.nan}, "baseline must be a finite number"),
        ({"task": 3}, "task must be a name"),
    ],
)
def test_wrong_settings_are_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        small(**changes)


def test_compare_refuses_what_it_cannot_start() -> None:
    with pytest.raises(ValueError, match=r"task must be multiplexer, digits, .*, got 'mux'"):
        compare(small(task="mux"))
    with pytest.raises(ValueError, match="jobs must be at least 1, got 0"):
        compare(small(), jobs=0)


def test_settings_files_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for text, message in (
        ("{", "not a JSON file"),
        ("[1]", "must be a JSON object"),
        ('{"epochs": 3}', "settings must be known ones, got 'epochs'"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_settings(path)


def test_statistics_against_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for freedom in [*range(1, 40), 100, 1000]:
        assert student_t(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-5)
    values = np.array([0.2, 0.5, 0.9, 0.4])
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    found = spread(values)
    assert (found.mean - found.margin, found.mean + found.margin) == pytest.approx((low, high))
    assert math.isnan(spread([1.0]).deviation)
    assert np.isnan(margin(np.ones((1, 3)))).all()


def test_every_rule_has_a_colour_of_its_own() -> None:
    assert set(COLOURS) == set(uwm.RULES)
    assert len({*COLOURS.values(), *OTHERS}) == len(COLOURS) + len(OTHERS)
    assert set(DEFAULT_RULES) <= set(uwm.RULES)
