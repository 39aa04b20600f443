"""The page's file: what the store holds, drawn, put into the template."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import uwm
from uwm.checks import file_path
from uwm.experiments.cells import DIVERGED, Row
from uwm.experiments.store import Store
from uwm.files import replace_file
from uwm.report.page.along_axis import axis_plot
from uwm.report.page.answers import answers
from uwm.report.page.drawing import Plot
from uwm.report.page.grids import grid
from uwm.report.page.learning import KINDS, learning_plot
from uwm.report.page.sections import (
    HEADINGS,
    Panel,
    Section,
    flattened,
    plain,
    sections,
    value_words,
)
from uwm.report.page.tables import ABOUT, Column, group_table, known, number_column, result_table

PAGE = "report.html"
OPEN = 4  # panels of a section that are not folded
MOST_NAMED = 20  # failures with one traceback that are named

Record = dict[str, Any]


def write_page(folder: str | os.PathLike[str], out: str | os.PathLike[str] | None = None) -> Path:
    """Write one HTML page of all results in a folder, and return its path.

    The page holds all that it needs: a browser shows it without a network. It has the learning
    curves, with rules and seeds to switch on and off, tables that a click sorts, settings,
    failures with their tracebacks, and which version, instruction set and host made the results.

    out: the page's file, by default `report.html` in the folder. It appears whole or not at all.

    Raises FileNotFoundError for a folder without results, ValueError for one that is damaged or
    empty, OSError if the page cannot be written, and ImportError without Bokeh:
    pip install "uwm[report]".

    >>> import tempfile
    >>> from uwm.experiments.cells import Row
    >>> from uwm.experiments.store import Store
    >>> folder = tempfile.mkdtemp()
    >>> with Store(folder) as store:
    ...     store.add([Row("a1", "run", {"rule": "ste", "seed": 0}, "done", {"mean_reward": 0.5})])
    1
    >>> write_page(folder).name
    'report.html'
    """
    folder = file_path("folder", folder)
    path = folder / PAGE if out is None else file_path("out", out)
    check_bokeh()
    with Store(folder, create=False) as store:
        rows, failures, studies = list(store.rows()), store.failures(), store.studies()
    if not rows and not failures:
        raise ValueError(f"{folder} must hold results, got an empty store")
    replace_file(path, page(folder.resolve().name, rows, failures, studies).encode())
    return path


def check_bokeh() -> None:
    """Raise ImportError that says what to install if Bokeh is missing."""
    if importlib.util.find_spec("bokeh") is None:
        raise ImportError('the page needs Bokeh: pip install "uwm[report]"')


def page(name: str, rows: Sequence[Row], failures: Sequence[Row], studies: Sequence[Any]) -> str:
    """Return the text of the page."""
    from bokeh.resources import Resources
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    here = Path(__file__).parent
    texts = {n: (here / n).read_text("utf-8") for n in ("page.html.jinja", "page.css", "page.js")}
    parts = sections(rows, studies)
    library = Resources(mode="inline", components=["bokeh", "bokeh-widgets", "bokeh-tables"])
    ids = Ids()
    made = [section_record(section, ids) for section in parts]
    contents = [(section["id"], section["title"]) for section in made]
    if failures:
        contents.append(("failures", "Failures"))
    contents.append(("provenance", "Where the results come from"))
    template = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string(texts["page.html.jinja"])
    text: str = template.render(
        heading=heading(name, parts),
        summary=summary(name, rows, failures),
        contents=contents,
        sections=made,
        failures=failure_records(failures),
        provenance=ids.item("table", grid(provenance([*rows, *failures]))),
        version=uwm.__version__,
        written=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        # The library's and the package's own text, no names of a user's.
        library=Markup(library.render()),
        style=Markup(texts["page.css"]),
        script=Markup(texts["page.js"]),
    )
    return text


class Ids:
    """Hands out the ids of plots and tables."""

    def __init__(self) -> None:
        self.count = 0

    def item(self, kind: str, model: Any) -> Record:
        """Return what the template places a model with: kind, id, height, JSON."""
        from bokeh.embed import json_item
        from markupsafe import Markup

        self.count += 1
        text = json.dumps(json_item(model), separators=(",", ":"))
        # Inside <script> only "<" could end the text.
        safe = Markup(text.replace("<", "\\u003c"))
        return {"kind": kind, "id": f"{kind}-{self.count}", "height": model.height, "json": safe}


def heading(name: str, parts: Sequence[Section]) -> str:
    """Return the page's title: task and network where all results share them."""
    panels = [panel for section in parts for panel in section.panels]
    titles = {panel.title for panel in panels if panel.title}
    networks = {panel.network for panel in panels}
    if len(titles) == len(networks) == 1 and (network := networks.pop()):
        return f"{titles.pop()}: {network}"
    return titles.pop() if len(titles) == 1 else f"Results in {name}"


