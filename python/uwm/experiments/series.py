"""Results as lines of a picture: one column against another, or learning curves, by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uwm.checks import one_of, shown
from uwm.experiments.columns import LAYER, SEED, Columns, columns, curves_of, joined
from uwm.experiments.overview import is_number, rank, rows_by
from uwm.experiments.store import Store

Numbers = NDArray[np.float64]
POINTS = 200  # of curves that do not share theirs
AT_MOST = 100  # results of a kind are looked at for what curves it has
WINDOW = 20  # such a point is the mean over this part of the whole


@dataclass(frozen=True, eq=False)
class Series:
    """One line: y for every seed (rows) at every x (columns), NaN where there is none."""

    name: str
    x: Numbers
    y: Numbers


@dataclass(frozen=True, eq=False)
class Picture:
    """What is drawn.

    title: of the studies that asked for it, the folder's name for several. words: of x, where it is
    not numbers: the places 0, 1, ... in order.
    """

    x: str
    y: str
    title: str
    series: Sequence[Series]
    words: Sequence[str] | None = None


def picture(
    store: Store,
    *,
    x: str = "episode",
    y: str = "reward",
    group: Sequence[str] = ("rule",),
    kind: str | None = None,
    where: Mapping[str, str] | None = None,
) -> Picture:
    """Return y against x, a line for every combination of values of the columns in group.

    x: a column, "hidden" for instance; or of curves, "episode" for instance. y: numbers.
    kind, where: only these results.

    Raises ValueError for columns that are not there, and for groups whose results differ in more
    than the seed.
    """
    found = columns(store.rows(curves=False)).of_kind(kind).where(where or {})
    has = {
        each: curves_of(one_of_kind(store, found, each)) for each in dict.fromkeys(found["kind"])
    }
    for each, names in has.items():
        if y in names and x in names and LAYER not in names:
            return of_curves(store, found.of_kind(each), x, y, group)
        if y in names and LAYER in names and (x in names or x in found.values):
            found = joined(found.of_kind(each), store.curves(found.of_kind(each)["key"]))
            break
    known = [*found.values, *(name for names in has.values() for name in names)]
    for name, value in (("x", x), ("y", y)):
        one_of(name, value, list(dict.fromkeys(known)))
    if x not in found.values or y not in found.values:
        raise ValueError(f"x and y must be of the same results, got {x} and {y}")
    rows = [k for k, value in enumerate(found[y]) if is_number(value) and found[x][k] is not None]
    if not rows:
        raise ValueError(f"y must be a column of numbers, got {shown(y)}")
    found = found.chosen(rows)
    apart(found, [*group, x], group)
    values = sorted(set(found[x]), key=rank)
    at = {value: k for k, value in enumerate(values)}
    numeric = all(map(is_number, values))
    places = np.array(values if numeric else range(len(values)), dtype=np.float64)
    series = []
    for name, members in named(found, group):
        each = sorted({seed_of(found, k) for k in members}, key=rank)
        seeds = {seed: k for k, seed in enumerate(each)}
        grid = np.full((len(seeds), len(values)), np.nan)
        for k in members:
            grid[seeds[seed_of(found, k)], at[found[x][k]]] = found[y][k]
        used = ~np.isnan(grid).all(axis=0)
        series.append(Series(name, places[used], grid[:, used]))
    words = None if numeric else [str(value) for value in values]
    return Picture(x, y, title_of(store, found), series, words)


def title_of(store: Store, found: Columns) -> str:
    """Return the title of the studies that asked for results, or the name of the folder."""
    keys = set(found["key"])
    titles = {study.title for study in store.studies() if not keys.isdisjoint(study.keys)}
    return titles.pop() if len(titles) == 1 else store.folder.absolute().name


def one_of_kind(store: Store, found: Columns, kind: str) -> dict[str, Any]:
    """Return the lists of one result of a kind, to see what they are."""
    keys = found.of_kind(kind)["key"]
    return next((lists for _, lists in store.curves(keys[:AT_MOST])), {})


def of_curves(store: Store, found: Columns, x: str, y: str, group: Sequence[str]) -> Picture:
    """Return learning curves."""
    at = {key: k for k, key in enumerate(found["key"])}
    curves: dict[int, tuple[Numbers, Numbers]] = {}
    latest: tuple[list[Any], Numbers] = [], np.empty(0)
    for key, lists in store.curves(found["key"]):
        points = curves_of(lists)
        if x in points and y in points:
            if points[x] is not latest[0]:  # most curves share theirs
                latest = points[x], as_numbers(points[x])
            curves[at[key]] = latest[1], as_numbers(points[y])
    rows = sorted(curves)
    found = found.chosen(rows)
    apart(found, group, group)
    series = [
        Series(name, *together([curves[rows[k]] for k in members]))
        for name, members in named(found, group)
    ]
    return Picture(x, y, title_of(store, found), series)


def together(curves: Sequence[tuple[Numbers, Numbers]]) -> tuple[Numbers, Numbers]:
    """Return x of curves, and y of each; those with other x are averaged to a common one."""
    first = curves[0][0]
    if all(x is first or np.array_equal(x, first) for x, _ in curves):
        return first, np.stack([y for _, y in curves])
    end = min(x[-1] for x, _ in curves)
    at = np.linspace(end / WINDOW, end, POINTS)
    return at, np.stack([smoothed(x, y, at) for x, y in curves])


def smoothed(x: Numbers, y: Numbers, at: Numbers) -> Numbers:
    """Return the mean of a curve shortly before each of some places.

    >>> smoothed(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 5.0]), np.array([2.0, 20.0]))
    array([1., 5.])
    """
    sums = np.concatenate([[0.0], np.cumsum(y)])
    upto = np.maximum(np.searchsorted(x, at, side="right"), 1)
    first = np.minimum(np.searchsorted(x, at - at[-1] / WINDOW, side="right"), upto - 1)
    mean: Numbers = (sums[upto] - sums[first]) / (upto - first)
    return mean


def apart(found: Columns, by: Sequence[str], group: Sequence[str]) -> None:
    """Raise ValueError if results that would be averaged differ in more than the seed."""
    varying = [name for name in found.varying() if name not in by]
    for rows in rows_by(found, by).values():
        for name in varying:
            values = sorted({found[name][k] for k in rows}, key=rank)
            if len(values) > 1:
                raise ValueError(
                    f"group must tell {name} {values[0]} from {name} {values[1]}: use"
                    f" {','.join([*group, name])}, or choose one of them, {name}={values[0]}"
                )


def named(found: Columns, group: Sequence[str]) -> list[tuple[str, list[int]]]:
    """Return the rows of each group, with its name."""
    at = rows_by(found, group)
    several = [k for k in range(len(group)) if len({values[k] for values in at}) > 1]
    return [
        (", ".join(label(group[k], values[k]) for k in several or range(len(group))), rows)
        for values, rows in sorted(at.items(), key=lambda item: [rank(v) for v in item[0]])
    ]


def label(name: str, value: Any) -> str:
    """Return a value in words: a number with the name of its column."""
    return f"{name} {value}" if is_number(value) or value is None else str(value)


def seed_of(found: Columns, row: int) -> Any:
    """Return what tells a row from the others at the same place."""
    return found.values.get(SEED, found["key"])[row]


def as_numbers(values: Sequence[Any]) -> Numbers:
    """Return a curve with NaN in the place of None."""
    return np.array(values, dtype=np.float64)
