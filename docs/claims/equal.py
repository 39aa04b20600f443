"""Every rule with every rule's settings: a comparison in which no search can be lucky for one rule.

    python docs/claims/equal.py            # the runs, into data/equal.csv; goes on where it was
    python docs/claims/equal.py --repeat   # two searches again with other seeds: data/repeated.csv
    python docs/claims/equal.py --report   # the tables, into docs/claims.md; peers.py's, too

A case has one pool of settings: what each rule's search ended with (Glorot's weights, constant
rates), and the automatic weights with multiples of the automatic rates. Each rule tries the whole
pool with two seeds. What is best by mean reward, and what is best by last tenth, runs again with
ten fresh seeds. Runs with the automatic rates are those of docs/step-sizes.md.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import searches
from plan import FULL, Case

import uwm
from uwm.experiments import tune
from uwm.experiments.build import new_task
from uwm.experiments.tuning.search import FIRST_SEED, OBJECTIVES

DATA = Path(__file__).parent / "data"
#: Runs with the automatic rates and the fresh seeds, made for docs/step-sizes.md.
UNTUNED = DATA.parent.parent / "step-sizes" / "data" / "untuned.csv"
RULES = ("reinforce", "weight_max", "ste", "unbiased_weight_max_posterior", "unbiased_weight_max")
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
TRIED, FRESH = range(100, 102), range(1000, 1010)
KEYS = ("case", "rule", "setting", "seed")
RESULTS = ("mean_reward", "last_tenth")


@dataclass(frozen=True)
class Setting:
    """Weights, rates and baseline: constant rates, or a multiple of the automatic ones."""

    rates: tuple[float, ...] = ()
    factor: float = 1.0
    baseline: str | None = None

    @property
    def name(self) -> str:
        """As it stands in the table."""
        if not self.rates:
            return f"automatic x {self.factor:g}"
        rates = " ".join(f"{rate:.4g}" for rate in self.rates)
        return f"Glorot {rates}" + (f" {self.baseline}" if self.baseline else "")

    def train(self, case: Case, rule: str, seed: int) -> list[float]:
        """Return the mean reward and that of the last tenth."""
        task = new_task(case.settings())
        output = "bernoulli" if task.n_outputs == 1 else "softmax"
        sizes = [task.n_inputs, *case.hidden, task.n_outputs]
        gain: float | str = 1.0 if self.rates else "auto"
        net = uwm.Network(sizes, output=output, seed=seed, initial_gain=gain)
        schedules = [
            uwm.InverseRoot(self.factor * r.rate, r.steps, warm_up=r.warm_up)
            for r in uwm.automatic_rates(net)
        ]
        adam = uwm.Adam(self.rates or schedules)
        baseline = uwm.RunningMean() if self.baseline else None
        log = uwm.train(
            net, uwm.rule(rule), adam, task, steps=-(-case.episodes // case.batch_size),
            batch_size=case.batch_size, baseline=baseline, threads=1,
        )  # fmt: skip
        return [round(log.mean_reward, 6), round(log.final_reward, 6)]


def pool_of(case: Case) -> list[Setting]:
    """Return what every rule tries on a case."""
    found = [Setting(factor=factor) for factor in FACTORS]
    done = searches.read(FULL, DATA, case)
    for objective in OBJECTIVES:
        best = searches.best(done, objective, seeds=1)
        for rule in best.rule_names:
            rates, baseline = best.rates(rule), best.baseline_of(rule)
            if rule in RULES and (new := Setting(tuple(rates), baseline=baseline)) not in found:
                found.append(new)
    return found


class Table:
    """Rows of a CSV file, each there once."""

    def __init__(self, path: Path, keys: tuple[str, ...]) -> None:
        self.path, self.keys = path, keys
        self.rows: dict[tuple[str, ...], list[float]] = {}
        if not path.exists():
            path.write_text(",".join((*keys, *RESULTS)) + "\n", encoding="utf-8")
        with open(path, encoding="utf-8") as file:
            for row in csv.DictReader(file):
                key = tuple(row[name] for name in keys)
                self.rows[key] = [float(row[name]) for name in RESULTS]

    def add(self, key: tuple[str, ...], values: list[float]) -> None:
        """Add a row, on the disk too."""
        self.rows[key] = values
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerow([*key, *values])

    def mean(self, case: str, rule: str, setting: str, seeds: range) -> np.ndarray | None:
        """Return both results over the seeds: (seeds, 2); None if one is missing."""
        found = [self.rows.get((case, rule, setting, str(seed))) for seed in seeds]
        return None if None in found else np.array(found)


def best_two(table: Table, case: Case, rule: str) -> list[Setting]:
    """Return the setting that is best by mean reward, and that by last tenth."""
    pool = pool_of(case)
    tried = [table.mean(case.name, rule, setting.name, TRIED) for setting in pool]
    if any(results is None for results in tried):
        return []
    means = np.array([results.mean(axis=0) for results in tried if results is not None])
    return [pool[k] for k in means.argmax(axis=0)]


def missing(table: Table, case: Case, fresh: bool) -> Iterator[tuple[str, Setting, int]]:
    """Return what is not there: the pool's runs, or those with fresh seeds."""
    for rule in RULES:
        settings = dict.fromkeys(best_two(table, case, rule)) if fresh else pool_of(case)
        for setting in settings:
            for seed in FRESH if fresh else TRIED:
                if (case.name, rule, setting.name, str(seed)) not in table.rows:
                    yield rule, setting, seed