def summary(name: str, rows: Sequence[Row], failures: Sequence[Row]) -> str:
    """Return a line: how many results, of which folder, and how many are missing."""
    words = [f"{counted(len(rows), 'result')} in {name}"]
    diverged = sum(row.status == DIVERGED for row in rows)
    if diverged:
        words.append(f"{diverged:,} of them diverged")
    if failures:
        words.append(f"{len(failures):,} failed")
    return ", ".join(words) + "."


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "result"), counted(2000, "result")
    ('1 result', '2,000 results')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def section_record(section: Section, ids: Ids) -> Record:
    """Return what the template shows of a section."""
    missing = section.wanted - section.there
    ids.count += 1
    folded = len(section.panels) > OPEN
    several = len({panel.kind for panel in section.panels}) > 1
    return {
        "id": f"section-{ids.count}",
        "title": section.title,
        "command": f"uwm {section.command}" if section.command.isidentifier() else section.command,
        "missing": f"{missing:,} of {counted(section.wanted, 'result')} are missing: not computed "
        "yet, or failed." if missing else "",
        "settings": pairs(flattened(section.settings)),
        "panels": [
            panel_record(panel, ids, folded=folded and k >= OPEN, several_kinds=several)
            for k, panel in enumerate(section.panels)
        ],
    }  # fmt: skip


def panel_record(panel: Panel, ids: Ids, *, folded: bool, several_kinds: bool) -> Record:
    """Return what the template shows of a panel."""
    drawn = learning_plot(panel) if panel.kind in KINDS else axis_plot(panel)
    several = any(len(group.rows) > 1 for group in panel.groups)
    note = "± is the standard deviation over seeds. " if several else ""
    heading = HEADINGS.get(panel.kind, panel.kind)
    words = [heading if several_kinds else "", panel.words]
    return {
        "title": panel.title or "Results",
        "words": "".join(f"{word}. " for word in words if word).strip(),
        "folded": folded,
        "answers": answers(panel),
        "plot": plot_record(drawn, ids) if drawn else None,
        "table": ids.item("table", grid(group_table(panel))),
        "table_note": note + "A click on a head sorts.",
        "results": ids.item("table", grid(result_table(panel))),
        "common": pairs(panel.common),
    }


def plot_record(drawn: Plot, ids: Ids) -> Record:
    """Return what the template shows of a plot."""
    return {
        **ids.item("plot", drawn.model),
        "switches": drawn.switches,
        "seeds": drawn.seeds,
        "band": drawn.band,
        "lines": drawn.lines,
        "notes": " ".join(drawn.notes),
    }


def pairs(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return settings as pairs of words."""
    return [(plain(name), value_words(value, sys.maxsize)) for name, value in values.items()]


def failure_records(failures: Sequence[Row]) -> list[Record]:
    """Return the failures, those with one reason and traceback together."""
    alike: dict[tuple[str, str], list[Row]] = {}
    for row in failures:
        alike.setdefault((row.reason, row.traceback), []).append(row)
    return [
        {
            "title": f"{counted(len(rows), 'failure')}: {reason or 'no reason is known'}",
            "which": named(rows),
            "traceback": traceback,
        }
        for (reason, traceback), rows in alike.items()
    ]


def named(rows: Sequence[Row]) -> str:
    """Name the cells of failures by rule and seed."""
    names = [
        " ".join(
            [str(row.spec.get("rule", row.kind))]
            + ([f"seed {row.spec['seed']}"] if "seed" in row.spec else [])
        )
        for row in rows[:MOST_NAMED]
    ]
    more = f", and {len(rows) - MOST_NAMED:,} more" if len(rows) > MOST_NAMED else ""
    return ", ".join(names) + more


def provenance(rows: Sequence[Row]) -> list[Column]:
    """Return a row per version, instruction set, host and number of threads."""
    names = {"version": "uwm", **ABOUT, "threads": "threads"}
    alike: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        key = tuple(str(row.about.get(name, "not known")) for name in names)
        alike.setdefault(key, []).append(row)
    keys, found = list(alike), list(alike.values())
    columns = [Column(head, [key[k] for key in keys]) for k, head in enumerate(names.values())]
    starts = [sorted(str(row.about.get("started", "")) for row in each) for each in found]
    seconds = [sum(known(row.about.get("seconds")) or 0.0 for row in each) for each in found]
    return [
        *columns,
        Column("results", [len(each) for each in found]),
        Column("first started", [each[0].replace("+00:00", "") for each in starts]),
        Column("last started", [each[-1].replace("+00:00", "") for each in starts]),
        number_column("seconds in all", seconds, "{:,.1f}".format),
    ]
