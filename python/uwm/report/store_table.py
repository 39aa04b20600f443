"""What a store holds, on the screen and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from uwm.checks import one_line, shortened
from uwm.experiments.cells import Row
from uwm.experiments.columns import flat
from uwm.experiments.overview import Group, Overview
from uwm.experiments.spread import Spread
from uwm.report.console import print_table
from uwm.report.lost import spans

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

LONGEST = 40  # characters of a value in a table


def show(found: Overview, out: Console) -> None:
    """Print studies, a table per kind, and failures."""
    out.print(heading(found), soft_wrap=True)
    if found.studies:
        print_table(out, studies_table(found))
    for kind, groups in found.tables.items():
        print_table(out, groups_table(kind, groups))
    for line in failed(found.failures):
        out.print(line, soft_wrap=True)


def heading(found: Overview) -> str:
    """Return one line about all results."""
    count = f"{found.results:,} result{'' if found.results == 1 else 's'}"
    made = [f"uwm {', '.join(found.versions)}"] if found.versions else []
    parts = [count, *made, ", ".join(found.simd_levels), ", ".join(found.hosts)]
    parts += [f"{duration(found.seconds)} of work"] if found.seconds else []
    return "; ".join(part for part in parts if part)


def duration(seconds: float) -> str:
    """Return a time in words.

    >>> duration(5.2), duration(150), duration(10_000)
    ('5.2 s', '2.5 min', '2.8 h')
    """
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def studies_table(found: Overview) -> Table:
    """Return the table of studies."""
    made = new_table("studies")
    for head in ("last asked for (UTC)", "command", "title"):
        made.add_column(head, no_wrap=True)
    made.add_column("results", justify="right", no_wrap=True)
    for study, done in found.studies:
        when = study.when[:16].replace("T", " ")
        made.add_row(when, study.command, word(study.title), f"{done} of {len(study.keys)}")
    return made


def groups_table(kind: str, groups: Sequence[Group]) -> Table:
    """Return the table of one kind of results: a line a group."""
    made = new_table(kind)
    settings = list(groups[0].settings)
    measured = list(dict.fromkeys(name for group in groups for name in group.spreads))
    diverged = any(group.diverged for group in groups)
    for head in settings:
        made.add_column(head, no_wrap=True)
    for head in ("results", *(["diverged"] if diverged else []), *measured):
        made.add_column(head, justify="right", no_wrap=True)
    for group in groups:
        made.add_row(
            *(word(value) for value in group.settings.values()),
            str(group.results),
            *([str(group.diverged)] if diverged else []),
            *(in_words(group.spreads.get(name)) for name in measured),
        )
    return made


def new_table(title: str) -> Table:
    """Return a table without columns."""
    from rich import box
    from rich.table import Table

    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)


def word(value: Any) -> str:
    """Return a setting for a table."""
    return "-" if value is None else shortened(one_line(str(value)), LONGEST)


def in_words(found: Spread | None) -> str:
    """Return mean and standard deviation.

    >>> from uwm.experiments.spread import spread
    >>> in_words(spread([0.5, 0.75])), in_words(spread([2.0]))
    ('0.625 ± 0.18', '2')
    """
    if found is None:
        return "-"
    mean = f"{found.mean:.4g}"
    return mean if math.isnan(found.deviation) else f"{mean} ± {found.deviation:.2g}"


def failed(rows: Sequence[Row]) -> list[str]:
    """Return one line per rule and reason for failures."""
    seeds: dict[tuple[str, str, str], list[int]] = {}
    for row in rows:
        spec = flat(row.spec)
        name = str(spec.get("rule", row.key[:12]))
        which = seeds.setdefault((row.kind, name, one_line(row.reason)), [])
        if isinstance(spec.get("seed"), int):
            which.append(spec["seed"])
    return [
        f"failed: {kind} {name}"
        + (f", seed{'s' if len(which) > 1 else ''} {spans(sorted(which))}" if which else "")
        + f": {reason}"
        for (kind, name, reason), which in seeds.items()
    ]


def as_json(found: Overview, folder: str) -> dict[str, Any]:
    """Return what --json prints."""
    return {
        "folder": folder,
        "results": found.results,
        "versions": found.versions,
        "simd_levels": found.simd_levels,
        "hosts": found.hosts,
        "seconds": round(found.seconds, 3),
        "studies": [
            {"command": study.command, "title": study.title, "when": study.when,
             "cells": len(study.keys), "results": done, "settings": study.settings}
            for study, done in found.studies
        ],
        "tables": {kind: [group_json(g) for g in groups] for kind, groups in found.tables.items()},
        "failures": [
            {"kind": row.kind, "spec": row.spec, "reason": row.reason, "traceback": row.traceback}
            for row in found.failures
        ],
    }  # fmt: skip


def group_json(group: Group) -> dict[str, Any]:
    """Return a group as JSON can hold it."""
    return {
        "settings": dict(group.settings),
        "results": group.results,
        "diverged": group.diverged,
        **{
            name: {"mean": s.mean, "deviation": None if math.isnan(s.deviation) else s.deviation}
            for name, s in group.spreads.items()
        },
    }