def take_untuned(table: Table, cases: list[Case]) -> None:
    """Take the runs with the automatic rates from the study of these, where they are the same."""
    names, setting = {case.name for case in cases}, Setting().name
    with open(UNTUNED, encoding="utf-8") as file:
        for row in csv.DictReader(file):
            key = (row["case"], row["rule"], setting, row["seed"])
            ours = row["case"] in names and row["rule"] in RULES and int(row["seed"]) in FRESH
            if ours and key not in table.rows:
                table.add(key, [float(row[name]) for name in RESULTS])


def run(table: Table, cases: list[Case], jobs: int) -> None:
    """Make every run that is missing."""
    take_untuned(table, cases)
    with ThreadPoolExecutor(jobs) as threads:
        for case in cases:
            for fresh in (False, True):
                wanted = list(missing(table, case, fresh))
                runs = threads.map(lambda w: w[1].train(case, w[0], w[2]), wanted)  # noqa: B023
                for (rule, setting, seed), results in zip(wanted, runs, strict=True):
                    table.add((case.name, rule, setting.name, str(seed)), results)
                print(f"{case.name}: {len(wanted)} runs", flush=True)


def repeat(table: Table, cases: list[Case], jobs: int) -> None:
    """Search again with other seeds; each best finalist runs with the fresh seeds."""
    for case in cases:
        for first_seed in (FIRST_SEED, FIRST_SEED + 100, FIRST_SEED + 200):
            search = FULL.search(case, "mean_reward")
            here = dataclasses.replace(search.settings, first_seed=first_seed, rules=RULES[2:])
            tuned = tune(dataclasses.replace(search, settings=here), jobs=jobs)
            best = tuned.settings("mean_reward")
            for rule in best.rule_names:
                setting = Setting(tuple(best.rates(rule)), baseline=best.baseline_of(rule))
                for seed in FRESH:
                    key = (case.name, rule, str(first_seed), setting.name, str(seed))
                    if key not in table.rows:
                        table.add(key, setting.train(case, rule, seed))
            print(f"{case.name}: search from seed {first_seed}", flush=True)


def half_width(values: np.ndarray) -> float:
    """Return half of the mean's 95% interval; Student's t for ten seeds."""
    return 2.262 * float(values.std(ddof=1)) / math.sqrt(len(values))


def report(table: Table, cases: list[Case]) -> list[str]:
    """Return the table of all cases as Markdown: mean reward and last tenth, each at its best."""
    lines = ["| case | " + " | ".join(f"`{rule}`" for rule in RULES) + " |"]
    lines.append("| --- |" + " ---: |" * len(RULES))
    for case in cases:
        cells = []
        for rule in RULES:
            settings = best_two(table, case, rule)
            found = [table.mean(case.name, rule, s.name, FRESH) for s in settings]
            if not found or found[0] is None or found[1] is None:
                break
            speed, end = found[0][:, 0], found[1][:, 1]
            cells.append(
                f"{speed.mean():.3f} ± {half_width(speed):.3f} · "
                f"{end.mean():.3f} ± {half_width(end):.3f}"
            )
        if len(cells) == len(RULES):
            lines.append(f"| {case.title} | " + " | ".join(cells) + " |")
    return lines


