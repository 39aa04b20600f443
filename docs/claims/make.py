"""Make everything in docs/claims.md: runs, tables, plots, verdicts.

    python docs/claims/make.py            # the full study: data, images and docs/claims.md
    python docs/claims/make.py --short    # the same in small, ten minutes, into claims-short/
    python docs/claims/make.py --report   # tables, plots and verdicts again from the data

Needs uwm with its extras cli, tasks and tune. Every result is on disk as soon as there is one,
under what defines it: the same command goes on where it was stopped, and makes what is missing.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import report
import saturation
import searches
from plan import FULL, RULES, SHORT, TINY, Case, Study
from store import LINES, SEARCHED, Table, opened

import uwm
from uwm.analysis import rule_statistics
from uwm.experiments import Plan, Point, Run, Settings, measure_scaling
from uwm.experiments.build import available_cores, choose_task
from uwm.experiments.compute import Study as Asked, computer
from uwm.experiments.runs import Request, train_all
from uwm.experiments.store import Store
from uwm.experiments.tuning.search import OBJECTIVES

PARTS = ("bias", "cases", "published", "scaling")
BIAS_KEYS = ("sizes", "scale", "rule")
BIAS_SCALES = (0.5, 1.5, 3.0)
POINT_KEYS = ("axis", "width", "depth", "rule", "seed", "episodes", "samples", "factors")
POINT_VALUES = tuple(f.name for f in dataclasses.fields(Point) if f.name not in POINT_KEYS)


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--short", action="store_true", help="a form of ten minutes")
    form.add_argument("--tiny", action="store_true", help="seconds: shows that everything runs")
    parser.add_argument(
        "--out",
        type=Path,
        help="folder of claims.md and claims/ (default docs; claims-short or claims-tiny here)",
    )
    parser.add_argument("--only", default=",".join(PARTS), help="some of " + ",".join(PARTS))
    parser.add_argument("--cases", help="some of " + ",".join(case.name for case in FULL.cases))
    parser.add_argument("--jobs", type=int, default=available_cores(), help="runs at a time")
    parser.add_argument("--report", action="store_true", help="run nothing")
    parser.add_argument(
        "--estimate", action="store_true", help="say how long everything will take, run nothing"
    )
    args = parser.parse_args()
    study, home = FULL, Path(__file__).resolve().parent.parent
    if args.short or args.tiny:
        study = SHORT if args.short else TINY
        home = Path("claims-short" if args.short else "claims-tiny")
    home = args.out or home
    if args.cases:
        chosen = args.cases.split(",")
        study = dataclasses.replace(
            study, cases=tuple(case for case in study.cases if case.name in chosen)
        )
    if args.estimate:
        estimate(study, args.jobs)
        return 0
    made = Results(home / "claims" / "data")
    started = time.monotonic()
    if not args.report:
        for part in args.only.split(","):
            say(f"== {part}")
            {"bias": bias, "cases": run_cases, "published": published, "scaling": against_size}[
                part
            ](study, made, args.jobs)
            say(f"== {part}: done, {(time.monotonic() - started) / 60:.1f} minutes in all")
    made.store.write_lines(made.folder / LINES)
    report.write(study, made, home)
    return 0


class Results:
    """The results in a folder: runs with fresh seeds, and the others by kind."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, opened(folder)
        self.bias = Table(self.store, "bias", BIAS_KEYS)
        self.published = Table(self.store, "published", saturation.KEYS)
        self.quiet = Table(self.store, "quiet", saturation.QUIET_KEYS)
        self.points = Table(self.store, "size", POINT_KEYS)


def bias(study: Study, made: Results, jobs: int) -> None:
    """Enumerate every activity of small networks with every rule."""
    for sizes in study.bias_nets:
        for scale in BIAS_SCALES:
            for rule in RULES:
                key = {"sizes": sizes, "scale": scale, "rule": rule}
                if made.bias.get(key) is None:
                    net = report.bias_net(sizes, scale)
                    found = rule_statistics(
                        net, uwm.rule(rule), np.array([[1.0, -1.0, 1.0][: sizes[0]]]), report.odd
                    )
                    worst = {
                        "bias": float(max(found.relative_bias)),
                        "noise_to_signal": float(found.noise_to_signal[0]),
                    }
                    made.bias.add(key, worst)


def run_cases(study: Study, made: Results, jobs: int) -> None:
    """Tune every rule on every case, then train with the best settings and fresh seeds."""
    for case in study.cases:
        started = time.monotonic()
        count, most = 0, len(OBJECTIVES) * (study.trials + study.finalists) * len(RULES)

        def counted(trial: object, case: Case = case, most: int = most) -> None:
            nonlocal count
            count += 1
            if count % len(RULES) == 0:
                say(f"{case.name}: {count} trials, of {most} at most")

        tuned = searches.run(study, made.folder, case, jobs, counted)
        best = [searches.best(tuned, objective, study.fresh_seeds) for objective in OBJECTIVES]
        fresh(case, best, made, jobs)
        say(f"{case.name}: done, {(time.monotonic() - started) / 60:.1f} minutes")


