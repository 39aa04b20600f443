"""The table of a comparison of agents, and what --json prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from uwm.experiments.reinforcement import AgentComparison
from uwm.experiments.statistics import FEWEST_SEEDS, bootstrap_interval, interquartile_mean
from uwm.experiments.verdict import verdict_of_agents
from uwm.report.agent_files import described
from uwm.report.console import print_files, print_table
from uwm.report.verdict_text import verdict_json, verdict_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def show(result: AgentComparison, files: list[Path], out: Console) -> None:
    """Print the table, the verdict, and where the files are."""
    print_table(out, table(result))
    out.print(result.describe() + "; ± is the standard deviation over seeds", soft_wrap=True)
    for line in verdict_lines(verdict_of_agents(result), tune=False):
        out.print(line, soft_wrap=True)
    print_files(out, files)


def as_json(result: AgentComparison, files: list[Path]) -> dict[str, Any]:
    """Return what --json prints."""
    return {
        **described(result),
        "runs": [run.as_dict() for run in result.runs],
        "verdict": verdict_json(lambda: verdict_of_agents(result), tune=False),
        "files": [str(path) for path in files],
    }


def table(result: AgentComparison) -> Table:
    """Return the table: a line for each rule."""
    from rich.table import Table

    made = Table(title=result.environment, title_justify="left")
    made.add_column("rule", no_wrap=True)
    columns = ("mean return", "last 100 episodes", "interquartile mean [95%]", "µs per step")
    for name in columns:
        made.add_column(name, justify="right", no_wrap=True)
    for rule in result.rules:
        made.add_row(*cells(result, rule))
    return made


def cells(result: AgentComparison, rule: str) -> list[str]:
    """Return a rule's line."""
    runs = result.of(rule)
    if not runs:
        return [rule, "no result", "", "", ""]
    means = [run.log.mean_return for run in runs]
    # With fewer seeds the interval misses the true value too often.
    low, high = bootstrap_interval(means) if len(means) >= FEWEST_SEEDS else (np.nan, np.nan)
    interval = "" if np.isnan(low) else f" [{low:.1f}, {high:.1f}]"
    steps = sum(int(run.log.lengths.sum()) for run in runs)
    seconds = sum(run.seconds for run in runs)
    return [
        rule,
        plus_minus(means),
        plus_minus([run.log.last(100) for run in runs]),
        f"{interquartile_mean(means):.1f}{interval}",
        f"{1e6 * seconds / steps:.0f}" if steps else "",
    ]


def plus_minus(values: list[float]) -> str:
    """Return a mean and its standard deviation over seeds."""
    mean = f"{np.mean(values):.1f}"
    return mean if len(values) < 2 else f"{mean} ± {np.std(values, ddof=1):.1f}"
