"""Rows of results as columns: settings, results and what made them, each one value a row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from uwm.checks import one_of, shown
from uwm.experiments.cells import Row

#: Columns that every row has.
FIRST, SEED = ("key", "kind", "status"), "seed"
LAYER = "layer"
MADE = "made_"  # before what a row is about


@dataclass(frozen=True, eq=False)
class Columns:
    """Results as columns of equal lengths, None where a row has no such value.

    values: by name. settings: the names of those that cells are told apart by. results: the names
    of those that were measured.
    """

    values: Mapping[str, list[Any]]
    settings: tuple[str, ...] = ()
    results: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values["key"])

    def __getitem__(self, name: str) -> list[Any]:
        """Return a column. Raises ValueError if there is none of this name."""
        one_of("column", name, tuple(self.values))
        return self.values[name]

    def chosen(self, rows: Sequence[int]) -> Columns:
        """Return some of the rows, without columns that none of them has a value in."""
        kept = {name: [column[k] for k in rows] for name, column in self.values.items()}
        used = {name: c for name, c in kept.items() if name in FIRST or c.count(None) < len(c)}
        return Columns(
            used,
            tuple(name for name in self.settings if name in used),
            tuple(name for name in self.results if name in used),
        )

    def where(self, wanted: Mapping[str, str]) -> Columns:
        """Return the rows whose columns have these values, given as text.

        Raises ValueError for a column that is not there, or a value that no row has.
        """
        made = self
        for name, text in wanted.items():
            column = made[name]
            rows = [k for k, value in enumerate(column) if text in spellings(value)]
            if not rows:
                known = ", ".join(dict.fromkeys(str(value) for value in column))
                raise ValueError(f"{name} must be one of {shown(known)}, got {shown(text)}")
            made = made.chosen(rows)
        return made

    def of_kind(self, kind: str | None) -> Columns:
        """Return the rows of one kind, or all for None.

        Raises ValueError if there are others, but none of this kind.
        """
        kinds = tuple(dict.fromkeys(self.values["kind"]))
        if kind is None or not kinds:
            return self
        one_of("kind", kind, kinds)
        return self.chosen([k for k, each in enumerate(self.values["kind"]) if each == kind])

    def varying(self) -> list[str]:
        """Return the settings in which rows differ, but for the seed."""
        return [name for name in self.settings if name != SEED and len(set(self.values[name])) > 1]


def columns(rows: Iterable[Row]) -> Columns:
    """Return rows as columns, lists of numbers (curves) left out.

    >>> row = Row("a1", "run", {"task": {"name": "digits"}, "hidden": [64, 32]}, "done", {"x": 1.5})
    >>> columns([row]).values["hidden"], columns([row]).settings
    (['64,32'], ('task', 'hidden'))
    """
    settings: dict[str, list[Any]] = {}
    results: dict[str, list[Any]] = {}
    about: dict[str, list[Any]] = {}
    first: dict[str, list[Any]] = {name: [] for name in FIRST}
    number = 0
    for row in rows:
        for name in FIRST:
            first[name].append(getattr(row, name))
        put(settings, flat(row.spec), number)
        numbers = {k: v for k, v in (row.result or {}).items() if not isinstance(v, list)}
        put(results, flat(numbers), number)
        put(about, flat(row.about, MADE), number)
        number += 1
    for part in (settings, results, about):
        for column in part.values():
            column.extend([None] * (number - len(column)))
    measured = {f"result_{k}" if k in settings or k in first else k: v for k, v in results.items()}
    made = {**first, **settings, **measured, **about}
    return Columns(made, tuple(settings), tuple(measured))


def put(part: dict[str, list[Any]], values: Mapping[str, Any], number: int) -> None:
    """Put the values of a row, the one of this number, at the end of their columns."""
    for name, value in values.items():
        column = part.get(name)
        if column is None:
            column = part[name] = [None] * number
        elif len(column) < number:
            column.extend([None] * (number - len(column)))
        column.append(value)


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return JSON values as one value a name: objects by longer names, lists as text.

    >>> flat({"task": {"name": "multiplexer", "address_bits": 3}, "hidden": [8]})
    {'task': 'multiplexer', 'task_address_bits': 3, 'hidden': 8}
    """
    made: dict[str, Any] = {}
    for name, value in values.items():
        where = before.rstrip("_") if before and name == "name" else before + name
        if isinstance(value, dict):
            made.update(flat(value, f"{where}_"))
        else:
            made[where] = text_of(value) if isinstance(value, list) else value
    return made