def fresh(case: Case, best: Sequence[Settings], made: Results, jobs: int) -> None:
    """Train what is missing of the fresh seeds at each of the settings."""
    wanted = {
        request.cell.key: request
        for settings in best
        for request in searches.requests(case, settings, settings.rule_names, settings.seed_range)
    }
    there = made.store.find(wanted)
    missing = {key: request for key, request in wanted.items() if key not in there}

    def lost(k: int, run: object) -> None:
        if not isinstance(run, Run):
            say(f"{case.name}: {run}")

    asked = Asked("claims", case.title, case.settings().as_dict())
    with Store(made.folder / SEARCHED) as store:
        with computer(asked, store=store, jobs=jobs) as computing:
            _, interrupted = train_all(list(missing.values()), computing, lost)
        made.store.add(store.find(missing).values())
    if interrupted:
        raise KeyboardInterrupt


def published(study: Study, made: Results, jobs: int) -> None:
    """Train with the published setting and its remedies, looking at the units."""
    episodes, seeds = study.published_episodes, range(study.published_seeds)
    todo: list[tuple[Table, dict[str, Any], Callable[[], dict[str, Any]]]] = []
    for seed, rule in itertools.product(seeds, RULES):
        key = dict(zip(saturation.QUIET_KEYS, (rule, seed, episodes), strict=True))
        todo.append((made.quiet, key, partial(saturation.quieten, rule, seed, episodes)))
    for seed, remedy, rule in itertools.product(seeds, study.remedies, RULES):
        key = saturation.key_of(remedy, rule, seed, episodes)
        todo.append(
            (made.published, key, partial(saturation.observe, remedy, rule, seed, episodes))
        )
    missing = [(store, key, work) for store, key, work in todo if store.get(key) is None]
    pool = ThreadPoolExecutor(max_workers=jobs)
    try:
        pending = {pool.submit(work): (store, key) for store, key, work in missing}
        for count, done in enumerate(as_completed(pending), start=1):
            store, key = pending[done]
            store.add(key, done.result())
            if count % len(RULES) == 0:
                say(f"published setting: {count} of {len(missing)} runs")
    finally:
        pool.shutdown(cancel_futures=True)


def against_size(study: Study, made: Results, jobs: int) -> None:
    """Measure noise, learning and cost at every size."""
    plan = study.scaling
    for axis, hidden in plan.sizes:
        keys = [point_key(plan, axis, hidden, rule, seed) for rule in RULES
                for seed in plan.settings.seed_range]  # fmt: skip
        if all(made.points.get(key) is not None for key in keys):
            continue
        here = dataclasses.replace(
            plan,
            widths=hidden[:1] if axis == "width" else (),
            depths=(len(hidden),) if axis == "depth" else (),
        )
        for point in measure_scaling(here, jobs=jobs).points:
            key = point_key(plan, axis, hidden, point.rule, point.seed)
            made.points.add(key, {name: getattr(point, name) for name in POINT_VALUES})
        say(f"against {axis}: {list(hidden)} done")


def point_key(
    plan: Plan, axis: str, hidden: tuple[int, ...], rule: str, seed: int
) -> dict[str, Any]:
    """Return all that defines a point."""
    return {
        "axis": axis,
        "width": hidden[0],
        "depth": len(hidden),
        "rule": rule,
        "seed": seed,
        "episodes": plan.settings.episodes,
        "samples": plan.samples,
        "factors": plan.factors,
    }


def estimate(study: Study, jobs: int) -> None:
    """Print how long the runs of each part take, from a short run of each kind."""
    total = 0.0
    for case in study.cases:
        short = case.settings(seeds=1, episodes=max(1, 2000 // case.batch_size) * case.batch_size)
        chosen = choose_task(short)
        requests = [Request(short, chosen, rule, 0) for rule in RULES]
        with computer(Asked("estimate", case.title, short.as_dict()), jobs=1) as computing:
            runs, _ = train_all(requests, computing)
        seconds = sum(
            case.settings().steps / r.steps_per_second for r in runs if isinstance(r, Run)
        )
        # At most: trials and finalists of the two searches, and the best settings, may be the same.
        each = study.trials + study.finalists * case.finalist_seeds + study.fresh_seeds
        most = seconds * len(OBJECTIVES) * each
        total += most
        say(f"{case.name}: {most / 60:.1f} minutes of one core, {seconds / len(RULES):.1f} s a run")
        if case.name == "mux4-b1":
            runs_there = len(study.remedies) * study.published_seeds
            one = seconds * study.published_episodes / case.episodes
            total += one * runs_there
            say(f"published setting: {one * runs_there / 60:.1f} minutes of one core")
    say(f"{total / 60:.0f} minutes of one core and the part `scaling`: about"
        f" {total / 60 / jobs:.0f} minutes for {jobs} at a time")  # fmt: skip


def say(line: str) -> None:
    """Print progress."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
