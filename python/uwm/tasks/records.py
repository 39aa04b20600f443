"""CSV text as records: quotes, comments, line numbers, and which character separates the cells."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from uwm.checks import shown
from uwm.tasks.cells import as_number

DELIMITERS = (",", ";", "\t", "|", " ")
NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " "}
SAMPLE = 1000  # lines that the delimiter is guessed from


@dataclass(frozen=True)
class Record:
    """One record: its cells without spaces around them, and the line that it begins in."""

    line: int
    cells: list[str]
    lines: int = 1


@dataclass(frozen=True)
class Records:
    """All records but the empty ones, and the comments: lines that begin with #."""

    delimiter: str
    records: list[Record]
    comments: list[tuple[int, str]]


def delimiter_named(delimiter: str) -> str:
    r"""Return the one character that a user means: itself, or tab, \t, comma, semicolon, space.

    >>> delimiter_named("tab"), delimiter_named(";")
    ('\t', ';')
    """
    found = NAMES.get(delimiter, delimiter) if isinstance(delimiter, str) else ""
    if len(found) != 1 or found in "\"'\r\n#.+-_" or found.isalnum():
        raise ValueError(
            "delimiter must be one character that is no part of a number or name, or tab,"
            f" got {shown(delimiter)}"
        )
    return found


def read_records(text: str, delimiter: str | None = None) -> Records:
    """Return the records of CSV text; a first line such as `sep=;` or else a guess says how.

    Raises ValueError with the line where a quote is not closed or stands wrong.

    >>> read_records("a;b\\n1;2\\n").records[1]
    Record(line=2, cells=['1', '2'], lines=1)
    """
    first = text[:20].splitlines()[0] if text.strip() else ""
    said = re.fullmatch(r'"?sep=(.|\\t)"?\s*', first, re.IGNORECASE)
    if delimiter is not None:
        chosen = delimiter_named(delimiter)
    else:
        chosen = delimiter_named(said.group(1)) if said else guess_delimiter(text)
    lines = Lines(text, skip=1 if said else 0)
    records = list(parse(lines, chosen))
    while records and not any(records[-1].cells):  # a spreadsheet's empty rows below the table
        records.pop()
    while records and not any(records[0].cells):
        records.pop(0)
    return Records(chosen, records, lines.comments)


class Lines:
    """The lines of a text for csv.reader, counted, the comments between two records set aside."""

    def __init__(self, text: str, skip: int = 0) -> None:
        self._lines = io.StringIO(text, newline="")
        self.number = 0
        self.comments: list[tuple[int, str]] = []
        self.first: int | None = None  # line of the record that is being read
        for _ in range(skip):
            next(self)
        self.first = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            self.number += 1
            if self.first is None and line.lstrip().startswith("#"):
                self.comments.append((self.number, line.lstrip()[1:].strip("\r\n")))
                continue
            if self.first is None:
                self.first = self.number
            return line
        raise StopIteration


def parse(lines: Lines, delimiter: str) -> Iterator[Record]:
    """Yield the records that are not empty lines."""
    reader = csv.reader(
        lines, delimiter=delimiter, strict=True, skipinitialspace=delimiter not in " \t"
    )
    while True:
        lines.first = None
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            reason = str(error)
            if "unexpected end of data" in reason:
                reason = "a quote is not closed"
            at = lines.number if lines.first is None else lines.first
            raise ValueError(f"line {at}: not readable as CSV: {reason}") from None
        if delimiter == " ":
            cells = [cell for cell in cells if cell]
        if cells and cells != [""]:
            first = lines.first or lines.number
            yield Record(first, cells, lines.number - first + 1)


def guess_delimiter(text: str) -> str:
    """Return the delimiter that gives the most lines of one width and then the most numbers."""
    if text.count("\n") > SAMPLE or len(text) > 2**20:
        text = "".join(itertools.islice(io.StringIO(text, newline=""), SAMPLE))
    best, best_score = ",", (False, 0.0, 0.0)
    for delimiter in DELIMITERS:
        rows: list[list[str]] = []
        if delimiter not in text:
            continue
        try:
            for record in parse(Lines(text), delimiter):
                rows.append(record.cells)
        except ValueError:
            if not rows:
                continue
        if not rows:
            continue
        width, count = Counter(map(len, rows)).most_common(1)[0]
        if width < 2:
            continue
        cells = [cell for row in rows[1:] or rows for cell in row]
        comma, others = delimiter != ",", set(",;\t|") - {delimiter}
        number = [as_number(cell, decimal_comma=comma) is not None for cell in cells]
        whole = [is_number or not others.intersection(cell)
                 for cell, is_number in zip(cells, number, strict=True)]  # fmt: skip
        # A number counts twice, a name once, and what another delimiter would take apart nothing.
        found = (sum(number) + sum(whole)) / len(cells)
        score = (count >= 0.9 * len(rows), found, count / len(rows))
        if score > best_score:
            best, best_score = delimiter, score
    return best