def text_of(values: list[Any]) -> Any:
    """Return a list as one value: its only item, or all as text."""
    if any(isinstance(item, (list, dict)) for item in values):
        return json.dumps(values)
    return values[0] if len(values) == 1 else ",".join(map(str, values)) or "none"


def spellings(value: Any) -> tuple[str, ...]:
    """Return the texts that mean a value."""
    words = str(value)
    return (words, f"{value:g}") if isinstance(value, float) else (words, words.lower())


def curves_of(result: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the curves of a result by the name of one point: `reward` for its `rewards`.

    Lists of other lengths than the longest are no part of it. Without curves, what a list of
    measurements has of each layer, for instance, by its own names.

    >>> curves_of({"mean_reward": 0.25, "rewards": [0.0, 0.5], "episodes": [50, 100]})
    {'reward': [0.0, 0.5], 'episode': [50, 100]}
    >>> curves_of({"measurements": [{"layer": 0, "bias": 0.5}, {"layer": 1, "bias": 0.25}]})
    {'layer': [0, 1], 'bias': [0.5, 0.25]}
    """
    every = {name: v for name, v in result.items() if isinstance(v, list) and v}
    lists = {name: v for name, v in every.items() if not isinstance(v[0], (dict, list))}
    for items in [v for v in every.values() if isinstance(v[0], dict)] if not lists else []:
        names = dict.fromkeys(name for item in items for name in item)
        return {name: [item.get(name) for item in items] for name in names}
    longest = max(map(len, lists.values()), default=0)
    return {name.removesuffix("s"): v for name, v in lists.items() if len(v) == longest > 0}


def joined(found: Columns, curves: Iterable[tuple[str, Mapping[str, Any]]]) -> Columns:
    """Return a row for each point of results, with the settings of its result.

    curves: the keys of results, and their lists.
    """
    at = {key: k for k, key in enumerate(found["key"])}
    rows: list[int] = []
    values: dict[str, list[Any]] = {}
    for key, lists in curves:
        for name, column in curves_of(lists).items():
            put_all(values, name, column, len(rows))
        rows.extend([at[key]] * max(map(len, curves_of(lists).values()), default=0))
    for column in values.values():
        column.extend([None] * (len(rows) - len(column)))
    settings = found.chosen(rows)
    layers = tuple(name for name in values if name == LAYER)
    results = tuple(name for name in values if name not in (*settings.settings, LAYER))
    measured = {name: values[name] for name in (*layers, *results)}
    return Columns({**settings.values, **measured}, (*settings.settings, *layers), results)


def put_all(part: dict[str, list[Any]], name: str, values: list[Any], number: int) -> None:
    """Put values at the end of a column, where the row of this number is the next."""
    column = part.setdefault(name, [])
    column.extend([None] * (number - len(column)))
    column.extend(values)


@dataclass(frozen=True, eq=False)
class Points:
    """The points of curves: for each curve its row, and how many points it has; then the points.

    rows: `key`, `kind`, `rule` and `seed` of every curve. counts: its points. values: all points
    of all curves, one after another, by the name of what was measured.
    """

    rows: Mapping[str, list[Any]]
    counts: list[int]
    values: Mapping[str, list[Any]]


def points(rows: Iterable[Row]) -> Points:
    """Return the points of all curves."""
    named: dict[str, list[Any]] = {"key": [], "kind": [], "rule": [], SEED: []}
    values: dict[str, list[Any]] = {}
    counts: list[int] = []
    number = 0
    for row in rows:
        curves = curves_of(row.result or {})
        if not curves:
            continue
        counts.append(len(next(iter(curves.values()))))
        spec = flat(row.spec)
        same = {"key": row.key, "kind": row.kind, "rule": spec.get("rule"), SEED: spec.get(SEED)}
        for name, value in same.items():
            named[name].append(value)
        for name, curve in curves.items():
            put_all(values, name, curve, number)
        number += counts[-1]
    for column in values.values():
        column.extend([None] * (number - len(column)))
    return Points(named, counts, values)
