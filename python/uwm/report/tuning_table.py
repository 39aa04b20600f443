"""The table of a search: each rule's best trial, and what mattered."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uwm.experiments.tuning.result import Tuned
from uwm.experiments.tuning.trials import Trial
from uwm.report.console import print_files, print_table
from uwm.report.tuning_files import described

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def as_json(found: Tuned, files: list[Path]) -> dict[str, Any]:
    """Return what --json prints."""
    return {**described(found), "files": [str(path) for path in files]}


def show(found: Tuned, files: list[Path], out: Console) -> None:
    """Print the best of each rule, what mattered, and where the files are."""
    print_table(out, table(found))
    out.print(f"Each rule: {found.search.describe()}; {found.search.settings.describe()}",
              soft_wrap=True)  # fmt: skip
    if found.rules and files:
        again = f"uwm compare --settings {shlex.quote(str(files[0]))}"
        out.print(f"Fresh seeds at these settings: {again}", soft_wrap=True)
    print_files(out, files)


def table(found: Tuned) -> Table:
    """Return the table: each rule's best trial, and the importance of each parameter."""
    from rich import box
    from rich.table import Table

    made = Table(title=f"{found.title}: best settings", title_justify="left", title_style="bold",
                 box=box.SIMPLE_HEAD)  # fmt: skip
    made.add_column("rule", no_wrap=True)
    for head in ("learning rates", "baseline", "mean reward", "last tenth", "what mattered"):
        made.add_column(head, justify="right")
    best = found.settings() if found.rules else found.search.settings
    for rule in found.search.settings.rule_names:
        if rule not in found.rules:
            made.add_row(rule, found.why_none(rule).split(";")[0])
            continue
        trial = found.best(rule)
        shares: dict[str, Any] = found.importance[rule]
        made.add_row(
            rule,
            best.rates_in_words(rule),
            str(best.baseline_of(rule) or "none"),
            f"{best_value(trial, 'mean_reward'):.3f}",
            f"{best_value(trial, 'final_reward'):.3f}",
            ", ".join(f"{short(name)} {share:.0%}" for name, share in shares.items()) or "-",
        )
    return made


def best_value(trial: Trial, name: str) -> float:
    """Return what decided: a finalist's further seeds if it had any."""
    again = float(getattr(trial, f"again_{name}"))
    return float(getattr(trial, name)) if math.isnan(again) else again


def short(parameter: str) -> str:
    """Return a parameter's name for a narrow column."""
    return parameter.replace("learning_rate_", "rate ")
