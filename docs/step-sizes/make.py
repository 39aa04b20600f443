"""The runs behind docs/step-sizes.md, one CSV each; a run that is there is not made again.

    python docs/step-sizes/make.py untuned     # every rule, every case, ten seeds: hours
    python docs/step-sizes/make.py changes     # one constant at a time
    python docs/step-sizes/make.py held-out    # tasks that no constant was chosen on
    python docs/step-sizes/make.py baselines   # what is subtracted from the reward
    python docs/step-sizes/make.py gaussian    # a Gaussian output
    python docs/step-sizes/make.py figure      # reward against size, from untuned.csv
    python docs/step-sizes/make.py tables      # the page's tables, from all files

Options: --cases, --rules, --seeds FIRST END, --out FOLDER (default: data beside this file).
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from baselines import BASELINES
from cases import CASES, DEPTHS, SIZES, STUDY, WIDTHS, Case, Regression, curve, parity
from changes import CHANGES
from tables import fill

import uwm

HERE = Path(__file__).parent
RULES = ("unbiased_weight_max", "unbiased_weight_max_posterior", "ste", "weight_max", "reinforce")
RESULTS = ("mean_reward", "last_tenth")


def network(
    case: Case, task: uwm.Task, seed: int, *, n_outputs: int = 0, **options: object
) -> uwm.Network:
    """Return a new network for a case; options are those of uwm.Network.

    n_outputs: where the task takes another number, too.
    """
    n_outputs = n_outputs or task.n_outputs
    output = "softmax" if n_outputs > 1 else "bernoulli"
    sizes = [task.n_inputs, *case.hidden, n_outputs]
    return uwm.Network(sizes, output=output, seed=seed, **options)  # type: ignore[arg-type]


def rewards(
    case: Case,
    net: uwm.Network,
    rule: str,
    adam: uwm.Adam,
    task: uwm.Task,
    baseline: uwm.Baseline | None = None,
) -> list[float]:
    """Train, and return the mean reward and that of the last tenth."""
    log = uwm.train(
        net,
        uwm.rule(rule),
        adam,
        task,
        steps=-(-case.episodes // case.batch_size),
        batch_size=case.batch_size,
        baseline=baseline,
        threads=1,
    )
    return [round(log.mean_reward, 6), round(log.final_reward, 6)]


def untuned(args: argparse.Namespace) -> Iterator[tuple[object, ...]]:
    """Each rule with the library's defaults: nothing is set."""
    for seed in range(*(args.seeds or (1000, 1010))):
        for name in args.cases or STUDY | SIZES:
            for rule in args.rules or RULES:
                key = (name, rule, seed)
                if args.wanted(key):
                    task = CASES[name].task()
                    net = network(CASES[name], task, seed)
                    yield (*key, *rewards(CASES[name], net, rule, uwm.Adam(), task))


def changes(args: argparse.Namespace) -> Iterator[tuple[object, ...]]:
    """The default rule with one constant changed."""
    for seed in range(*(args.seeds or (970, 972))):
        for name in args.cases or STUDY | SIZES:
            for change, constants in CHANGES.items():
                key = (name, change, seed)
                if args.wanted(key):
                    task = CASES[name].task()
                    net = network(CASES[name], task, seed, initial_gain=1)
                    constants.weights(net)
                    adam = constants.adam(net)
                    yield (*key, *rewards(CASES[name], net, RULES[0], adam, task))


def baselines(args: argparse.Namespace) -> Iterator[tuple[object, ...]]:
    """Each baseline under three rules; the key names rule and baseline."""
    for seed in range(*(args.seeds or (970, 973))):
        for name in args.cases or ("digits", "mux3-b16", "mux4-b16", "mux3-b1"):
            for rule in args.rules or (RULES[0], "weight_max", "reinforce"):
                for what, make in BASELINES.items():
                    key = (name, f"{rule}, {what}", seed)
                    if args.wanted(key):
                        task = CASES[name].task()
                        net, baseline = network(CASES[name], task, seed), make(task.n_inputs)
                        found = rewards(CASES[name], net, rule, uwm.Adam(), task, baseline)
                        yield (*key, *found)


def held_out(args: argparse.Namespace) -> Iterator[tuple[object, ...]]:
    """Parity, and scikit-learn's small data sets beside logistic regression; [100, 100, 100]."""
    case = Case((100, 100, 100), 16, 200_000)
    for name in args.cases or ("parity6", "wine", "breast_cancer", "iris"):
        for units in ("binary", "bipolar"):
            for seed in range(*(args.seeds or (0, 10))):
                key = (name, units, seed)
                if not args.wanted(key):
                    continue
                if name == "parity6":
                    task, accuracies = parity(6), (np.nan, np.nan)
                    net = network(case, task, seed, n_outputs=1, units=units)
                    found = rewards(case, net, RULES[0], uwm.Adam(), task)
                else:
                    task, logistic = split(name, seed)
                    net = network(case, task, seed, units=units)
                    found = rewards(case, net, RULES[0], uwm.Adam(), task)
                    accuracies = (round(task.accuracy(net), 4), round(logistic, 4))
                yield (*key, *found, *accuracies)


