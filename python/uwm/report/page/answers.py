"""What a panel shows, in sentences: the verdict that the command prints, too."""

from __future__ import annotations

import numpy as np

from uwm.experiments.cells import DIVERGED, DONE
from uwm.experiments.verdict import Trained, curve_of_returns, judge
from uwm.report.page.learning import KINDS
from uwm.report.page.sections import Group, Panel
from uwm.report.page.tables import number
from uwm.report.verdict_text import verdict_lines


def answers(panel: Panel) -> list[str]:
    """Return the verdict on a panel's rules, nothing unless there are several, with a group each.

    Without SciPy, which tests them, nothing as well.
    """
    rules = [group.rule for group in panel.groups]
    if panel.kind not in KINDS or len(rules) < 2 or len(set(rules)) < len(rules):
        return []
    quantity = KINDS[panel.kind][0]
    runs = {group.rule: trained(group, quantity) for group in panel.groups}
    diverged = {
        group.rule: [row.spec["seed"] for row in group.rows if row.status == DIVERGED]
        for group in panel.groups
    }
    try:
        found = judge(runs, quantity=quantity, diverged=diverged)
    except ImportError:
        return []
    return verdict_lines(found, tune=panel.kind == "run")


def trained(group: Group, quantity: str) -> list[Trained]:
    """Return the runs of a group as the verdict sees them."""
    runs = []
    for row in group.rows:
        score, result = number(row, quantity), row.result or {}
        if row.status == DONE and score is not None:
            agent = row.kind == "agent"
            values = np.array(result.get("returns" if agent else "rewards") or [], dtype=float)
            curve = curve_of_returns(values) if agent else values
            runs.append(Trained(int(row.spec.get("seed", 0)), score, curve))
    return runs
