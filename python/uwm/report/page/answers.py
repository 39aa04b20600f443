"""What a panel shows, in sentences: the verdict that the command prints, too."""

from __future__ import annotations

from uwm.experiments.cells import DIVERGED
from uwm.experiments.verdict import Trained, judge
from uwm.report.page.curves import curves
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
        return verdict_lines(judge(runs, quantity=quantity, diverged=diverged))
    except ImportError:
        return []


def trained(group: Group, quantity: str) -> list[Trained]:
    """Return the runs of a group that have a curve, as the verdict sees them."""
    made = curves(group)
    lines = dict(zip(made.seeds, made.lines, strict=True)) if made else {}
    scores = {row.spec.get("seed"): number(row, quantity) for row in group.rows}
    return [
        Trained(seed, score, lines[seed])
        for seed, score in scores.items()
        if score is not None and seed in lines
    ]
