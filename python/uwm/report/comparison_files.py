"""The files of a comparison: settings.json, runs.csv, curves.csv and learning-curves.png."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import uwm
from uwm.experiments.comparison import Comparison
from uwm.experiments.origin import origin, same_numbers
from uwm.experiments.runs import INTERRUPTED, Run, Unfinished
from uwm.experiments.settings import Settings
from uwm.files import locked, make_folder, replace_file
from uwm.formats import csv_text, read_json, read_rows, write_json
from uwm.report.figures import learning_curves
from uwm.report.folders import SETTINGS, UNREADABLE, draw, free_folder, make_room

RUNS, CURVES, PLOT = "runs.csv", "curves.csv", "learning-curves.png"
FILES = (SETTINGS, RUNS, CURVES, PLOT)
# Of the settings, what runs of one comparison may differ in; `union` sees to it.
MAY_DIFFER = ("rules", "learning_rate", "learning_rates", "baseline", "baselines", "rates_from",
              "seeds", "first_seed")  # fmt: skip
SAME = (*(field.name for field in dataclasses.fields(Settings) if field.name not in MAY_DIFFER),
        "version", "task_sha256")  # fmt: skip
NOT_RUN = "not run"

Key = tuple[str, int]  # of a run: rule and seed


def write(comparison: Comparison, folder: Path, plot: bool) -> list[Path]:
    """Write settings.json, runs.csv, curves.csv and learning-curves.png; return their paths.

    Runs with the same settings that the folder holds already stay, the same rule and seed being
    replaced. If this comparison was stopped and one of other settings in the folder is complete,
    this one goes into a sub-folder, `stopped-1` or the next number.
    """
    make_folder(folder)
    with locked(folder):
        made = merged(comparison, folder)
        if made is None:
            stopped = any(run.reason == INTERRUPTED for run in comparison.unfinished)
            if stopped and is_complete(folder):
                folder = free_folder(folder, "stopped")
            else:
                make_room(folder, FILES)
            made = comparison
        (folder / PLOT).unlink(missing_ok=True)  # an earlier plot would not belong to these runs
        write_json(folder / SETTINGS, described(made))
        replace_file(folder / RUNS, runs_text(made).encode())
        replace_file(folder / CURVES, curves_text(made).encode())
    paths = [folder / name for name in (SETTINGS, RUNS, CURVES)]
    if plot and made.runs:
        paths += draw(folder / PLOT, lambda: learning_curves(made))
    return paths


def described(comparison: Comparison) -> dict[str, Any]:
    """Return settings.json: all settings, what else matters, and the runs without a result."""
    unfinished = [run.as_dict() for run in comparison.unfinished]
    settings = comparison.settings
    return {**settings.as_dict(), **origin(comparison.task_sha256), "unfinished": unfinished}


def runs_text(comparison: Comparison) -> str:
    """Return runs.csv: one line per run."""
    rows = [run.as_dict() for run in comparison.runs]
    names = ["rule", "seed", "mean_reward", "final_reward", "steps_per_second"]
    return csv_text(list(rows[0]) if rows else names, [list(row.values()) for row in rows])


def curves_text(comparison: Comparison) -> str:
    """Return curves.csv: one line per point of a learning curve, `episode` being its last."""
    rows = [
        [run.rule, run.seed, episode, reward]
        for run in comparison.runs
        for episode, reward in zip(run.episodes.tolist(), run.rewards.tolist(), strict=True)
    ]
    return csv_text(["rule", "seed", "episode", "reward"], rows)


def merged(new: Comparison, folder: Path) -> Comparison | None:
    """Return a comparison with the folder's runs, too; None if they do not go together."""
    if not any((folder / name).exists() for name in FILES):
        return new
    try:
        there = read_json(folder / SETTINGS)
        here = described(new)
        together = all(there[name] == _plain(here[name]) for name in SAME)
        if not together or not same_numbers(there["simd_level"], here["simd_level"]):
            return None
        settings = union(new.settings, there)
        runs = read_runs(folder)
        reasons = {(u["rule"], u["seed"]): str(u["reason"]) for u in there["unfinished"]}
        whole = there_is_all(there, runs, reasons)
    except UNREADABLE:
        return None
    if settings is None or not whole:
        return None
    runs.update({(run.rule, run.seed): run for run in new.runs})
    reasons.update({(run.rule, run.seed): run.reason for run in new.unfinished})
    keys = [(rule, seed) for rule in settings.rule_names for seed in settings.seed_range]
    return Comparison(
        settings,
        new.title,
        tuple(runs[key] for key in keys if key in runs),
        tuple(Unfinished(*key, reasons.get(key, NOT_RUN)) for key in keys if key not in runs),
        new.task_sha256,
    )


