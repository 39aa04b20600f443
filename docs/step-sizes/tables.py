"""The tables of docs/step-sizes.md, from the CSV files beside this one."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
from baselines import BASELINES
from cases import CASES, DEPTHS, HARD_WIDTHS, STUDY, WIDTHS
from changes import CHANGES

#: Student's t, two-sided 95%, by the number of seeds.
T95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 8: 2.365, 10: 2.262}
DEFAULT, POSTERIOR = "unbiased_weight_max", "unbiased_weight_max_posterior"
RULES = (DEFAULT, POSTERIOR, "ste", "weight_max", "reinforce")
TITLES = {
    "mux3-b1": "3 bits, batch 1",
    "mux3-b16": "3 bits, batch 16",
    "mux4-b1": "4 bits, batch 1",
    "mux4-b16": "4 bits, batch 16",
    "mux5-b1": "5 bits, batch 1",
    "mux5-b16": "5 bits, batch 16",
    "wide": "4 bits, [256, 128]",
    "deep": "4 bits, [64, 32, 16]",
    "digits": "digits, [64]",
    "width-8": "[8, 8]",
    "width-64": "[64, 64]",
    "depth-1": "1 layer",
    "depth-3": "3 layers",
    "depth-8": "8 layers",
}
CHANGED = ("mux3-b1", "mux4-b1", "mux4-b16", "mux5-b1", "deep", "digits", "width-8", "width-64",
           "depth-1", "depth-3", "depth-8")  # fmt: skip
NONE, BIPOLAR = "–", "−1/+1"  # noqa: RUF001
Runs = dict[tuple[str, str], np.ndarray]


def read(path: Path, *values: str) -> Runs:
    """Return the values of a file's runs, (seeds, values), by the two columns that come first."""
    found: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for row in csv.DictReader(file):
            first, second = list(row.values())[:2]
            found[first, second].append([float(row[name]) for name in values])
    return {key: np.array(runs) for key, runs in found.items()}


def table(head: list[str], rows: list[list[str]], texts: int = 1) -> str:
    """Return a table in Markdown; the first columns are texts, the others figures."""
    align = ["---"] * texts + ["---:"] * (len(head) - texts)
    return "".join("| " + " | ".join(cells) + " |\n" for cells in [head, align, *rows])


def untuned(folder: Path) -> str:
    """Mean with half of its interval, and last tenth, beside those of a search."""
    runs = read(folder / "untuned.csv", "mean_reward", "last_tenth")
    rules = [*RULES[:2], "unbiased_weight_max_two_sided", *RULES[2:]]
    rows = []
    for name in STUDY:
        tuned = CASES[name].tuned or (np.nan, np.nan)
        cells = [TITLES[name], "{:.3f} · {:.3f}".format(*tuned)]
        for rule in rules:
            x = runs[name, rule]
            half = T95[len(x)] * x[:, 0].std(ddof=1) / np.sqrt(len(x))
            cells.append(f"{x[:, 0].mean():.3f} ± {half:.3f} · {x[:, 1].mean():.3f}")
        rows.append(cells)
    return table(["case", "tuned", *(f"`{rule}`" for rule in rules)], rows)


def sizes(folder: Path) -> str:
    """Mean reward against width and depth; the number of seeds where it is not ten."""
    runs = read(folder / "untuned.csv", "mean_reward")

    def cell(name: str, rule: str) -> str:
        x = runs.get((name, rule))
        if x is None:
            return NONE
        return f"{x.mean():.3f}" + (f" ({len(x)} seeds)" if len(x) != 10 else "")

    named = [(f"[{n}, {n}]", f"width-{n}") for n in WIDTHS]
    named += [(f"{n} of 32", f"depth-{n}") for n in DEPTHS]
    rows = [[title, *(cell(name, rule) for rule in RULES)] for title, name in named]
    return table(["hidden layers", *(f"`{rule}`" for rule in RULES)], rows)


def hard(folder: Path) -> str:
    """The harder task: mean reward and last tenth against width."""
    runs = read(folder / "untuned.csv", "mean_reward", "last_tenth")
    rules = (DEFAULT, "reinforce")
    rows = []
    for n in HARD_WIDTHS:
        found = [runs.get((f"mux4-width-{n}", rule)) for rule in rules]
        cells = [NONE if x is None else "{:.3f} · {:.3f} ({})".format(*x.mean(axis=0), len(x))
                 for x in found]  # fmt: skip
        rows.append([f"[{n}, {n}]", *cells])
    return table(["hidden layers", *(f"`{rule}`" for rule in rules)], rows)


def held_out(folder: Path) -> str:
    """Mean and worst seed on tasks that nothing was chosen on."""
    rows = []
    for (task, units), x in read(
        folder / "held-out.csv", "last_tenth", "accuracy", "logistic"
    ).items():
        title = {"parity6": "parity of 6 bits", "breast_cancer": "breast cancer"}.get(task, task)
        title += f", {len(x)} seeds" if len(x) != 10 else ""
        cells = [title, "0/1" if units == "binary" else BIPOLAR]
        cells.append(f"{x[:, 0].mean():.3f} ({x[:, 0].min():.3f})")
        if np.isnan(x[0, 1]):
            cells += [NONE, NONE]
        else:
            cells += [f"{x[:, 1].mean():.3f} ({x[:, 1].min():.3f})", f"{x[:, 2].mean():.3f}"]
        rows.append(cells)
    head = ["task", "hidden units", "last tenth of the reward", "accuracy", "logistic regression"]
    return table(head, rows, texts=2)


def changes(folder: Path) -> str:
    """Mean reward with one constant changed."""
    runs = read(folder / "changes.csv", "mean_reward")
    rows = []
    for change in CHANGES:
        found = [runs.get((name, change)) for name in CHANGED]
        rows.append([change, *(NONE if x is None else f"{x.mean():.2f}" for x in found)])
    return table(["change", *(TITLES[name].replace("batch", "b") for name in CHANGED)], rows)


def baselines(folder: Path) -> str:
    """Mean reward and last tenth with each baseline."""
    runs = read(folder / "baselines.csv", "mean_reward", "last_tenth")
    rows = []
    for case in dict.fromkeys(case for case, _ in runs):
        for rule in (DEFAULT, "weight_max", "reinforce"):
            found = [runs.get((case, f"{rule}, {name}")) for name in BASELINES]
            cells = [
                NONE if x is None else "{:.2f} · {:.2f}".format(*x.mean(axis=0)) for x in found
            ]
            rows.append([TITLES[case], f"`{rule}`", *cells])
    return table(["case", "rule", *BASELINES], rows, texts=2)


def fill(page: Path, folder: Path) -> None:
    """Put the tables into the page, each after its <!-- table: name --> line."""
    text = page.read_text(encoding="utf-8")
    made = {"untuned": untuned, "sizes": sizes, "hard": hard, "held-out": held_out,
            "changes": changes, "baselines": baselines}  # fmt: skip
    for name, make in made.items():
        mark, new = f"<!-- table: {name} -->\n", make(folder)
        found = re.compile(re.escape(mark) + r"(?:\|[^\n]*\n)*")
        if not found.search(text):
            raise ValueError(f"{page} must have a line {mark.strip()}")
        text = found.sub(lambda _, mark=mark, new=new: mark + new, text)
    page.write_text(text, encoding="utf-8")
