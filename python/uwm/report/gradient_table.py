"""The table of a study of gradients at one moment, and the lines around it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uwm
from uwm.experiments.gradient_study.result import GradientStudy, Measurement
from uwm.report.console import print_files, print_table
from uwm.report.digits import interval, number
from uwm.report.samples_needed import precision_lines
from uwm.report.training_table import training_table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def as_json(study: GradientStudy, files: list[Path]) -> dict[str, Any]:
    """Return the object that --json prints."""
    return {
        "version": uwm.__version__,
        "simd_level": uwm.simd_level(),
        "task": study.settings["task"],
        "settings": study.settings,
        "rewards": [{"episode": e, "mean_reward": r} for e, r in study.rewards.items()],
        "measurements": [m.as_dict() for m in study.measurements],
        "files": [str(path) for path in files],
    }


def show(study: GradientStudy, files: list[Path], out: Console) -> None:
    """Print the table, what its numbers mean, and where the files are.

    Along training it is one table with a column per checkpoint.
    """
    notes = ["Noise is the standard deviation of one update over the length of the gradient."]
    sampled = [m for m in study.measurements if m.method == "sampled"]
    if len(study.rewards) > 1:
        made, more = training_table(study, out.width)
        print_table(out, made)
        notes += more
    else:
        for reward in study.rewards.values():
            print_table(out, table(study, reward))
        if any(m.evaluations > 1 for m in study.measurements):
            notes.append("At equal rewards: times the root of the rewards of an update.")
        notes += ["[a, b]: 95% interval."] if sampled else []
    if sampled:
        notes.append(f"{sampled[0].samples:,} samples.")
        if sampled[0].gradient != "exact":
            notes.append(f"The mean of {sampled[0].gradient} stands for the gradient.")
    for line in (" ".join(notes), *precision_lines(study.measurements)):
        out.print(line, soft_wrap=True)
    print_files(out, files)


def table(study: GradientStudy, reward: float) -> Table:
    """Return the table of the only checkpoint: a line per hidden layer and rule."""
    from rich import box
    from rich.table import Table

    sizes = ", ".join(str(n) for n in study.settings["sizes"])
    title = f"{study.title}, network [{sizes}]"
    made = Table(title=f"{title}, mean reward {reward:.3f}", title_justify="left",
                 title_style="bold", box=box.SIMPLE_HEAD)  # fmt: skip
    several = any(m.evaluations > 1 for m in study.measurements)
    heads = ["relative bias", "cosine", "noise-to-signal", "rewards", "at equal rewards"]
    made.add_column("layer", no_wrap=True)
    made.add_column("rule", no_wrap=True)
    for head in heads if several else heads[:-2]:
        made.add_column(head, justify="right", no_wrap=True)
    for layer in study.layers:
        rows = study.select(layer=layer)
        for k, m in enumerate(rows):
            line = cells(m) if several else cells(m)[:-2]
            made.add_row(str(layer + 1) if k == 0 else "", m.rule, *line, end_section=m is rows[-1])
    return made


def cells(m: Measurement) -> list[str]:
    """Return the numbers of a line; intervals where there was sampling."""
    if math.isnan(m.noise_to_signal.value):
        return ["too few samples", "", "", str(m.evaluations), ""]
    if m.gradient_norm.value == 0:
        bias = "0" if m.relative_bias.value == 0 else "the gradient is 0"
        return [bias, "-", "-", str(m.evaluations), "-"]
    return [
        "0 by definition" if m.rule == m.gradient else interval(m.relative_bias, 2),
        "-" if math.isnan(m.cosine.value) else f"{m.cosine.value:.4f}",
        interval(m.noise_to_signal, 3),
        str(m.evaluations),
        number(m.noise_per_reward, 3),
    ]
