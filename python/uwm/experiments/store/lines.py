"""A store's content as lines of JSON: the form that goes over networks and into version control.

A line is a row, or a study under the name "study". Lines are sorted, so that the same content gives
the same file.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from uwm.checks import shown
from uwm.experiments.cells import DIVERGED, DONE, FAILED, Cell, Found, Row
from uwm.experiments.store.rows import Study, written

if TYPE_CHECKING:
    from uwm.experiments.store.table import Store

NAMES = tuple(field.name for field in dataclasses.fields(Row))
STUDY = tuple(field.name for field in dataclasses.fields(Study))


def write(store: Store, file: BinaryIO) -> None:
    """Write all results, failures and studies."""
    for rows in (store.rows(), store.failures()):
        file.writelines(line_of(row) for row in sorted(rows, key=order))
    for study in store.studies():
        file.write(f"{written('study', {'study': dataclasses.asdict(study)})}\n".encode())


def order(row: Row) -> tuple[str, str]:
    """Return what rows are sorted by."""
    return row.kind, json.dumps(row.spec, sort_keys=True)


def line_of(row: Row) -> bytes:
    """Return a row as a line, without what it has not."""
    values = {name: getattr(row, name) for name in NAMES}
    kept = {name: value for name, value in values.items() if value != ""}
    return f"{written('row', kept)}\n".encode()


def read(file: Iterable[bytes]) -> Iterator[Row | Study | str]:
    """Iterate over the rows and studies of lines, and over a sentence for each that is neither."""
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            yield item(json.loads(line))
        except (ValueError, TypeError, RecursionError) as error:
            yield f"line {number}: {error}"


def item(values: Any) -> Row | Study:
    """Return the row or study of a line's object.

    Raises ValueError or TypeError if it is neither.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"it must be a row of results, got {shown(values)}")
    if "study" in values:
        study = values["study"]
        checked(study, STUDY, {"settings": Mapping, "keys": list}, "a study")
        return Study(**{**study, "keys": tuple(study["keys"])})
    whole = {"reason": "", "traceback": "", "result": None, "about": {}, **values}
    kinds = {"spec": Mapping, "about": Mapping, "result": (Mapping, type(None))}
    checked(whole, NAMES, kinds, "a row of results")
    return proven(Row(**whole))


def checked(values: Any, names: tuple[str, ...], kinds: Mapping[str, Any], what: str) -> None:
    """Raise TypeError unless an object has these values: of these kinds, the others texts."""
    right = isinstance(values, Mapping) and set(values) == set(names)
    if not right or not all(isinstance(values[name], kinds.get(name, str)) for name in names):
        raise TypeError(f"it must be {what}, got {shown(values)}")


def proven(row: Row) -> Row:
    """Return a row if its key is that of its kind and spec, else raise ValueError."""
    if row.key != Cell(row.kind, row.spec, lambda context: Found()).key:
        raise ValueError(f"key must be that of kind and spec, got {shown(row.key)}")
    if row.status not in (DONE, DIVERGED, FAILED):
        raise ValueError(f"status must be done, diverged or failed, got {shown(row.status)}")
    return row
