"""Rules as teachers of agents, each with the same budget: the table of docs/rl.md.

    python docs/rl/equal_budgets.py        # goes on where it was

Every rule tries every setting in an environment with two seeds. What earns most in the mean of 300
episodes learns again for 500 episodes with ten fresh seeds: fresh.csv. All trials are in tried.csv.
The store with the whole runs, results/, is ignored by git.
"""

from __future__ import annotations

import argparse
import csv
import math
from itertools import product
from pathlib import Path

import numpy as np

from uwm.experiments.reinforcement import AgentComparison, compare_agents

HERE = Path(__file__).parent
ENVIRONMENTS = ("CartPole-v1", "Acrobot-v1")
RULES = (
    "reinforce",
    "weight_max",
    "ste",
    "unbiased_weight_max_posterior",
    "unbiased_weight_max",
)
#: The automatic rates of a small environment, which a trial multiplies.
RATES = (6e-3, 6e-3 * math.sqrt(0.1), 6e-4)
FACTORS, TRACES = (0.25, 0.5, 1.0, 2.0), (0.8, 0.9)
SETTINGS = {
    f"rates x {factor:g}, trace {trace:g}": {
        "actor_rate": tuple(factor * rate for rate in RATES),
        "actor_trace": trace,
        "critic_trace": trace,
    }
    for factor, trace in product(FACTORS, TRACES)
}
T_OF_TEN = 2.262  # 97.5% quantile of Student's t, 9 degrees of freedom


def runs(environment: str, rules: list[str], setting: str, fresh: bool) -> AgentComparison:
    """Return an environment's runs with one setting."""
    return compare_agents(
        environment,
        rules=rules,
        seeds=10 if fresh else 2,
        first_seed=1000 if fresh else 700,
        episodes=500 if fresh else 300,
        settings=SETTINGS[setting],
        store=HERE / "results",
    )


def write(name: str, rows: list[tuple[object, ...]]) -> None:
    """Write a table beside this file."""
    with open(HERE / name, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["environment", "rule", "setting", "seed", "mean_return", "last_100"])
        table.writerows(rows)


def main() -> None:
    """Make what is missing, write the tables, print the page's rows."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    tried: list[tuple[object, ...]] = []
    fresh: list[tuple[object, ...]] = []
    for environment in ENVIRONMENTS:
        earned: dict[str, dict[str, float]] = {rule: {} for rule in RULES}
        for setting in SETTINGS:
            found = runs(environment, list(RULES), setting, fresh=False)
            for rule in RULES:
                for run in found.of(rule):
                    numbers = round(run.log.mean_return, 2), round(run.log.last(100), 2)
                    tried.append((environment, rule, setting, run.seed, *numbers))
                earned[rule][setting] = float(np.mean([r.log.mean_return for r in found.of(rule)]))
        for rule in RULES:
            best = max(earned[rule], key=lambda setting: earned[rule][setting])
            again = runs(environment, [rule], best, fresh=True).of(rule)
            means = np.array([run.log.mean_return for run in again])
            ends = np.array([run.log.last(100) for run in again])
            for run, mean, end in zip(again, means, ends, strict=True):
                row = environment, rule, best, run.seed, round(mean, 2), round(end, 2)
                fresh.append(row)
            half = T_OF_TEN * means.std(ddof=1) / math.sqrt(len(means))
            print(f"| {environment} | `{rule}` | {best} | {means.mean():.1f} ± {half:.1f} · "
                  f"{ends.mean():.1f} |", flush=True)  # fmt: skip
    write("tried.csv", tried)
    write("fresh.csv", fresh)


if __name__ == "__main__":
    main()
