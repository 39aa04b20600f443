"""What a panel shows, in sentences: the verdict that the command prints, too."""

from __future__ import annotations

import numpy as np

from uwm.experiments.cells import DIVERGED, DONE, Row
from uwm.experiments.chance import Chance, chance_of
from uwm.experiments.settings import Settings
from uwm.experiments.verdict import Trained, judge
from uwm.report.page.learning import KINDS
from uwm.report.page.sections import Group, Panel
from uwm.report.page.tables import number
from uwm.report.verdict_text import verdict_lines
from uwm.tasks import TASKS, task_info


def answers(panel: Panel) -> list[str]:
    """Return the verdict on a panel's rules, nothing unless there are several, with a group each.

    Without SciPy, which tests them, nothing as well.
    """
    rules = [group.rule for group in panel.groups]
    if panel.kind not in KINDS or len(rules) < 2 or len(set(rules)) < len(rules):
        return []
    quantity, chance = KINDS[panel.kind][0], chance_on(panel.groups[0].rows[0])
    runs = {group.rule: trained(group, quantity, chance) for group in panel.groups}
    diverged = {
        group.rule: [row.spec["seed"] for row in group.rows if row.status == DIVERGED]
        for group in panel.groups
    }
    try:
        found = judge(runs, quantity=quantity, chance=chance, diverged=diverged)
    except ImportError:
        return []
    return verdict_lines(found, tune=panel.kind == "run")


def chance_on(row: Row) -> Chance | None:
    """Return what a built-in task gives without learning; no code of a user's is run for others."""
    name = row.spec.get("task")
    if name not in TASKS:
        return None
    settings = {n: row.spec[n] for n in task_info(name).settings if n in row.spec}
    return chance_of(Settings(task=name, **settings))


def trained(group: Group, quantity: str, chance: Chance | None) -> list[Trained]:
    """Return the runs of a group as the verdict sees them.

    Where chance is not known, they have no curves: the verdict cannot say what they learned.
    """
    runs = []
    for row in group.rows:
        score, result = number(row, quantity), row.result or {}
        if row.status == DONE and score is not None:
            rewards = result.get("rewards") if chance else None
            curve = np.array(rewards or [], dtype=np.float64)
            runs.append(Trained(int(row.spec.get("seed", 0)), score, curve))
    return runs
