"""Which line of a table names the columns, which column is the label, which only counts the rows.

Every guess is checked against whole columns. Where it stays doubtful, a note says what was taken
for what, so that a user who meant something else can say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from uwm.checks import shown, whole_number
from uwm.tasks.cells import is_missing_cell

LABEL_NAMES = ("label", "labels", "class", "target")
INDEX_NAMES = frozenset({"", "#", "index", "id", "idx", "row", "rows", "no", "no.", "nr", "nr.",
                         "number", "rownames", "row_id", "sample_id"})  # fmt: skip
FEW = 4  # rows below which columns prove nothing


@dataclass(frozen=True)
class Column:
    """A column: its cells, and each one's number, None where it is none."""

    cells: list[str]
    numbers: list[float | None]

    def below(self) -> Column:
        """Return the column without its first row."""
        return Column(self.cells[1:], self.numbers[1:])

    @property
    def is_numeric(self) -> bool:
        """Whether more than half of the cells are numbers."""
        return 2 * sum(number is not None for number in self.numbers) > len(self.numbers)

    @property
    def is_whole(self) -> bool:
        """Whether every cell is a whole number."""
        return all(number is not None and number.is_integer() for number in self.numbers)

    @property
    def counts_rows(self) -> bool:
        """Whether the column is 0, 1, 2 ... or goes up by one from another whole number."""
        first = self.numbers[0]
        return len(self.numbers) > 1 and first is not None and first.is_integer() and all(
            number == first + k for k, number in enumerate(self.numbers)
        )  # fmt: skip

    @property
    def kinds(self) -> int:
        """How many different values there are."""
        values = self.numbers if self.is_whole else self.cells
        return len(set(values))

    @property
    def looks_like_classes(self) -> bool:
        """Whether there are at least two values, and on average two examples of each."""
        whole = self.is_whole or not self.is_numeric
        return whole and 2 <= self.kinds <= len(self.cells) // 2


def named(index: int, names: Sequence[str] | None) -> str:
    """Return a column as messages name it.

    >>> named(0, ["width", "label"])
    'column 1 (width)'
    """
    return f"column {index + 1}" + (f" ({names[index]:.40})" if names and names[index] else "")


def has_header(columns: list[Column], label: str | int | None) -> tuple[bool, str | None]:
    """Tell whether the first row names the columns, with a note where that is doubtful."""
    first = [column.cells[0] for column in columns]
    lowered = [cell.lower() for cell in first]
    if "label" in lowered or (isinstance(label, str) and not label.isdigit() and label in first):
        return True, None
    if len(columns[0].cells) == 1:
        return all(column.numbers[0] is None for column in columns), None
    rest = [column.below() for column in columns]
    numeric = [k for k, column in enumerate(rest) if column.is_numeric]
    numbers = [k for k in numeric if columns[k].numbers[0] is not None]
    words = [k for k in numeric if k not in numbers and not is_missing_cell(first[k])]
    if not numeric:
        return all(column.numbers[0] is None for column in columns), None
    if words and all(first[k][0] in "0123456789+-.,$€£%(" for k in words):
        return False, None  # numbers written wrong, which is told by line
    if words and not numbers:
        return True, None
    if words:
        # With more numbers than words it is an example with a mistake in it, which is told by line.
        note = f"line 1 is taken for the names of the columns, though {first[numbers[0]]} is one"
        return (True, note) if len(words) >= len(numbers) else (False, None)
    return numeric_header(first, rest, columns, numbers)


def numeric_header(
    first: list[str], rest: list[Column], columns: list[Column], numbers: list[int]
) -> tuple[bool, str | None]:
    """Tell whether a first row with a number above every column of numbers names the columns."""
    count = [str(k) for k in range(len(first))]
    fractions = any(not rest[k].is_whole for k in numbers)
    if first == ["", *count[:-1]] and len(first) > 2:
        return True, None  # a pandas frame without names of its own
    if first == count and len(first) > 2:
        taken = "the names of the columns" if fractions else "an example"
        return fractions, f"line 1 ({','.join(first)[:40]}) is taken for {taken}"
    text = [k for k in range(len(first)) if not rest[k].is_numeric]
    if len(text) != 1 or len(rest[0].cells) < FEW:
        return False, None
    word, others = first[text[0]], rest[text[0]].cells
    if is_missing_cell(word) or word in others or 2 * len(set(others)) > len(others):
        return False, None
    if numbers and all(names_column(columns[k], rest[k]) for k in numbers):
        return True, f"line 1 is taken for the names of the columns: {word!r:.40} is no class below"
    return False, f"line 1 is taken for an example, though {word!r:.40} is the class of no other"


