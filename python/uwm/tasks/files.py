"""A user's own labelled data, from a CSV or an NPZ file."""

from __future__ import annotations

import csv
import math
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uwm.tasks.classification import (
    Classification,
    held_out,
    input_matrix,
    label_vector,
    listed,
)

Examples = tuple[NDArray[np.float64], NDArray[Any]]


def from_file(
    path: str | os.PathLike[str], *, test_fraction: float = 0.2, standardize: bool = True
) -> Classification:
    """Return the labelled examples of a CSV or NPZ file as a bandit.

    CSV: one example a line, cells separated by comma, semicolon or tab, with or without a header
    line. The label is the column named `label`, else the last one; it is an integer or a name. All
    other cells are numbers.

    NPZ: arrays `inputs` (n, n_inputs) and `labels` (n,); `test_inputs` and `test_labels` if it has
    its own held-out examples.

    Without held-out examples of its own, `test_fraction` of each class is held out, always the same
    ones. With `standardize` each input gets mean 0 and standard deviation 1 over the training
    examples.

    Raises OSError if the file cannot be read, ValueError if its content is not as described; the
    message names the file, and the line of a CSV.

    >>> import os, tempfile, uwm
    >>> path = os.path.join(tempfile.mkdtemp(), "fruit.csv")
    >>> with open(path, "w") as file:
    ...     _ = file.write("width,height,label\\n" + "1,2,apple\\n1,9,banana\\n" * 5)
    >>> task = uwm.tasks.from_file(path)
    >>> task.class_names, len(task.train_labels), len(task.test_labels)
    (('apple', 'banana'), 8, 2)
    """
    path = Path(path)
    readers = {".csv": read_csv, ".npz": read_npz}
    if path.suffix.lower() not in readers:
        raise ValueError(f"{path}: expected a .csv or .npz file")
    try:
        train, test = readers[path.suffix.lower()](path)
        inputs = input_matrix(train[0], "inputs")
        labels = label_vector(train[1], "labels", len(inputs))
        if test is None:
            held = held_out(labels, test_fraction)
            test = inputs[held], labels[held]
            inputs, labels = inputs[~held], labels[~held]
        test_inputs = input_matrix(test[0], "test_inputs", inputs.shape[1])
        if standardize and len(inputs):
            mean, deviation = inputs.mean(axis=0), inputs.std(axis=0)
            varies = deviation > 1e-12 * np.abs(mean)  # a constant column tells nothing: all 0
            scale = np.where(varies, 1 / np.where(varies, deviation, 1), 0)
            inputs, test_inputs = (inputs - mean) * scale, (test_inputs - mean) * scale
        return Classification(inputs, labels, test_inputs, test[1], name=path.name)
    except ValueError as error:
        message = str(error)
        raise ValueError(message if str(path) in message else f"{path}: {message}") from None


def read_npz(path: Path) -> tuple[Examples, Examples | None]:
    """Return the training and, if there are any, the test examples of an NPZ file."""
    try:
        archive = np.load(path, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise ValueError("it holds one array without a name")
        with archive:
            arrays = {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, EOFError, ValueError) as error:
        raise ValueError(f"not a readable NPZ file of plain arrays: {error}") from None
    missing = {"inputs", "labels"} - arrays.keys()
    if missing:
        found = listed(sorted(arrays)) or "none"
        raise ValueError(f"expected an array named {' and '.join(sorted(missing))}, found {found}")
    tests = {"test_inputs", "test_labels"} & arrays.keys()
    if len(tests) == 1:
        raise ValueError(f"found {tests.pop()} alone, expected both test_inputs and test_labels")
    train = arrays["inputs"], arrays["labels"]
    return train, (arrays["test_inputs"], arrays["test_labels"]) if tests else None


def read_csv(path: Path) -> tuple[Examples, None]:
    """Return the examples of a CSV file."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            separator = max(",;\t", key=first.count)
            reader = csv.reader(file, delimiter=separator, skipinitialspace=True)
            lines = [
                (reader.line_num, [cell.strip() for cell in cells])
                for cells in reader
                if any(cell.strip() for cell in cells)
            ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"not a readable CSV text file: {error}") from None
    if not lines:
        raise ValueError("the file is empty")
    width = len(lines[0][1])
    if width < 2:
        raise ValueError(f"line {lines[0][0]}: expected inputs and a label, got one cell")
    header = lines[0][1] if is_header(lines[0][1]) else None
    if header is not None:
        lines = lines[1:]
    lowered = [name.lower() for name in header or []]
    label_column = lowered.index("label") if "label" in lowered else width - 1
    if not lines:
        raise ValueError("the file has a header and no examples")

    inputs: list[list[float]] = []
    labels: list[str] = []
    for number, cells in lines:
        if len(cells) != width:
            raise ValueError(f"line {number}: expected {width} cells, got {len(cells)}")
        row = []
        for column, cell in enumerate(cells):
            if column == label_column:
                continue
            value = as_number(cell)
            if value is None or not math.isfinite(value):
                where = f"column {column + 1}" + (f" ({header[column]})" if header else "")
                problem = "is not a number" if value is None else "is not a finite number"
                raise ValueError(f"line {number}, {where}: {cell!r} {problem}")
            row.append(value)
        if not cells[label_column]:
            raise ValueError(f"line {number}: the label is missing")
        inputs.append(row)
        labels.append(cells[label_column])
    return (np.array(inputs), as_labels(labels, [number for number, _ in lines])), None


def is_header(cells: list[str]) -> bool:
    """Tell whether the first line names the columns: one is `label`, or no input is a number."""
    named = any(cell.lower() == "label" for cell in cells)
    return named or all(as_number(cell) is None for cell in cells[:-1])


def as_number(cell: str) -> float | None:
    """Return a cell's number, None if it is not one."""
    try:
        return float(cell)
    except ValueError:
        return None


def as_labels(cells: list[str], lines: list[int]) -> NDArray[Any]:
    """Return labels as integers if every one is a number, else as names."""
    numbers = [as_number(cell) for cell in cells]
    if any(number is None for number in numbers):
        return np.array(cells)
    for number, cell, line in zip(numbers, cells, lines, strict=True):
        if number is None or not number.is_integer() or abs(number) > 2**53:
            raise ValueError(f"line {line}: expected an integer or a name as label, got {cell}")
    return np.array([int(number) for number in numbers if number is not None])