def winners(table: Table, cases: list[Case]) -> list[str]:
    """Return which setting each rule took, by mean reward, as Markdown."""
    lines = ["| case | " + " | ".join(f"`{rule}`" for rule in RULES) + " |"]
    lines.append("| --- |" + " --- |" * len(RULES))
    for case in cases:
        chosen = [best_two(table, case, rule) for rule in RULES]
        if all(chosen):
            lines.append(f"| {case.title} | " + " | ".join(c[0].name for c in chosen) + " |")
    return lines


def spread(table: Table) -> list[str]:
    """Return what searches with other seeds ended with."""
    lines = ["| case | rule | mean reward after each search | last tenth |"]
    lines.append("| --- | --- | --- | --- |")
    groups: dict[tuple[str, str], dict[str, list[list[float]]]] = {}
    titles = {case.name: case.title for case in FULL.cases}
    for (name, rule, search, _, _), values in table.rows.items():
        case = titles[name]
        groups.setdefault((case, rule), defaultdict(list))[search].append(values)
    for (case, rule), searched in groups.items():
        means = np.array([np.mean(values, axis=0) for values in searched.values()])
        cells = [", ".join(f"{x:.3f}" for x in column) for column in means.T]
        lines.append(f"| {case} | `{rule}` | {cells[0]} | {cells[1]} |")
    return lines


def csv_table(path: Path, texts: int = 1) -> list[str]:
    """Return a CSV file as Markdown; figures with three digits after the first columns."""
    with open(path, encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    lines = ["| " + " | ".join(f"`{name}`" for name in head) + " |"]
    lines.append("| --- |" + " ---: |" * (len(head) - texts))
    for row in rows:
        figures = [f"{float(value):,.3g}" for value in row[texts:]]
        lines.append("| " + " | ".join([*row[:texts], *figures]) + " |")
    return lines


def hindsight_table(path: Path) -> list[str]:
    """Return the means over the seeds of hindsight.csv as Markdown."""
    found: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for task, rule, _, *values in list(csv.reader(file))[1:]:
            found[task, rule].append([float(value) for value in values])
    lines = ["| task | rule | mean reward | last tenth | test accuracy |"]
    lines.append("| --- | --- | ---: | ---: | ---: |")
    for (task, rule), runs in found.items():
        means = " | ".join(f"{x:.3f}" for x in np.mean(runs, axis=0))
        lines.append(f"| {task} | `{rule}` | {means} |")
    return lines


def fill(page: Path, tables: dict[str, list[str]]) -> None:
    """Put each table into the page, after its <!-- table: name --> line."""
    text = page.read_text(encoding="utf-8")
    for name, lines in tables.items():
        mark = f"<!-- table: {name} -->\n"
        found = re.compile(re.escape(mark) + r"(?:\|[^\n]*\n)*")
        if not found.search(text):
            raise ValueError(f"{page} must have a line {mark.strip()}")
        new = mark + "\n".join(lines) + "\n"
        text = found.sub(lambda _, new=new: new, text)  # type: ignore[misc]
    page.write_text(text, encoding="utf-8")


def main() -> None:
    """Run, repeat or report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=lambda text: text.split(","))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--repeat", action="store_true")
    parser.add_argument("--report", action="store_true")
    args = parser.parse_args()
    cases = [case for case in FULL.cases if not args.cases or case.name in args.cases]
    table = Table(DATA / "equal.csv", KEYS)
    repeated = Table(DATA / "repeated.csv", ("case", "rule", "search", "setting", "seed"))
    if args.report:
        tables = {
            "equal": report(table, cases),
            "equal-settings": winners(table, cases),
            "repeated": spread(repeated),
            "peers": csv_table(DATA / "peers.csv"),
            "hindsight": hindsight_table(DATA / "hindsight.csv"),
        }
        fill(DATA.parent.parent / "claims.md", tables)
    elif args.repeat:
        repeat(repeated, cases, args.jobs)
    else:
        run(table, cases, args.jobs)


if __name__ == "__main__":
    main()