def names_column(column: Column, rest: Column) -> bool:
    """Tell whether a number in the first row may be a name: whole, and unlike those below it."""
    name = column.numbers[0]
    values = [number for number in rest.numbers if number is not None]
    apart = name is not None and not min(values) <= name <= max(values)
    return column.cells[0].isdigit() and (apart or not rest.is_whole)


def find_label(
    columns: list[Column], names: list[str] | None, label: str | int | None
) -> tuple[int, str | None]:
    """Return the position of the label's column, with a note where it is a guess.

    Raises ValueError if `label` is no column, or two columns have the label's name.
    """
    if label is not None:
        return asked_label(len(columns), names, label), None
    last = len(columns) - 1
    lowered = [name.lower() for name in names or []]
    for name in LABEL_NAMES:
        found = [k for k, each in enumerate(lowered) if each == name]
        if len(found) > 1:
            raise ValueError(f"two columns are named {name}: {found[0] + 1} and {found[1] + 1}")
        if found:
            unsure = name != "label" and found[0] != last
            return found[0], taken(found[0], names, columns) if unsure else None
    text = [k for k, column in enumerate(columns) if not column.is_numeric]
    if len(text) == 1:
        why = "the only column of names"
        return text[0], None if text[0] == last else taken(text[0], names, columns, why)
    if last in text:
        return last, None
    first_fits, last_fits = columns[0].looks_like_classes, columns[last].looks_like_classes
    if first_fits and not last_fits and 0 not in text:
        values = f"{named(last, names)} has {columns[last].kinds} different values"
        return 0, taken(0, names, columns, f"{values} in {len(columns[last].cells)} examples")
    if first_fits and last_fits and coded(columns[0]) and not coded(columns[last]):
        return last, taken(last, names, columns, f"{named(0, names)} might be it as well")
    return last, None


def asked_label(width: int, names: list[str] | None, label: str | int) -> int:
    """Return the position of the column that the user names, or numbers from 1."""
    if isinstance(label, str):
        for same in (label.strip(), label.strip().lower()):
            found = [k for k, name in enumerate(names or []) if same in (name, name.lower())]
            if len(found) == 1:
                return found[0]
            if len(found) > 1:
                numbers = " and ".join(str(k + 1) for k in found)
                raise ValueError(
                    f"label must be a number, got {shown(label)}: columns {numbers} are named so"
                )
        if not (label.isascii() and label.strip().isdigit() and len(label) < 10):
            has = f"the columns {', '.join(names[:10])}" if names else "no line of names"
            raise ValueError(
                f"label must name a column, got {shown(label)}: the file has {has:.300}"
            )
        label = int(label)
    try:
        return whole_number("label", label, 1, width) - 1
    except TypeError:
        raise ValueError(
            f"label must be a column's name or its number, got {shown(label)}"
        ) from None


def taken(index: int, names: list[str] | None, columns: list[Column], why: str = "") -> str:
    """Return the note that says which column is the label."""
    classes = f"{columns[index].kinds} classes of {len(columns[index].cells)} examples"
    reason = f" ({why})" if why else ""
    return f"{named(index, names)} is taken for the label, {classes}{reason}"


def coded(column: Column) -> bool:
    """Tell whether the values are 0, 1, 2 ... or 1, 2, 3 ... without a gap."""
    values = {number for number in column.numbers if number is not None}
    return column.is_whole and min(values) in (0, 1) and max(values) - min(values) == (
        len(values) - 1
    )  # fmt: skip


def find_index(
    columns: list[Column], names: list[str] | None, label: int
) -> tuple[int | None, list[str]]:
    """Return the column that only names or counts the rows, None if there is none, with notes.

    pandas and R write one, without a name. As an input it would give the label of sorted rows away.
    """
    first = names[0].lower() if names else None
    counts = columns[0].counts_rows
    if label != 0 and len(columns) > 2 and first is not None:
        unnamed = first == "" or first.startswith("unnamed:")
        if unnamed or (first in INDEX_NAMES and counts):
            what = "the row's number" if counts else "the row's name"
            return 0, [f"{named(0, names)} is taken for {what} and is no input"]
    notes = [
        f"{named(k, names)} counts the rows and is taken for an input"
        for k, column in enumerate(columns)
        if k != label and column.counts_rows and len(column.cells) >= 10
    ]
    return None, notes
