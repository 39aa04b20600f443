"""A user's own labelled data, from a table of text or an NPZ file."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from uwm.checks import file_path, shown
from uwm.tasks.classification import Classification, held_out, input_matrix
from uwm.tasks.csv_file import read_csv
from uwm.tasks.labels import label_vector
from uwm.tasks.npz_file import read_arrays
from uwm.tasks.standardized import standardized
from uwm.tasks.text_file import MOST_BYTES, read_text

STANDARD_INPUT = "-"
TEXT = (".csv", ".tsv", ".txt", ".dat", ".data")
EXPECTED = "a .csv or .npz file (.tsv, .txt, .dat and .data, also with .gz, are read as .csv is)"


class LayoutWarning(UserWarning):
    """A guess about the layout of a file is doubtful; the message says what was taken for what."""


def from_file(
    path: str | os.PathLike[str],
    *,
    label: str | int | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    test_fraction: float = 0.2,
    standardize: bool = True,
) -> Classification:
    """Return the labelled examples of a CSV or NPZ file as a bandit.

    CSV (.csv, .tsv, .txt, .dat, .data, each also with .gz; `-` is standard input): one example a
    line, one column of labels, which are integers or names; all other cells are numbers. What the
    file does not say is guessed from whole columns, and `LayoutWarning` tells of a doubtful guess:

    - delimiter: comma, semicolon, tab, |, spaces; or a first line `sep=;`.
    - header: whether the first line names the columns. A comment above the table may do so, too.
    - label: the column's name, or its number from 1. By default the column named `label`, else the
      only column of names, else the last, or the first if only that one looks like classes.

    NPZ: arrays `inputs` (n, n_inputs) and `labels` (n,); `test_inputs` and `test_labels` if it has
    its own held-out examples. Nothing else is read of it.

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
    path = str(file_path("path", path))
    name = "standard input" if path == STANDARD_INPUT else Path(path).name
    if not is_file_name(path):
        raise ValueError(f"{path} must be {EXPECTED}")
    layout = {"label": label, "delimiter": delimiter, "header": header}
    with named(path), opened(path) as file:
        sha256 = digest(file)
        npz = path.lower().endswith((".npz", ".npy"))
        inputs, labels, tests, notes = read_examples(file, npz=npz, **layout)
        task = classification(
            (inputs, labels), tests, test_fraction, standardize, name=name, sha256=sha256
        )
    if notes:
        how = "label, delimiter and header decide (--label, --delimiter, --no-header)"
        warnings.warn(f"{path}: {'; '.join(notes)}; {how}", LayoutWarning, stacklevel=2)
    return task


@contextmanager
def named(path: str) -> Iterator[None]:
    """Put the file's name into the errors of what is done with it."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or path
        raise
    except MemoryError:
        raise ValueError(f"{path}: not enough memory for what it holds") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def is_file_name(name: str) -> bool:
    """Tell whether a name is one of a file of examples, by its ending, or of standard input.

    >>> is_file_name("a.csv.gz"), is_file_name("-"), is_file_name("digits")
    (True, True, False)
    """
    lowered = name.lower()
    return name == STANDARD_INPUT or lowered.endswith((".npz", ".npy")) or (
        lowered.removesuffix(".gz").endswith(TEXT)
    )  # fmt: skip


def opened(path: str) -> io.BufferedReader:
    """Return the file, open to be read; standard input or a pipe is read to its end at once."""
    if path == STANDARD_INPUT:
        return io.BufferedReader(io.BytesIO(sys.stdin.buffer.read(MOST_BYTES + 1)))
    file = open(path, "rb")  # noqa: SIM115
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    with file:
        return io.BufferedReader(io.BytesIO(file.read(MOST_BYTES + 1)))


def digest(file: io.BufferedReader) -> str:
    """Return a digest of the file's bytes, from its beginning, where it is then again."""
    found = hashlib.sha256()
    while block := file.read(2**20):
        found.update(block)
    file.seek(0)
    return found.hexdigest()


def read_examples(
    file: io.BufferedReader, *, npz: bool, **layout: Any
) -> tuple[Any, Any, tuple[Any, Any] | None, list[str]]:
    """Return inputs, labels, test inputs and labels if there are any, and notes on guesses.

    The first bytes tell an NPZ file, too, for standard input has no name.
    """
    if not npz and not file.peek(6).startswith((b"PK\3\4", b"\x93NUMPY")):
        inputs, labels, notes = read_csv(read_text(file), **layout)
        return inputs, labels, None, notes
    for option, value in layout.items():
        if value is not None:
            raise ValueError(f"{option} must be None for an NPZ file, got {shown(value)}")
    arrays = read_arrays(file, ("inputs", "labels"), ("test_inputs", "test_labels"))
    tests = [each for each in ("test_inputs", "test_labels") if each in arrays]
    if len(tests) == 1:
        raise ValueError(
            f"it must hold both test_inputs and test_labels or none, got {tests[0]} alone"
        )
    held = (arrays["test_inputs"], arrays["test_labels"]) if tests else None
    return arrays["inputs"], arrays["labels"], held, []


def classification(
    train: tuple[Any, Any],
    tests: tuple[Any, Any] | None,
    test_fraction: float,
    standardize: bool,
    **more: Any,
) -> Classification:
    """Return the examples as a task, some of them held out if there are no tests."""
    inputs = input_matrix(train[0], "inputs")
    labels = label_vector(train[1], "labels", len(inputs))
    held = held_out(labels, test_fraction)  # refuses a wrong fraction, used or not
    if tests is None:
        tests = inputs[held], labels[held]
        inputs, labels = inputs[~held], labels[~held]
    test_inputs = input_matrix(tests[0], "test_inputs", inputs.shape[1])
    if standardize and len(inputs):
        inputs, test_inputs = standardized(inputs, test_inputs)
    return Classification(inputs, labels, test_inputs, tests[1], **more)
