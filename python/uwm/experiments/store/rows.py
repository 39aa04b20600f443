"""Rows and studies as the texts that a store's columns hold."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from uwm.checks import instance, one_line
from uwm.experiments.cells import Row

COLUMNS = ("key", "kind", "status", "reason", "traceback", "spec", "about", "result", "curves")


@dataclass(frozen=True)
class Study:
    """What somebody has asked for: a command with its settings, and the keys of its cells.

    when: the last time, in UTC.
    """

    command: str
    title: str
    settings: Mapping[str, Any]
    keys: tuple[str, ...]
    when: str = ""


STUDY_COLUMNS = ("command", "title", "settings", "keys", "made")


def study_of(values: Sequence[str]) -> Study:
    """Return the study of the text of each column."""
    command, title, settings, keys, when = values
    return Study(command, title, json.loads(settings), tuple(json.loads(keys)), when)


def now() -> str:
    """Return the time in UTC, to the microsecond: studies are sorted by it."""
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")


def encoded(row: Row) -> tuple[str, ...]:
    """Return a row as the text of each column."""
    instance("row", row, Row, "a Row")
    result: Mapping[str, Any] = row.result if row.result is not None else {}
    curves = {name: value for name, value in result.items() if isinstance(value, (list, tuple))}
    numbers = {name: value for name, value in result.items() if name not in curves}
    return (
        row.key, row.kind, row.status, whole(row.reason), whole(row.traceback),
        written("spec", dict(row.spec)), written("about", dict(row.about)),
        written("result", None if row.result is None else numbers),
        written("result", curves) if curves else "",
    )  # fmt: skip


def decoded(values: Sequence[str]) -> Row:
    """Return the row of the text of each column."""
    key, kind, status, reason, traceback, spec, about, result, curves = values
    numbers = json.loads(result)
    if curves:
        numbers.update(json.loads(curves))
    return Row(key, kind, json.loads(spec), status, numbers, reason, traceback, json.loads(about))


class Lists:
    """Reads lists of numbers from the text of rows, one row after another.

    A list that is the same in one row after the other, the episodes of a curve for instance, is
    read once. The rows share it.

    >>> lists = Lists()
    >>> one, other = map(lists.read, ('{"x":[1,2],"y":[0.5,1]}', '{"x":[1,2],"y":[3,4]}'))
    >>> other["y"], one["x"] is other["x"]
    ([3, 4], True)
    """

    def __init__(self) -> None:
        self._latest: dict[str, tuple[str, list[Any]]] = {}

    def read(self, text: str) -> dict[str, list[Any]]:
        """Return the lists by name. Raises ValueError for what is no JSON."""
        parts = [part.partition('":[') for part in text[2:-2].split('],"')]
        if text[:2] != '{"' or text[-2:] != "]}" or not all(map(is_plain, parts)):
            made: dict[str, list[Any]] = json.loads(text)
            return made
        return {name: self._list(name, numbers) for name, _, numbers in parts}

    def _list(self, name: str, numbers: str) -> list[Any]:
        latest = self._latest.get(name)
        if latest is None or latest[0] != numbers:
            latest = self._latest[name] = numbers, json.loads(f"[{numbers}]")
        return latest[1]


def is_plain(part: tuple[str, str, str]) -> bool:
    """Tell whether a name and the text of a list have no texts, lists or objects inside."""
    name, between, numbers = part
    alone = '"' not in numbers and "[" not in numbers and "{" not in numbers
    return alone and bool(between) and name.isidentifier()


def whole(text: str) -> str:
    """Return a text without the half characters that a file's name may have."""
    return text.encode("utf-8", "backslashreplace").decode()


def written(name: str, value: object) -> str:
    """Return a value as JSON, null in the place of NaN.

    Raises TypeError or ValueError for what JSON cannot hold, infinity for one.
    """
    try:
        return plain_json(value)
    except ValueError:
        pass
    except TypeError as error:
        raise TypeError(f"{name} must be JSON values, got {one_line(str(error))}") from None
    try:
        return plain_json(without_nan(value))
    except ValueError:
        raise ValueError(f"{name} must be finite numbers or NaN, got infinity") from None


def plain_json(value: object) -> str:
    """Return a value as JSON; other characters than ASCII are escapes, half ones, too."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def without_nan(value: object) -> object:
    """Return JSON values with None in the place of NaN."""
    if isinstance(value, Mapping):
        return {name: without_nan(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
