"""Labelled examples out of CSV text."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uwm.tasks.cells import COMMA_NUMBER, as_number, is_missing_cell, why_no_input
from uwm.tasks.layout import Column, find_index, find_label, has_header, named, taken
from uwm.tasks.records import Record, Records, read_records

MANY = 10  # examples or different values below which nothing is said of how many classes there are


@dataclass
class Table:
    """A table of one width, and notes on what was guessed."""

    lines: list[int]
    columns: list[Column]
    names: list[str] | None = None
    notes: list[str] = field(default_factory=list)

    def where(self, row: int, column: int) -> str:
        """Return a cell's place as messages name it."""
        return f"line {self.lines[row]}, {named(column, self.names)}"


def read_csv(
    text: str,
    *,
    label: str | int | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
) -> tuple[NDArray[np.float64], NDArray[Any], list[str]]:
    """Return inputs (n, n_inputs), labels (n,) and notes on doubtful guesses of a CSV text.

    label: name of the label's column, or its number from 1. header: whether the first line names
    the columns. What is None is guessed.
    Raises ValueError, with the line and the column where there is one.

    >>> inputs, labels, notes = read_csv("1.5,cat\\n2.5,dog\\n1.0,cat\\n")
    >>> inputs.shape, labels.tolist(), notes
    ((3, 1), ['cat', 'dog', 'cat'], [])
    """
    table = as_table(read_records(text, delimiter), header, label)
    chosen, note = find_label(table.columns, table.names, label)
    table.notes += [note] if note else []
    index, notes = find_index(table.columns, table.names, chosen)
    table.notes += notes
    wanted = [k for k in range(len(table.columns)) if k not in (chosen, index)]
    check_inputs(table, wanted)
    labels = label_column(table, chosen)
    if note is None and len(labels) >= MANY and 2 * len(set(labels.tolist())) > len(labels):
        table.notes.append(taken(chosen, table.names, table.columns))
    inputs = np.array([table.columns[k].numbers for k in wanted], dtype=np.float64).T
    return np.ascontiguousarray(inputs), labels, table.notes


def as_table(parsed: Records, header: bool | None, label: str | int | None) -> Table:
    """Return the records as columns of one length, the names of the columns apart."""
    records, notes = list(parsed.records), []
    if not records:
        raise ValueError("the file is empty")
    if trailing_delimiter(records):
        if not records[0].cells[-1] and header is not True and any(map(number_in, records[:1])):
            notes.append("every line ends in a delimiter, the empty last column is left out")
        width = len(records[-1].cells) - 1
        records = [Record(r.line, r.cells[:width], r.lines) for r in records]
    width = len(records[0].cells)
    if width < 2:
        raise ValueError(f"line {records[0].line} must hold inputs and a label, got one cell")
    for record in records:
        if len(record.cells) != width:
            raise ValueError(f"line {record.line} must have {width} cells, got {len(record.cells)}")
    comma, note = has_decimal_comma(records, parsed.delimiter)
    notes += [note] if note else []
    columns = [
        Column(list(cells), [as_number(cell, decimal_comma=comma) for cell in cells])
        for cells in zip(*(record.cells for record in records), strict=True)
    ]
    table = Table([record.line for record in records], columns, None, notes)
    take_names(table, parsed, header, label)
    for record in records[len(records) - len(table.lines) :]:
        if record.lines > 1:
            raise ValueError(
                f"line {record.line}: a quoted cell goes on over {record.lines} lines,"
                " perhaps a quote is not closed"
            )
    return table


def take_names(table: Table, parsed: Records, header: bool | None, label: str | int | None) -> None:
    """Take the names of the columns out of the first row, or out of a comment above it."""
    above = comment_names(parsed, table, label) if header is not False else None
    if header is None and above is None:
        found, note = has_header(table.columns, label)
        table.notes += [note.replace("line 1", f"line {table.lines[0]}", 1)] if note else []
    else:
        found = header is True and above is None
    late = [line for line, _ in parsed.comments if line > table.lines[0]]
    if late:
        count = f"{len(late)} lines that begin" if len(late) > 1 else f"line {late[0]} begins"
        table.notes.append(f"{count} with # {'are' if len(late) > 1 else 'and is'} left out")
    if found:
        table.names = [column.cells[0] for column in table.columns]
        table.columns = [column.below() for column in table.columns]
        del table.lines[0]
    elif above is not None:
        table.names = above
    if not table.lines:
        raise ValueError("the file has a header and no examples")
    check_names(table, label)