def split(name: str, seed: int) -> tuple[uwm.tasks.Classification, float]:
    """Return a quarter held out, inputs standardised, and logistic regression's accuracy there."""
    from sklearn import datasets
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    a, b, its, theirs = train_test_split(x, y, test_size=0.25, random_state=seed, stratify=y)
    scaler = StandardScaler().fit(a)
    a, b = scaler.transform(a), scaler.transform(b)
    logistic = LogisticRegression(max_iter=5000).fit(a, its).score(b, theirs)
    return uwm.tasks.Classification(a, its, b, theirs, name=name), float(logistic)


def gaussian(args: argparse.Namespace) -> Iterator[tuple[object, ...]]:
    """How much of the variance the mean action explains, on 4,000 inputs."""
    case = Case((100, 100, 100), 16, 200_000)
    x = np.random.default_rng(99).uniform(-1.7, 1.7, (4000, 4))
    f = curve(x)
    for sigma in (0.3, 1.0):
        for seed in range(*(args.seeds or (0, 10))):
            key = ("regression", str(sigma), seed)
            if args.wanted(key):
                sizes, output = [4, *case.hidden, 1], uwm.Gaussian(sigma)
                net = uwm.Network(sizes, output=output, seed=seed)
                found = rewards(case, net, RULES[0], uwm.Adam(), Regression())
                mean = np.mean([net.forward(x).logits[-1][:, 0] for _ in range(30)], axis=0)
                yield (*key, *found, round(float(1 - ((mean - f) ** 2).mean() / f.var()), 4))


def figure(folder: Path) -> Path:
    """Draw the mean reward of each rule against width and against depth."""
    import matplotlib.pyplot as plt

    with open(folder / "untuned.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    drawn, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    for ax, axis, sizes in zip(axes, ("width", "depth"), (WIDTHS, DEPTHS), strict=True):
        for rule in RULES:
            points = []
            for n in sizes:
                found = [
                    float(r["mean_reward"])
                    for r in rows
                    if (r["case"], r["rule"]) == (f"{axis}-{n}", rule)
                ]
                if found:
                    points.append((n, np.mean(found), np.min(found), np.max(found)))
            n, mean, low, high = np.array(points).T
            (line,) = ax.plot(n, mean, marker="o", markersize=3, label=rule)
            ax.fill_between(n, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
        ax.set_xscale("log", base=2)
        ax.set_xticks(sizes, [str(n) for n in sizes])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    axes[0].set(xlabel="units in each of two hidden layers", ylabel="mean reward", ylim=(-0.05, 1))
    axes[1].set(xlabel="hidden layers of 32 units")
    axes[0].legend(fontsize=8, loc="lower left")
    path = folder.parent / "size.png"
    drawn.savefig(path, dpi=150)
    return path


PARTS = {
    "untuned": (untuned, ("case", "rule", "seed", *RESULTS)),
    "changes": (changes, ("case", "change", "seed", *RESULTS)),
    "baselines": (baselines, ("case", "rule and baseline", "seed", *RESULTS)),
    "gaussian": (gaussian, ("task", "sigma", "seed", *RESULTS, "explained")),
    "held-out": (held_out, ("task", "units", "seed", *RESULTS, "accuracy", "logistic")),
}


def main() -> None:
    """Make one part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=[*PARTS, "figure", "tables"])
    parser.add_argument("--cases", type=lambda text: text.split(","))
    parser.add_argument("--rules", type=lambda text: text.split(","))
    parser.add_argument("--seeds", type=int, nargs=2, metavar=("FIRST", "END"))
    parser.add_argument("--out", type=Path, default=HERE / "data")
    args = parser.parse_args()
    if args.part == "figure":
        print(figure(args.out))
        return
    if args.part == "tables":
        fill(HERE.parent / "step-sizes.md", args.out)
        return
    make, head = PARTS[args.part]
    path = args.out / f"{args.part}.csv"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(",".join(head) + "\n", encoding="utf-8")
    with open(path, encoding="utf-8") as file:
        there = {(row[head[0]], row[head[1]], int(row["seed"])) for row in csv.DictReader(file)}
    args.wanted = lambda key: key not in there
    for row in make(args):
        with open(path, "a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerow(row)


if __name__ == "__main__":
    main()
