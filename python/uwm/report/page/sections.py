"""What a page shows: sections of commands, panels of one task and network, groups of one rule.

The rows of a group differ in the seed alone.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from uwm.experiments.cells import Row
from uwm.tasks import TASKS, task_info
from uwm.tasks.by_name import title_of as task_title

#: By kind of cell, what all rows of a panel have in common beside the task.
PANELS = {
    "run": ("hidden", "output", "units", "episodes"),
    "agent": ("environment", "episodes", "total_timesteps"),
    "gradients": ("hidden", "sizes", "output", "units", "layer"),
    "noise": ("output", "units"),
}
HEADINGS = {
    "run": "Learning",
    "agent": "Learning",
    "gradients": "Bias and noise of the updates",
    "noise": "Noise of the updates",
}
NAMES = {"hidden": "hidden units", "uwm": "uwm version"}
LONGEST_VALUE = 60  # characters
MOST_TOLD = 3  # settings in the title of a section


@dataclass(frozen=True)
class Group:
    """The rows of one rule with the same settings, one per seed. label: unique in its panel."""

    rule: str
    label: str
    settings: Mapping[str, Any]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Panel:
    """The groups of one kind on one task with one network.

    title: the task. network: the hidden layers, empty if they vary. words: all that the groups have
    in common beside the task. varied: names of the settings that are not the same in all groups.
    common: the others.
    """

    kind: str
    title: str
    network: str
    words: str
    groups: tuple[Group, ...]
    varied: tuple[str, ...]
    common: Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """What one command asked for. wanted: how many results that are."""

    title: str
    command: str
    settings: Mapping[str, Any]
    panels: tuple[Panel, ...]
    wanted: int
    there: int


def sections(rows: Sequence[Row], studies: Iterable[Any]) -> list[Section]:
    """Return a section per study, the newest first, and one of the rows that no study names.

    studies: each with command, title, settings and keys.
    """
    by_key = {row.key: row for row in rows}
    made, named = [], set()
    for study in reversed(list(studies)):
        keys = list(dict.fromkeys(study.keys))
        found = [by_key[key] for key in keys if key in by_key]
        named.update(keys)
        there = tuple(panels(found))
        title, settings = section_title(study, there), dict(study.settings)
        made.append(Section(title, study.command, settings, there, len(keys), len(found)))
    rest = [row for row in rows if row.key not in named]
    if rest:
        title = "Other results" if made else "Results"
        made.append(Section(title, "", {}, tuple(panels(rest)), len(rest), len(rest)))
    return told_apart(made)


def told_apart(made: Sequence[Section]) -> list[Section]:
    """Return sections of different titles: what differs in those of one title is added to it."""
    titles = [section.title for section in made]
    for title in {title for title in titles if titles.count(title) > 1}:
        places = [k for k, each in enumerate(titles) if each == title]
        asked = [{"command": made[k].command, **flattened(made[k].settings)} for k in places]
        names = dict.fromkeys(name for each in asked for name in each)
        differ = [name for name in names if several([each.get(name) for each in asked])]
        ends = [
            ", ".join(f"{plain(name)} {value_words(each.get(name))}" for name in differ[:MOST_TOLD])
            for each in asked
        ]
        if len(set(ends)) < len(ends):  # they differ in their cells alone, or in too much
            ends = [f"number {number}" for number in range(1, len(ends) + 1)]
        for k, end in zip(places, ends, strict=True):
            titles[k] = f"{title} ({end})"
    return [
        dataclasses.replace(section, title=title)
        for title, section in zip(titles, made, strict=True)
    ]


def section_title(study: Any, there: Iterable[Panel]) -> str:
    """Return what was asked for, and what its results are about."""
    kinds = dict.fromkeys(HEADINGS.get(panel.kind, panel.kind) for panel in there)
    words = " and ".join(kind[:1].lower() + kind[1:] for kind in kinds)
    title = study.title or study.command or "Results"
    return f"{title}: {words}" if words else title


def panels(rows: Sequence[Row]) -> list[Panel]:
    """Sort rows into panels, in the order in which they come."""
    sorted_in: dict[str, list[Row]] = {}
    for row in expanded(rows):
        names = PANELS.get(row.kind, ())
        same = {n: v for n, v in row.spec.items() if n in names or of_task(n)}
        key = json.dumps([row.kind, same], sort_keys=True, default=str)
        sorted_in.setdefault(key, []).append(row)
    return [panel(each) for each in sorted_in.values()]


def expanded(rows: Iterable[Row]) -> Iterator[Row]:
    """Iterate over rows; one whose result is a list of records becomes a row per record.

    What tells the records from one another, the layer for instance, joins the settings.
    """
    for row in rows:
        lists = [v for v in (row.result or {}).values() if isinstance(v, list)]
        records = next((v for v in lists if v and all(isinstance(e, dict) for e in v)), None)
        if records is None:
            yield row
            continue
        for record in records:
            place = {name: record[name] for name in ("episode", "layer") if name in record}
            rest = {name: value for name, value in record.items() if name not in place}
            if "layer" in place:
                place["layer"] += 1  # readers count from one
            yield dataclasses.replace(row, spec={**row.spec, **place}, result=rest)


def panel(rows: Sequence[Row]) -> Panel:
    """Return the panel of rows of one kind, task and network."""
    sorted_in: dict[str, list[Row]] = {}
    settings: dict[str, dict[str, Any]] = {}
    for row in rows:
        flat = flattened({k: v for k, v in row.spec.items() if k not in ("seed", "rule")})
        key = json.dumps([row.spec.get("rule"), flat], sort_keys=True, default=str)
        sorted_in.setdefault(key, []).append(row)
        settings[key] = flat
    every = list(settings.values())
    names = list(dict.fromkeys(name for each in every for name in each))
    varied = tuple(name for name in names if any(e.get(name) != every[0].get(name) for e in every))
    rules = {key: str(found[0].spec.get("rule", "")) for key, found in sorted_in.items()}
    labels = labelled(rules, settings, varied)
    for fewer in plainer(every, varied):
        shorter = labelled(rules, settings, fewer)
        if len(set(shorter.values())) == len(shorter):
            varied, labels = fewer, shorter
            break
    groups = tuple(
        Group(rules[key], labels[key], settings[key], tuple(found))
        for key, found in sorted_in.items()
    )
    first = rows[0]
    common = {name: value for name, value in every[0].items() if name not in varied}
    return Panel(
        first.kind, title_of(first.spec), network_of(first), words_of(first), groups, varied, common
    )


def plainer(
    settings: Sequence[Mapping[str, Any]], varied: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    """Iterate over choices of settings that may tell groups apart as well, the plainest first.

    Digests say nothing to a reader, and settings that some groups lack, and that are the same in
    all others, say little.
    """
    words = tuple(name for name in varied if not name.endswith("sha256"))
    yield tuple(name for name in words if several([s[name] for s in settings if name in s]))
    yield words


def several(values: Sequence[Any]) -> bool:
    """Tell whether there are different values."""
    return any(value != values[0] for value in values)


def labelled(
    rules: Mapping[str, str], settings: Mapping[str, Mapping[str, Any]], varied: Sequence[str]
) -> dict[str, str]:
    """Return a label for each group: its rule, and what tells it from others of the same rule."""
    labels = {}
    for key, rule in rules.items():
        others = [settings[other] for other, name in rules.items() if name == rule]
        differ = [n for n in varied if any(o.get(n) != settings[key].get(n) for o in others)]
        words = [f"{plain(n)} {value_words(settings[key].get(n))}" for n in differ]
        labels[key] = ", ".join([rule, *words] if rule else words) or "all"
    return labels


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings as one level, `task.name` for instance."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat.update(flattened(value, f"{prefix}{name}."))
        else:
            flat[prefix + name] = value
    return flat


def plain(name: str) -> str:
    """Return a setting's name in words.

    >>> plain("learning_rate"), plain("hidden")
    ('learning rate', 'hidden units')
    """
    return NAMES.get(name) or name.replace("_", " ").replace(".", " ")


def value_words(value: Any, most: int = LONGEST_VALUE) -> str:
    """Return a value as a text of at most so many characters.

    >>> value_words([64, 32]), value_words(None), value_words("a long name", 7)
    ('64, 32', 'none', 'a long…')
    """
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        text = ", ".join(value_words(each, most) for each in value)
    elif isinstance(value, str):
        text = value
    else:
        text = json.dumps(value, default=str)
    return text if len(text) <= most else text[: most - 1] + "…"


def of_task(name: str) -> bool:
    """Tell whether a setting is one of the task's."""
    return name.startswith("task") or any(name in task_info(task).settings for task in TASKS)