def comment_names(parsed: Records, table: Table, label: str | int | None) -> list[str] | None:
    """Return the names in the last comment above the table, as np.savetxt writes them."""
    above = [text for line, text in parsed.comments if line < table.lines[0]]
    if not above:
        return None
    try:
        records = read_records(above[-1], parsed.delimiter).records
    except ValueError:
        return None
    names = records[0].cells if len(records) == 1 else []
    if len(names) != len(table.columns):
        return None
    words = all(as_number(name) is None for name in names)
    asked = isinstance(label, str) and label in names
    if not (words or asked or "label" in [name.lower() for name in names]):
        return None
    return [names[0] or "#", *names[1:]]


def check_names(table: Table, label: str | int | None) -> None:
    """Note names that two columns have; those of the label are refused where it is looked for."""
    names = [name for name in table.names or [] if name]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice and label != twice[0]:
        table.notes.append(f"two columns are named {twice[0]:.40}")


def number_in(record: Record) -> bool:
    """Tell whether a record holds a number."""
    return any(as_number(cell) is not None for cell in record.cells)


def trailing_delimiter(records: list[Record]) -> bool:
    """Tell whether every line but perhaps the first ends in a delimiter after its last cell."""
    first, rest = records[0].cells, records[1:]
    if not rest or len({len(record.cells) for record in rest}) != 1:
        return False
    width = len(rest[0].cells)
    empty = all(not record.cells[-1] for record in rest)
    return empty and (len(first) == width - 1 or (len(first) == width and not first[-1]))


def has_decimal_comma(records: list[Record], delimiter: str) -> tuple[bool, str | None]:
    """Tell whether 1,5 is a number here: some cells are written so and none with a point."""
    if delimiter == ",":
        return False, None
    found = None
    doubtful = True
    for record in records:
        for cell in record.cells:
            if "." in cell and as_number(cell) is not None:
                return False, None
            if "," in cell and COMMA_NUMBER.fullmatch(cell):
                found = found or cell
                doubtful = doubtful and len(cell.partition(",")[2]) == 3
    if found is None:
        return False, None
    return True, f"{found} is taken for {found.replace(',', '.')}" if doubtful else None


def check_inputs(table: Table, wanted: list[int]) -> None:
    """Raise ValueError for the first cell, by line and column, that is no finite number."""
    wrong = [
        (row, k)
        for k in wanted
        for row, number in enumerate(table.columns[k].numbers)
        if number is None or not abs(number) <= 2**53
    ]
    for row, k in sorted(wrong):
        reason = why_no_input(table.columns[k].cells[row], table.columns[k].numbers[row])
        if reason is not None:
            hint = "" if row or table.names else " (does the line name the columns? say header)"
            raise ValueError(f"{table.where(row, k)}: {reason}{hint}")


def label_column(table: Table, chosen: int) -> NDArray[Any]:
    """Return the labels, as integers if every one is a number, else as names."""
    cells, numbers = table.columns[chosen].cells, table.columns[chosen].numbers
    for line, cell in zip(table.lines, cells, strict=True):
        if not cell:
            raise ValueError(f"line {line}: the label is missing ({named(chosen, table.names)})")
    if all(number is None for number in numbers):
        return names_of(table, cells)
    missing = [k for k, cell in enumerate(cells) if is_missing_cell(cell)]
    others = [k for k, n in enumerate(numbers) if n is None and not is_missing_cell(cells[k])]
    if missing and not others:
        raise ValueError(
            f"{table.where(missing[0], chosen)}: the label is missing ({cells[missing[0]]!r})"
        )
    if others:
        number = next(k for k, n in enumerate(numbers) if n is not None)
        table.notes.append(
            f"labels are taken for names, since {cells[others[0]]!r:.40} in line"
            f" {table.lines[others[0]]} is no number as {cells[number]!r:.40} in line"
            f" {table.lines[number]} is"
        )
        return names_of(table, cells)
    return integer_labels(table, chosen)


def names_of(table: Table, cells: list[str]) -> NDArray[Any]:
    """Return names as labels, with a note where one might stand for a missing value."""
    counts = Counter(cells)
    for name in sorted(counts):
        if is_missing_cell(name):
            table.notes.append(f"the label {name!r} is taken for a class ({counts[name]} examples)")
    return np.array(cells, dtype=object)


def integer_labels(table: Table, chosen: int) -> NDArray[np.int64]:
    """Return labels that are all numbers as integers."""
    column = table.columns[chosen]
    for line, cell, number in zip(table.lines, column.cells, column.numbers, strict=True):
        if number is None or not number.is_integer() or abs(number) > 2**53:
            reals = len(set(column.numbers))
            why = (
                f": {named(chosen, table.names)} holds {reals} different numbers, as the targets of"
                " a regression do, which is no classification"
            )
            raise ValueError(
                f"line {line}: the label must be an integer or a name, got {cell:.40}"
                f"{why if reals > MANY else ''}"
            )
    return np.array([int(number) for number in column.numbers if number is not None])
