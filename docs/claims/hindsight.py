"""The bandit of Hindsight Network Credit Assignment (K. Young, arXiv 2011.12351) with our rules.

    python docs/claims/hindsight.py                  # scikit-learn digits: data/hindsight.csv
    python docs/claims/hindsight.py --mnist FOLDER   # MNIST from the disk, as `uwm.tasks.mnist`

Three hidden layers of 200 units that are -1 or +1, a softmax over the ten classes, batches of 50,
pixels drawn black or white anew. Every rule has the library's defaults.
"""

from __future__ import annotations

import argparse
import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import uwm

DATA = Path(__file__).parent / "data" / "hindsight.csv"
RULES = (
    "reinforce", "posterior_reinforce", "ste", "weight_max", "unbiased_weight_max_posterior",
    "unbiased_weight_max",
)  # fmt: skip
COLUMNS = ("task", "rule", "seed", "mean_reward", "last_tenth", "test_accuracy")


def train(images: uwm.tasks.Classification, rule: str, seed: int, steps: int) -> list[float]:
    """Return the mean reward, that of the last tenth, and the share of test images told right."""
    task = uwm.tasks.Binarized(images)
    sizes = [task.n_inputs, 200, 200, 200, task.n_outputs]
    net = uwm.Network(sizes, output="softmax", units="bipolar", seed=seed)
    log = uwm.train(net, uwm.rule(rule), uwm.Adam(), task, steps=steps, batch_size=50, threads=1)
    return [round(x, 4) for x in (log.mean_reward, log.final_reward, task.accuracy(net))]


def main() -> None:
    """Train, write and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, metavar="FOLDER")
    parser.add_argument("--steps", type=int, default=6_000, help="of 50 images")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    images = uwm.tasks.mnist(args.mnist) if args.mnist else uwm.tasks.digits()
    cells = [(rule, seed) for rule in RULES for seed in range(args.seeds)]
    with ThreadPoolExecutor(args.jobs) as threads:
        found = list(threads.map(lambda cell: train(images, *cell, args.steps), cells))
    kept = []
    if DATA.exists():
        with open(DATA, encoding="utf-8") as file:
            kept = [row for row in list(csv.reader(file))[1:] if row[0] != images.name]
    rows = [[images.name, *cell, *values] for cell, values in zip(cells, found, strict=True)]
    with open(DATA, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *kept, *rows])
    print("| rule | mean reward | last tenth | test accuracy |\n| --- | ---: | ---: | ---: |")
    for rule in RULES:
        values = np.array([v for (name, _), v in zip(cells, found, strict=True) if name == rule])
        means = " | ".join(f"{x:.3f}" for x in values.mean(axis=0))
        print(f"| `{rule}` | {means} |")


if __name__ == "__main__":
    main()
