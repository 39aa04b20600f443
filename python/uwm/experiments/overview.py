"""What a store holds, in numbers: kinds, studies, groups of results over seeds, failures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from uwm.experiments.cells import Row
from uwm.experiments.columns import MADE, Columns, columns
from uwm.experiments.spread import Spread, spread
from uwm.experiments.store import Store, Study


@dataclass(frozen=True)
class Group:
    """Results that differ in the seed alone.

    settings: what tells the group from others. diverged: how many of the results have no numbers.
    spreads: over the others, by name.
    """

    settings: Mapping[str, Any]
    results: int
    diverged: int
    spreads: Mapping[str, Spread]


@dataclass(frozen=True)
class Overview:
    """What a store holds.

    tables: groups by kind. studies: with the number of their cells that have a result. versions,
    simd_levels, hosts: of all results. seconds: the time that they took, added up.
    """

    results: int
    tables: Mapping[str, Sequence[Group]]
    studies: Sequence[tuple[Study, int]]
    failures: Sequence[Row]
    versions: Sequence[str]
    simd_levels: Sequence[str]
    hosts: Sequence[str]
    seconds: float


def overview(
    store: Store,
    *,
    kind: str | None = None,
    where: Mapping[str, str] | None = None,
    by: Sequence[str] | None = None,
) -> Overview:
    """Return what a store holds, or some of it.

    kind, where: only these results, `where` by the text of their columns. by: the columns that tell
    groups apart; by default every setting that varies, but for the seed.

    Raises ValueError for kinds, columns and values that no result has.
    """
    everything = columns(store.rows(curves=False))
    found = everything.of_kind(kind).where(where or {})
    done = set(everything["key"])
    tables = {}
    for each in dict.fromkeys(found["kind"]):
        part = found.of_kind(each)
        tables[each] = groups(part, telling(part) if by is None else by)
    return Overview(
        results=len(found),
        tables=tables,
        studies=[(study, len(done.intersection(study.keys))) for study in store.studies()],
        failures=store.failures(),
        versions=distinct(found, "version"),
        simd_levels=distinct(found, "simd_level"),
        hosts=distinct(found, "host"),
        seconds=sum(s or 0.0 for s in found.values.get(f"{MADE}seconds", [])),
    )


def groups(found: Columns, by: Sequence[str]) -> list[Group]:
    """Return groups of results of one kind, sorted."""
    at = rows_by(found, by)
    names = [name for name in found.results if any(map(is_number, found[name]))]
    return [
        Group(
            dict(zip(by, values, strict=True)),
            len(rows),
            sum(found["status"][k] == "diverged" for k in rows),
            {name: spread(numbers) for name in names if (numbers := numbers_of(found, name, rows))},
        )
        for values, rows in sorted(at.items(), key=lambda item: [rank(v) for v in item[0]])
    ]


def rows_by(found: Columns, by: Sequence[str]) -> dict[tuple[Any, ...], list[int]]:
    """Return the rows of every combination of values of some columns."""
    at: dict[tuple[Any, ...], list[int]] = {}
    wanted = [found[name] for name in by]
    for k in range(len(found)):
        at.setdefault(tuple(column[k] for column in wanted), []).append(k)
    return at


def telling(found: Columns) -> list[str]:
    """Return the settings that vary.

    Those that say nothing by themselves, digests and what is either one value or nothing, are left
    out if they follow from the others.
    """
    names = found.varying()
    plain = [name for name in names if not says_nothing(found[name])]
    count = len(rows_by(found, plain))
    extra = [n for n in names if n not in plain and len(rows_by(found, [*plain, n])) > count]
    return plain + extra


def numbers_of(found: Columns, name: str, rows: Sequence[int]) -> list[float]:
    """Return the numbers of a column in some rows."""
    return [value for k in rows if is_number(value := found[name][k])]


def is_number(value: Any) -> bool:
    """Whether a value of a column is a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def says_nothing(column: Sequence[Any]) -> bool:
    """Whether a column has digests alone, or one value alone, where it has any."""
    values = {value for value in column if value is not None}
    return len(values) <= 1 or all(re.fullmatch("[0-9a-f]{32,}", str(v)) for v in values)


def distinct(found: Columns, name: str) -> list[str]:
    """Return what has made the results, each once."""
    values = found.values.get(f"{MADE}{name}", [])
    return sorted({str(value) for value in values if value is not None})


def rank(value: Any) -> tuple[bool, list[float], str]:
    """Return what values of any kind are sorted by: numbers first, and lists of them by size.

    >>> sorted(["ste", "16,8", "8,8", 32, None], key=rank)
    ['8,8', '16,8', 32, 'None', 'ste']
    """
    try:
        return (False, [float(word) for word in str(value).split(",")], "")
    except ValueError:
        return (True, [], str(value))