def there_is_all(
    there: dict[str, Any], runs: Mapping[Key, Run], reasons: Mapping[Key, str]
) -> bool:
    """Tell whether a folder has a result, or a reason for none, of just the runs it was made of."""
    seeds = range(there["first_seed"], there["first_seed"] + there["seeds"])
    made_of = len(there["rules"]) * len(seeds)
    every = all(key[0] in there["rules"] and key[1] in seeds for key in (*runs, *reasons))
    return every and len(runs) + len(reasons) == made_of and not runs.keys() & reasons.keys()


def union(settings: Settings, there: dict[str, Any]) -> Settings | None:
    """Return settings with a file's rules and seeds, too; None if they do not go together."""
    first, count = there["first_seed"], there["seeds"]
    end = max(first + count, settings.seed_range.stop)
    start = min(first, settings.first_seed)
    if end - start > count + settings.seeds:  # there are seeds between that nobody asked for
        return None
    rates, baselines = dict(settings.learning_rates), dict(settings.baselines)
    more = []
    for rule in there["rules"]:
        rate = there["learning_rates"].get(rule, there["learning_rate"])
        baseline = there["baselines"].get(rule, there["baseline"])
        if rule in settings.rule_names:
            same = _plain(settings.rates(rule)) == rate and settings.baseline_of(rule) == baseline
            if not same:
                return None
        elif rule in uwm.RULES:
            more.append(rule)
            if rate != _plain(settings.rates(rule)) or settings.learning_rates:
                rates[rule] = rate
            if baseline != settings.baseline_of(rule):
                baselines[rule] = baseline
        else:  # a rule of the user's own, known by name only
            return None
    return dataclasses.replace(
        settings,
        rules=(*more, *settings.rules),
        learning_rates=rates,
        baselines=baselines,
        rates_from=settings.rates_from or there["rates_from"],
        first_seed=start,
        seeds=end - start,
    )


def read_runs(folder: Path) -> dict[Key, Run]:
    """Return the runs in a folder by rule and seed, with their curves."""
    curves: dict[Key, list[tuple[int, float]]] = {}
    for row in read_rows(folder / CURVES):
        point = int(row["episode"]), float(row["reward"])
        curves.setdefault((row["rule"], int(row["seed"])), []).append(point)
    runs: dict[Key, Run] = {}
    for row in read_rows(folder / RUNS):
        key = row["rule"], int(row["seed"])
        if key in runs:
            raise ValueError(f"{folder / RUNS}: {key[0]} with seed {key[1]} is there twice")
        episodes, rewards = zip(*curves[key], strict=True)
        tested = "test_accuracy" in row
        runs[key] = Run(
            rule=key[0],
            seed=key[1],
            mean_reward=float(row["mean_reward"]),
            final_reward=float(row["final_reward"]),
            steps_per_second=float(row["steps_per_second"]),
            episodes=np.array(episodes, dtype=np.int64),
            rewards=np.array(rewards),
            test_accuracy=float(row["test_accuracy"]) if tested else None,
            test_accuracy_one_pass=float(row["test_accuracy_one_pass"]) if tested else None,
            version=row["version"],
            simd_level=row["simd_level"],
        )
    return runs


def is_complete(folder: Path) -> bool:
    """Tell whether a folder holds an earlier comparison in which no run is missing."""
    try:
        return not read_json(folder / SETTINGS)["unfinished"]
    except UNREADABLE:
        return False


def _plain(value: Any) -> Any:
    """Return a value as JSON gives it back."""
    return list(value) if isinstance(value, tuple) else value
