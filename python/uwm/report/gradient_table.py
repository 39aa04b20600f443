"""The tables of a study of gradients, one per checkpoint."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uwm
from uwm.analysis import Estimate
from uwm.experiments.gradient_study.result import GradientStudy, Measurement
from uwm.report.console import print_files, print_table

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
    """Print a table per checkpoint, what its numbers mean, and where the files are."""
    for episode, reward in study.rewards.items():
        print_table(out, table(study, episode, reward))
    sampled = [m for m in study.measurements if m.method == "sampled"]
    notes = ["Noise is the standard deviation of one update over the length of the gradient."]
    if any(m.evaluations > 1 for m in study.measurements):
        notes.append("At equal rewards: times the root of the rewards of an update.")
    if sampled:
        notes.append(f"[a, b]: 95% interval, {sampled[0].samples:,} samples.")
        if sampled[0].gradient != "exact":
            notes.append(f"The mean of {sampled[0].gradient} stands for the gradient.")
    out.print(" ".join(notes), soft_wrap=True)
    print_files(out, files)


def table(study: GradientStudy, episode: int, reward: float) -> Table:
    """Return the table of one checkpoint: a line per hidden layer and rule."""
    from rich import box
    from rich.table import Table

    sizes = ", ".join(str(n) for n in study.settings["sizes"])
    title = f"{study.title}, network [{sizes}]"
    if len(study.rewards) > 1:
        title += f", after {episode:,} episodes"
    made = Table(title=f"{title}, mean reward {reward:.3f}", title_justify="left",
                 title_style="bold", box=box.SIMPLE_HEAD)  # fmt: skip
    several = any(m.evaluations > 1 for m in study.measurements)
    heads = ["relative bias", "cosine", "noise-to-signal", "rewards", "at equal rewards"]
    made.add_column("layer", no_wrap=True)
    made.add_column("rule", no_wrap=True)
    for head in heads if several else heads[:-2]:
        made.add_column(head, justify="right", no_wrap=True)
    for layer in study.layers:
        rows = [m for m in study.select(layer=layer) if m.episode == episode]
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


def interval(estimate: Estimate, digits: int) -> str:
    """Return a number, with its interval if it has one."""
    value, low, high = (
        number(part, digits) for part in (estimate.value, estimate.low, estimate.high)
    )
    return value if estimate.low == estimate.high else f"{value} [{low}, {high}]"


def number(value: float, digits: int) -> str:
    """Return a number to so many digits, without an exponent below a million.

    >>> number(1234.5, 3), number(1e-12, 2)
    ('1,230', '1e-12')
    """
    return f"{float(f'{value:.{digits}g}'):,g}"