def title_of(spec: Mapping[str, Any]) -> str:
    """Return the task in words.

    >>> title_of({"task": "multiplexer", "address_bits": 3, "rule": "ste"})
    'Multiplexer, 3 address bits'
    """
    if "environment" in spec:
        return str(spec["environment"])
    name = str(spec.get("task", ""))
    try:
        return task_title(name, **{n: v for n, v in spec.items() if of_task(n) and n != "task"})
    except (KeyError, IndexError, ValueError):  # a setting that another version had
        return name


def network_of(row: Row) -> str:
    """Return the hidden layers in words, empty where they are no part of a panel."""
    sizes = row.spec.get("sizes")
    hidden = sizes[1:-1] if sizes else row.spec.get("hidden")
    if hidden is None or "hidden" not in PANELS.get(row.kind, ()):
        return ""
    return layer_words(hidden)


def words_of(row: Row) -> str:
    """Return what the rows of a panel have in common beside the task, in words."""
    spec, words = row.spec, [network_of(row)]
    sizes = spec.get("sizes")
    if "layer" in spec:
        last = sizes is not None and spec["layer"] == len(sizes) - 1
        words.insert(0, "output layer" if last else f"layer {spec['layer']}")
    if spec.get("units") == "bipolar":
        words.append("units of -1 and +1")
    if spec.get("output") not in (None, "bernoulli"):
        words.append(f"{value_words(spec['output'])} output")
    amount = spec.get("episodes"), spec.get("total_timesteps")
    if row.kind in ("run", "agent"):
        names = ("episodes", "steps")
        words += [f"{n:,} {name}" for n, name in zip(amount, names, strict=True)
                  if isinstance(n, int)]  # fmt: skip
    text = ", ".join(word for word in words if word)
    return text[:1].upper() + text[1:]


def layer_words(hidden: Sequence[int] | int) -> str:
    """Return the hidden layers in words.

    >>> layer_words([64, 32]), layer_words([8, 8, 8])
    ('hidden layers of 64 and 32 units', '3 hidden layers of 8 units')
    """
    sizes = [hidden] if isinstance(hidden, int) else list(hidden)
    if not sizes:
        return "no hidden layer"
    if len(sizes) == 1:
        return f"one hidden layer of {sizes[0]} units"
    if len(set(sizes)) == 1:
        return f"{len(sizes)} hidden layers of {sizes[0]} units"
    return f"hidden layers of {', '.join(map(str, sizes[:-1]))} and {sizes[-1]} units"
