"""Tables that a click sorts, as Bokeh models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from uwm.report.page.tables import Column

ROW = 30  # pixels
MOST_ROWS = 14  # that are seen at once
LETTER, BESIDE, WIDEST = 8, 20, 420  # pixels: of a letter, beside a text, of a column

#: The page's colours reach into the table: they are variables of its style sheet.
STYLE = """
.slick-header, .slick-header-columns, .slick-header-column.ui-state-default {
  background: var(--raised); color: var(--ink); font: 600 13px/1.4 var(--font);
  border-color: var(--line); }
.slick-header-column.ui-state-default { padding: 4px 8px; }
.slick-header-column.slick-header-sortable { cursor: pointer; }
.slick-row, .slick-row.odd, .slick-row.even, .slick-viewport, .grid-canvas {
  background: var(--page); color: var(--ink); }
.slick-row:hover .slick-cell { background: var(--raised); }
.slick-cell, .slick-cell.selected { font: 13px/1.5 var(--font); border: none;
  border-bottom: 1px solid var(--line); padding: 4px 8px; background: inherit; }
.slick-cell.active { border-color: var(--line); outline: 2px solid var(--link); }
"""


def grid(columns: Sequence[Column]) -> Any:
    """Return a table with these columns. All text is escaped."""
    from bokeh.models import (
        ColumnDataSource,
        DataTable,
        HTMLTemplateFormatter,
        InlineStyleSheet,
        TableColumn,
    )

    data: dict[str, Sequence[Any]] = {}
    made = []
    for k, column in enumerate(columns):
        field, text = f"v{k}", f"t{k}"
        texts = [str(v) for v in column.values] if column.texts is None else column.texts
        data[field] = column.values
        if column.texts is not None:  # what is missing stands below all numbers
            data[field] = [-math.inf if value is None else value for value in column.values]
            data[text] = texts
        # `<%- … %>` escapes what it shows.
        shown = f"<%- {field if column.texts is None else text} %>"
        longest = max([len(column.head) + 2, *(len(each) for each in texts)])
        width = min(LETTER * longest + BESIDE, WIDEST)
        formatter = HTMLTemplateFormatter(template=shown)
        made.append(TableColumn(field=field, title=column.head, width=width, formatter=formatter))
    rows = len(columns[0].values)
    return DataTable(
        source=ColumnDataSource(data), columns=made, index_position=None, row_height=ROW,
        height=ROW * min(rows, MOST_ROWS) + 44, sizing_mode="stretch_width", margin=0,
        max_width=sum(each.width for each in made) + 20,
        autosize_mode="none", selectable=False, reorderable=False,
        stylesheets=[InlineStyleSheet(css=STYLE)],
    )  # fmt: skip
