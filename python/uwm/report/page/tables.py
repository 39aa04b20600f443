"""Tables of a panel: a row per group, and a row per result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from uwm.experiments.cells import DIVERGED, DONE, Row
from uwm.experiments.spread import Spread, spread
from uwm.report.page.sections import Group, Panel, plain, value_words

#: Numbers of a result by kind, with their heads; of other kinds, all that there are.
NUMBERS = {
    "run": {
        "mean_reward": "mean reward",
        "final_reward": "last tenth",
        "test_accuracy": "test accuracy",
        "test_accuracy_one_pass": "test accuracy, one pass",
    },
    "gradients": {
        "relative_bias": "relative bias",
        "cosine": "cosine",
        "noise_to_signal": "noise-to-signal",
        "noise_per_reward": "noise at equal rewards",
        "samples": "samples",
    },
    "noise": {"noise_to_signal": "noise-to-signal"},
    "agent": {"mean_return": "mean return", "last_100": "last 100 episodes"},
}
Number = float | None
NONE = "-"  # in the place of a number
ABOUT = {"host": "host", "simd_level": "instruction set"}


@dataclass(frozen=True)
class Column:
    """A column: its head, a value per line to sort by, and the texts shown in their place."""

    head: str
    values: list[Any]
    texts: list[str] | None = None


def group_table(panel: Panel) -> list[Column]:
    """Return a row per group: mean and standard deviation over seeds of every number."""
    groups = panel.groups
    columns = [rule_column([g.rule for g in groups]), *settings_columns(panel, groups)]
    columns.append(Column("seeds", [sum(row.status == DONE for row in g.rows) for g in groups]))
    for k, (name, head) in enumerate(numbers_of(panel).items()):
        columns.append(spread_column(head, groups, name))
        if k == 0 and any(interval(group, name) for group in groups):  # there is room for one
            columns.append(interval_column(groups, name))
    if any(row.status == DIVERGED for g in groups for row in g.rows):
        counts = [sum(row.status == DIVERGED for row in g.rows) for g in groups]
        columns.append(Column("diverged", counts))
    seconds = [mean_of([known(row.about.get("seconds")) for row in g.rows]) for g in groups]
    return [*columns, number_column("seconds each", seconds)]


def result_table(panel: Panel) -> list[Column]:
    """Return a row per result."""
    pairs = [(group, row) for group in panel.groups for row in group.rows]
    columns = [
        rule_column([group.rule for group, _ in pairs]),
        *settings_columns(panel, [group for group, _ in pairs]),
        Column("seed", [row.spec.get("seed") for _, row in pairs]),
        Column("result", [": ".join(filter(None, (row.status, row.reason))) for _, row in pairs]),
    ]
    for name, head in numbers_of(panel).items():
        columns.append(number_column(head, [number(row, name) for _, row in pairs]))
    seconds = [known(row.about.get("seconds")) for _, row in pairs]
    columns.append(number_column("seconds", seconds))
    for name, head in ABOUT.items():
        columns.append(Column(head, [str(row.about.get(name, "")) for _, row in pairs]))
    return columns


def rule_column(rules: Sequence[str]) -> Column:
    """Return the column of the rules."""
    return Column("rule", list(rules))


def settings_columns(panel: Panel, groups: Sequence[Group]) -> list[Column]:
    """Return a column per setting that is not the same in the whole panel."""
    columns = []
    for name in panel.varied:
        values = [group.settings.get(name) for group in groups]
        texts = [value_words(value) for value in values]
        if all(isinstance(value, int | float) for value in values):
            columns.append(Column(plain(name), values, texts))
        else:
            columns.append(Column(plain(name), texts))
    return columns


def numbers_of(panel: Panel) -> dict[str, str]:
    """Return the numbers that at least one result has, with their heads."""
    rows = [row for group in panel.groups for row in group.rows]
    there = dict.fromkeys(
        name for row in rows for name, value in (row.result or {}).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    )  # fmt: skip
    of_kind = NUMBERS.get(panel.kind)
    if of_kind is None:
        return {name: plain(name) for name in there}
    return {name: head for name, head in of_kind.items() if name in there}


def spread_column(head: str, groups: Sequence[Group], name: str) -> Column:
    """Return mean ± standard deviation over the seeds of each group."""
    found = spreads(groups, name)
    write = form([each.mean for each in found if each], whole=is_count(groups, name))
    texts = [
        NONE if each is None
        else write(each.mean) if math.isnan(each.deviation)
        else f"{write(each.mean)} ± {write(each.deviation)}"
        for each in found
    ]  # fmt: skip
    return Column(head, [each.mean if each else None for each in found], texts)


def interval_column(groups: Sequence[Group], name: str) -> Column:
    """Return the 95% interval of each group's mean, sorted by its lower end."""
    ends = [interval(group, name) for group in groups]
    write = form([end for each in ends if each for end in each])
    texts = [f"{write(each[0])} to {write(each[1])}" if each else NONE for each in ends]
    return Column("95% interval", [each[0] if each else None for each in ends], texts)


def interval(group: Group, name: str) -> tuple[float, float] | None:
    """Return the interval over seeds, or a single result's own; None if there is neither."""
    values = finite_values(group, name)
    if len(values) > 1:
        found = spread(values)
        return found.mean - found.margin, found.mean + found.margin
    low, high = (finite_values(group, name + end) for end in ("_low", "_high"))
    return (low[0], high[0]) if low and high and low != high else None


def spreads(groups: Sequence[Group], name: str) -> list[Spread | None]:
    """Return the statistics of a number in each group, None where no result has it."""
    every = [finite_values(group, name) for group in groups]
    return [spread(values) if values else None for values in every]


def is_count(groups: Sequence[Group], name: str) -> bool:
    """Tell whether a number is whole in all results, the number of samples for instance."""
    values = [(row.result or {}).get(name) for group in groups for row in group.rows]
    return all(isinstance(value, int) for value in values if value is not None)


def number_column(
    head: str, values: Sequence[Number], write: Callable[[float], str] | None = None
) -> Column:
    """Return a column of numbers, some of which may be missing."""
    write = write or form([value for value in values if value is not None])
    return Column(head, list(values), [NONE if v is None else write(v) for v in values])


def finite_values(group: Group, name: str) -> list[float]:
    """Return a number of all results of a group that have it."""
    values = [number(row, name) for row in group.rows if row.status == DONE]
    return [value for value in values if value is not None]


def number(row: Row, name: str) -> Number:
    """Return a number of a result; None without one."""
    return known((row.result or {}).get(name))


def known(value: Any) -> Number:
    """Return a finite number as it is, None for all else."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None


def mean_of(values: Sequence[Number]) -> Number:
    """Return the mean of those that are known."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def form(values: Sequence[float], *, whole: bool = False) -> Callable[[float], str]:
    """Return what writes the numbers of a column, with as many decimals as they need.

    whole: they count something.

    >>> form([0.96912])(0.96912), form([123.456, 5])(5), form([0.00012])(0.00012)
    ('0.969', '5.0', '0.00012')
    """
    size = max((abs(value) for value in values), default=0.0)
    if 0 < size < 0.01 or (size >= 1e5 and not whole):
        return "{:.3g}".format
    decimals = 0 if whole else 3 if size < 10 else 2 if size < 100 else 1
    return f"{{:,.{decimals}f}}".format
