"""Files of examples as people have them: read as meant, told where doubtful, or refused."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from uwm.experiments import Settings, compare
from uwm.experiments.settings_file import read_settings
from uwm.tasks import Classification, LayoutWarning, from_file
from uwm.tasks.npz_file import read_arrays

ROWS = "".join(f"{7 * i % 5},{i % 3}.5,{'cat' if i % 2 else 'dog'}\n" for i in range(20))
NUMBERED = "".join(f"{i},{i % 3},{i * 0.1:.1f},{i // 10}\n" for i in range(20))
# The class first, as in the wine data; the last column has 121 values.
WINE = "".join(f"{1 + i // 60},{i * 0.37:.2f},{i % 7},{3 * i % 121 + 200}\n" for i in range(178))


def read(
    folder: Path, content: str | bytes, name: str = "a.csv", **options: Any
) -> tuple[Classification, str]:
    """The task of a file that holds `content`, and what was said about it."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        task = from_file(path, **{"test_fraction": 0, "standardize": False, **options})
    assert len(caught) <= 1
    assert all(issubclass(each.category, LayoutWarning) for each in caught)
    return task, "".join(str(each.message) for each in caught)


def refused(folder: Path, content: str | bytes, name: str = "a.csv", **options: Any) -> str:
    """What is said about a file that is refused; its path is taken off."""
    with pytest.raises(ValueError) as raised:
        read(folder, content, name, **options)
    start, _, message = str(raised.value).partition(": ")
    assert start == str(folder / name)
    return message


READ_IN_SILENCE: dict[str, tuple[str | bytes, str]] = {
    "plain": (ROWS, "a.csv"),
    "with a header": ("x,y,label\n" + ROWS, "a.csv"),
    "with a header of other names": ("width,height,kind\n" + ROWS, "a.csv"),
    "savetxt's header": ("# a,b,label\n" + ROWS, "a.csv"),
    "two comments": ("# made today\n# a,b,kind\n" + ROWS, "a.csv"),
    "tabs": (ROWS.replace(",", "\t"), "a.tsv"),
    "semicolons": (ROWS.replace(",", ";"), "a.csv"),
    "pipes": (ROWS.replace(",", "|"), "a.txt"),
    "spaces": (ROWS.replace(",", "   "), "a.dat"),
    "gzip": (gzip.compress(ROWS.encode()), "a.csv.gz"),
    "gzip by another name": (gzip.compress(ROWS.encode()), "a.csv"),
    "tsv.gz": (gzip.compress(ROWS.replace(",", "\t").encode()), "A.TSV.GZ"),
    "a sep= line": ("sep=;\n" + ROWS.replace(",", ";"), "a.csv"),
    "a quoted sep= line": ('"sep=;"\r\n' + ROWS.replace(",", ";"), "a.csv"),
    "decimal comma": (ROWS.replace(",", ";").replace(".", ","), "a.csv"),
    "decimal comma and tabs": (ROWS.replace(",", "\t").replace(".", ","), "a.tsv"),
    "UTF-8 with a byte order mark": (ROWS.encode("utf-8-sig"), "a.csv"),
    "UTF-16": (ROWS.encode("utf-16"), "a.csv"),
    "UTF-16 big-endian": (b"\xfe\xff" + ROWS.encode("utf-16-be"), "a.csv"),
    "UTF-32": (ROWS.encode("utf-32"), "a.csv"),
    "Windows' line ends": (ROWS.replace("\n", "\r\n"), "a.csv"),
    "old Macs' line ends": (ROWS.replace("\n", "\r"), "a.csv"),
    "no line end at the end": (ROWS[:-1], "a.csv"),
    "blank lines": ("\n \n" + ROWS.replace("\n", "\n\n"), "a.csv"),
    "empty rows of a spreadsheet": (",,\n" + ROWS + ",,\n,,\n", "a.csv"),
    "trailing delimiters": ("x,y,label\n" + ROWS.replace("\n", ",\n"), "a.csv"),
    "trailing delimiters everywhere": ("x,y,label,\n" + ROWS.replace("\n", ",\n"), "a.csv"),
    "quoted cells": (ROWS.replace("0.5", '"0.5"').replace("cat", '"cat"'), "a.csv"),
    "spaces around cells": (ROWS.replace(",", " , "), "a.csv"),
    "labels with spaces around": (ROWS.replace("cat", '" cat "', 3), "a.csv"),
    "one name in many lines": ('"x\nin cm",y,label\n' + ROWS, "a.csv"),
    "exponents": (ROWS.replace("0.5", "5e-1").replace("1.5", "+1.5E0"), "a.csv"),
}


@pytest.mark.parametrize("form", READ_IN_SILENCE)
def test_every_usual_form_of_a_table_is_read_as_the_same_examples(
    tmp_path: Path, form: str
) -> None:
    content, name = READ_IN_SILENCE[form]
    task, said = read(tmp_path, content, name)
    expected, _ = read(tmp_path, ROWS)
    np.testing.assert_array_equal(task.train_inputs, expected.train_inputs)
    np.testing.assert_array_equal(task.train_labels, expected.train_labels)
    assert task.class_names == ("cat", "dog")
    assert said == ""


def test_an_unclosed_quote_swallows_nothing(tmp_path: Path) -> None:
    message = refused(tmp_path, ROWS.replace("cat", '"cat', 1))
    assert message == "line 2: not readable as CSV: a quote is not closed"
    twice = ROWS.replace("dog\n", 'dog"\n').replace("cat", '"cat', 1)
    assert "line 2: " in refused(tmp_path, twice)
    pair = ROWS.replace("cat\n", '"cat\n', 1).replace("dog\n4", 'dog"\n4', 1)
    assert refused(tmp_path, pair).startswith("line 2: ")


def test_names_that_are_numbers_are_no_example(tmp_path: Path) -> None:
    task, said = read(tmp_path, "2020,2021,kind\n" + ROWS)
    assert len(task.train_labels) == 20
    assert task.class_names == ("cat", "dog")
    assert "line 1 is taken for the names of the columns: 'kind' is no class below" in said
    assert "--no-header" in said
    task, said = read(tmp_path, "2020,2021,kind\n" + ROWS, header=False)
    assert len(task.train_labels) == 21
    task, said = read(tmp_path, "2020,2021,kind\n" + ROWS, header=True)
    assert (len(task.train_labels), said) == (20, "")
    task, said = read(tmp_path, "0,1,2\n" + ROWS)  # a pandas frame without names
    assert len(task.train_labels) == 20
    assert "line 1 (0,1,2) is taken for the names" in said


def test_a_first_example_of_a_rare_class_stays_an_example(tmp_path: Path) -> None:
    task, said = read(tmp_path, "1,0.5,cow\n" + ROWS)
    assert len(task.train_labels) == 21
    assert "line 1 is taken for an example, though 'cow' is the class of no other" in said


def test_the_header_of_savetxt_names_the_label(tmp_path: Path) -> None:
    table = np.column_stack([np.arange(20) % 2, np.arange(20) * 0.37, np.arange(20) ** 2])
    np.savetxt(tmp_path / "saved.csv", table, delimiter=",", header="label,a,b")
    task, said = read(tmp_path, (tmp_path / "saved.csv").read_bytes())
    assert task.class_names == ("0", "1")
    np.testing.assert_array_equal(task.train_inputs, table[:, 1:])
    assert said == ""
    np.savetxt(tmp_path / "saved.txt", table[:, ::-1], comments="# ", header="made by hand")
    task, said = read(tmp_path, (tmp_path / "saved.txt").read_bytes(), "saved.txt")
    np.testing.assert_array_equal(task.train_inputs, table[:, :0:-1])


def test_na_among_numeric_labels_is_a_missing_label(tmp_path: Path) -> None:
    for word in ("NA", "nan", "?", "null", "#N/A"):
        message = refused(tmp_path, f"1,2,0\n3,4,{word}\n5,6,1\n7,8,0\n")
        assert message == f"line 2, column 3: the label is missing ({word!r})"
    _, said = read(tmp_path, ROWS.replace("dog", "NA"))
    assert "the label 'NA' is taken for a class (10 examples)" in said


def test_the_index_that_pandas_writes_is_no_input(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": np.arange(20) % 3, "y": np.arange(20) * 0.1})
    frame["label"] = np.arange(20) // 10
    for kept in (frame, frame.sample(frac=1, random_state=1), frame.rename(index=str)):
        kept.to_csv(tmp_path / "frame.csv")
        task, said = read(tmp_path, (tmp_path / "frame.csv").read_bytes())
        np.testing.assert_array_equal(task.train_inputs, kept[["x", "y"]])
        assert "column 1 is taken for the row's" in said
        assert "no input" in said
    frame.to_csv(tmp_path / "frame.csv", index=False)
    assert read(tmp_path, (tmp_path / "frame.csv").read_bytes())[1] == ""
    for name in ("id", "Index", "Unnamed: 0", "#"):
        task, said = read(tmp_path, f"{name},x,y,label\n" + NUMBERED)
        assert task.n_inputs == 2
    nameless = frame.set_axis(range(3), axis=1)
    nameless.to_csv(tmp_path / "frame.csv")
    task, said = read(tmp_path, (tmp_path / "frame.csv").read_bytes())
    assert task.train_inputs.shape == (20, 2)


def test_a_column_that_counts_is_told_where_it_stays_an_input(tmp_path: Path) -> None:
    task, said = read(tmp_path, NUMBERED)
    assert task.n_inputs == 3
    assert "column 1 counts the rows and is taken for an input" in said


def test_the_class_in_the_first_column_is_found_and_told(tmp_path: Path) -> None:
    task, said = read(tmp_path, WINE, "wine.data")
    assert task.class_names == ("1", "2", "3")
    assert task.n_inputs == 3
    assert "column 1 is taken for the label, 3 classes of 178 examples" in said
    assert "column 4 has 121 different values in 178 examples" in said
    task, said = read(tmp_path, WINE, label=1)
    assert (len(task.class_names), said) == (3, "")
    task, said = read(tmp_path, WINE, label=4)
    assert len(task.class_names) == 121
    assert "121 classes of 178 examples" in said
    text = "".join(f"{'AB'[i % 2]},{i},{i * i}\n" for i in range(9))
    task, said = read(tmp_path, text)
    assert task.class_names == ("A", "B")
    assert "the only column of names" in said


def test_label_takes_a_name_or_a_number(tmp_path: Path) -> None:
    table = "kind;w;h;2021\n" + WINE.replace(",", ";")
    for label in ("kind", "KIND", "1", 1):
        assert read(tmp_path, table, label=label)[0].class_names == ("1", "2", "3")
    assert len(read(tmp_path, table, label="2021")[0].class_names) == 121
    assert (
        "label must name a column, got 'x': the file has the columns kind, w, h, 2021"
        in refused(tmp_path, table, label="x")
    )
    assert "label must be at most 4, got 5" in refused(tmp_path, table, label=5)
    assert "label must be at least 1, got 0" in refused(tmp_path, table, label=0)
    assert "the file has no line of names" in refused(tmp_path, WINE, label="kind")
    assert "label must be a number, got 'a': columns 1 and 2 are named so" in refused(
        tmp_path, "a,a,b\n" + ROWS, label="a"
    )
    assert "two columns are named label" in refused(tmp_path, "label,a,label\n" + ROWS)
    assert "two columns are named a" in read(tmp_path, "a,a,label\n" + ROWS)[1]
    assert len(read(tmp_path, table, label=np.int64(1))[0].class_names) == 3
    for label in (True, b"a"):
        assert "a column's name or its number" in refused(tmp_path, table, label=label)


def test_delimiter_decides(tmp_path: Path) -> None:
    for delimiter in ("tab", "\t", "\\t"):
        table = ROWS.replace(",", "\t")
        assert read(tmp_path, table, delimiter=delimiter)[0].n_inputs == 2
    assert "got one cell" in refused(tmp_path, ROWS, delimiter=";")
    assert read(tmp_path, ROWS.replace(",", ":"), delimiter=":")[0].n_inputs == 2
    for delimiter in ("", "ab", '"', "\n", "a", "1", ".", "-"):
        assert "delimiter must be one character" in refused(tmp_path, ROWS, delimiter=delimiter)


def test_thousands_are_not_taken_for_fractions_in_silence(tmp_path: Path) -> None:
    task, said = read(tmp_path, "1,234;a\n2,345;b\n1,111;a\n2,000;b\n")
    assert task.train_inputs[0, 0] == 1.234
    assert "1,234 is taken for 1.234" in said
    assert "'1,5' is not a number" in refused(tmp_path, "1,5;2.5;a\n1.5;3;b\n")


def test_a_first_example_with_a_mistake_is_no_header(tmp_path: Path) -> None:
    for cell in ("12%", "0x10", "$3", "1,5"):
        message = refused(tmp_path, f'"{cell}",a\n13,b\n14,a\n')
        assert message.startswith(f"line 1, column 1: {cell!r} is not a number")
        assert message.endswith("(does the line name the columns? say header)")
    assert read(tmp_path, "1st,2nd,kind\n" + ROWS, header=True)[0].n_inputs == 2
    assert "'oops' is not a number" in refused(tmp_path, "1,oops,3,a\n4,5,6,b\n7,8,9,a\n")


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", "'' is not a number: the value is missing"),
        ("NA", "'NA' is not a number: the value is missing"),
        ("?", "'?' is not a number: the value is missing"),
        ("1_000", "'1_000' is not a number"),
        ("0x10", "'0x10' is not a number"),
        ("1e400", "'1e400' is not a finite number in float64"),
        ("inf", "'inf' is not a finite number"),
        ("-Infinity", "'-Infinity' is not a finite number"),
        ("nan", "'nan' is not a finite number"),
        ("12%", "'12%' is not a number"),
        ("$3", "'$3' is not a number"),
        ('"1,000"', "'1,000' is not a number"),
        ("٣", "'٣' is not a number"),
        ("2021-01-01", "'2021-01-01' is not a number"),
        ("12345678901234567891", "is an integer that float64 cannot hold"),
        ("9" * 5000, "is not a finite number in float64"),
        ("x" * 1000, f"'{'x' * 40}'... is not a number"),
    ],
)
def test_what_is_no_number_is_named_by_line_and_column(
    tmp_path: Path, cell: str, reason: str
) -> None:
    message = refused(tmp_path, f"a,b,label\n1,2,x\n\n2,{cell},y\n3,4,x\n")
    assert message.startswith("line 4, column 2 (b): ")
    assert message.endswith(reason)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf\r\n", "the file is empty"),
        (b"# nothing\n", "the file is empty"),
        (b"sep=;\n", "the file is empty"),
        (b"a,b,label\n", "a header and no examples"),
        (b"# a,b,label\n", "the file is empty"),
        (b"a,b,label\n1,2,x\n3,4\n", "line 3 must have 3 cells, got 2"),
        (b"a,b,label\n1,2,x,3\n3,4,y,5\n", "line 2 must have 3 cells, got 4"),
        (b"1,2,x\n\n3,4,y,z\n", "line 3 must have 3 cells, got 4"),
        (b"1,2,x\n,,\n3,4,y\n", "line 2, column 1: '' is not a number: the value is missing"),
        (b"a,b,label\n1,2,\n3,4,\n", "line 2: the label is missing"),
        (b"a,b\0,label\n1,2,x\n", "line 1 holds a NUL character"),
        ("1,2,x\n".encode("utf-16-le"), "line 1 holds a NUL character"),
        ("1,2,x\n1,2,é\n".encode("latin-1"), "line 2 is no UTF-8 text (byte 0xe9)"),
        (b"1,2,x\n\xef\xbb\xbf3,4,y\n", "line 2 holds a byte order mark"),
        (b"1,2," + b"x" * 200_000 + b"\n", "line 1: not readable as CSV: field larger"),
        (gzip.compress(ROWS.encode(), mtime=0)[:-9], "not a readable gzip file"),
        (b"\x1f\x8b" + b"junk" * 9, "not a readable gzip file"),
        (b"1,2,x\n3,4,x\n", "at least two classes, got only ['x']"),
        (b'1,2,"x"y\n3,4,y\n', "line 1: not readable as CSV"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes, message: str
) -> None:
    assert message in refused(tmp_path, content)


def test_targets_of_a_regression_are_no_classes(tmp_path: Path) -> None:
    table = "a,b,c\n" + "".join(f"{i % 3}.5,{i * i},{i * 0.37:.2f}\n" for i in range(30))
    message = refused(tmp_path, table)
    assert "line 3: the label must be an integer or a name, got 0.37" in message
    assert "column 3 (c) holds 30 different numbers, as the targets of a regression do" in message


def test_classes_of_one_example_and_mixed_labels(tmp_path: Path) -> None:
    task, _ = read(tmp_path, ROWS + "1,2,cow\n", test_fraction=0.5)
    assert "cow" in task.class_names
    assert task.class_names.index("cow") not in task.test_labels
    _, said = read(tmp_path, ROWS.replace("dog", "1"))
    assert "labels are taken for names, since 'cat' in line 2 is no number as '1'" in said
    assert read(tmp_path, ROWS.replace("dog", "-1").replace("cat", "1.0"))[0].class_names == (
        "-1",
        "1",
    )


def test_a_class_that_only_the_test_part_has_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", inputs=np.eye(4), labels=["a", "b"] * 2,
             test_inputs=np.eye(4), test_labels=["a", "c", "b", "d"])  # fmt: skip
    with pytest.raises(ValueError, match=r"test_labels must be among the 2 classes .* got c, d"):
        from_file(tmp_path / "a.npz")


def test_a_line_that_begins_with_a_number_sign_is_told(tmp_path: Path) -> None:
    task, said = read(tmp_path, ROWS.replace("1,1.5", "#1,1.5"))
    assert len(task.train_labels) == 19
    assert "line 14 begins with # and is left out" in said


@pytest.mark.parametrize(
    "column",
    [
        1.7e9 + np.arange(10) * 1e-4,
        1e300 * np.arange(-5, 5),
        np.array([1.7e308, -1.7e308, 0.0]),
        5e-324 * np.arange(10),
        1e-200 * np.arange(10) ** 2,
        np.array([0.1, 0.1, 0.1 + 1e-9]),
        2.0**52 + np.arange(5),
    ],
)
def test_standardize_keeps_what_varies_of_a_column(column: np.ndarray) -> None:
    from fractions import Fraction

    from uwm.tasks.standardized import standardized

    exact = [Fraction(float(x)) for x in column]
    mean = sum(exact) / len(exact)
    variance = sum((x - mean) ** 2 for x in exact) / len(exact)
    largest = max(abs(x - mean) for x in exact)
    root = float(variance / largest**2) ** 0.5
    expected = [float((x - mean) / largest) / root for x in exact]
    train, test = standardized(column[:, None], column[:2, None])
    np.testing.assert_allclose(train[:, 0], expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(test, train[:2])


def test_standardize_refuses_a_test_value_beyond_reach(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", inputs=[[0.0], [1e-300]], labels=[0, 1],
             test_inputs=[[1e300]], test_labels=[0])  # fmt: skip
    with pytest.raises(ValueError, match=r"test_inputs: 1e\+300 in row 0, column 0 is too far"):
        from_file(tmp_path / "a.npz")


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


GOOD = {"inputs": np.arange(40.0).reshape(20, 2), "labels": np.arange(20) % 2}


def test_arrays_of_every_order_and_kind_are_read_from_npz(tmp_path: Path) -> None:
    expected = GOOD["inputs"]
    for inputs in (
        np.asfortranarray(expected),
        expected.astype(">f8"),
        expected.astype(">i2"),
        expected.astype("f4"),
        expected.astype("u1"),
    ):
        task, _ = read(tmp_path, npz(inputs=inputs, labels=GOOD["labels"]), "a.npz")
        np.testing.assert_array_equal(task.train_inputs, expected)
    for labels in (np.array(["é", "b"] * 10), np.array(["é", "b"] * 10, dtype=">U3")):
        assert read(tmp_path, npz(inputs=expected, labels=labels), "a.npz")[0].class_names == (
            "b",
            "é",
        )
    flags, _ = read(tmp_path, npz(inputs=expected > 3, labels=GOOD["labels"] > 0), "a.npz")
    assert flags.train_inputs.sum() == (expected > 3).sum()


def test_npz_names_what_it_has_and_what_it_lacks(tmp_path: Path) -> None:
    assert refused(tmp_path, npz(X=[1], y=[2]), "a.npz") == (
        "it must hold an array named inputs and labels, got X, y"
    )
    assert "label must be None for an NPZ file" in refused(
        tmp_path, npz(**GOOD), "a.npz", label="a"
    )
    np.save(tmp_path / "one.npy", np.zeros(3))
    message = refused(tmp_path, (tmp_path / "one.npy").read_bytes(), "one.npy")
    assert "one array without a name" in message


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    message = refused(
        tmp_path, npz(inputs=GOOD["inputs"], labels=np.array(["a"] * 20, object)), "a.npz"
    )
    assert "labels must be a plain array, got one of Python objects" in message


def test_what_nobody_asked_for_is_not_unpacked(tmp_path: Path) -> None:
    content = bytearray(npz(**GOOD, bomb=np.zeros(10**6)))
    task, _ = read(tmp_path, bytes(content), "a.npz")
    assert len(task.train_labels) == 20
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        start = archive.getinfo("bomb.npy").header_offset
    content[start + 60 : start + 100] = bytes(40)
    assert len(read(tmp_path, bytes(content), "a.npz")[0].train_labels) == 20


def member(header: str, data: bytes = b"", version: int = 1) -> bytes:
    """An NPZ file whose array `inputs` has this description."""
    text = header.encode()
    size = len(text).to_bytes(2 if version == 1 else 4, "little")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inputs.npy", b"\x93NUMPY" + bytes([version, 0]) + size + text + data)
        archive.writestr("labels.npy", b"")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            member("{'descr': '<f8', 'fortran_order': False, 'shape': (10**9, 10)}"),
            "not a readable",
        ),
        (
            member("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 10)}"),
            "got 80,000,000,000",
        ),
        (
            member("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 10)}"),
            "takes 80,000,000 bytes, the file has 0",
        ),
        (member("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -8)}"), "damaged"),
        (member("{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000, 10)}"), "damaged"),
        (member(" " * 1_000_000, version=2), "bytes, got 1,000,000"),
        (member("{'descr': 'junk'}"), "not a readable NPZ file"),
        (member("(" * 9_000), "not a readable NPZ file"),
        (b"PK\x03\x04junk", "not a readable NPZ file"),
        (b"", "not a readable NPZ file"),
    ],
)
def test_an_npz_file_that_lies_about_itself_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    assert message in refused(tmp_path, content, "a.npz")


def test_other_compressions_and_encryption_are_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as archive:
        for name in ("inputs.npy", "labels.npy"):
            archive.writestr(name, b"\x93NUMPY" * 9)
    assert "compressed by deflate, got method 12" in refused(tmp_path, file.getvalue(), "a.npz")
    content = bytearray(npz(**GOOD))
    for at, mark in ((6, b"PK\x03\x04"), (8, b"PK\x01\x02")):
        content[content.index(mark) + at] |= 1
    assert "encrypted" in refused(tmp_path, bytes(content), "a.npz")


def test_texts_that_are_no_unicode_are_no_labels(tmp_path: Path) -> None:
    words = np.array(["a", "b"] * 10)
    for code in (0x110000, 0xFFFFFFFF, 0xD800):
        wrong = words.copy()
        wrong.view(np.uint32)[3] = code
        message = refused(tmp_path, npz(inputs=GOOD["inputs"], labels=wrong), "a.npz")
        assert "labels: the text in row 3 is no Unicode" in message


def test_what_is_said_of_a_damaged_archive_is_short(tmp_path: Path) -> None:
    content = npz(**GOOD)
    at = content.index(b"PK\x03\x04") + 26
    damaged = content[:at] + b"\xff\x00" + content[at + 2 :]
    assert len(refused(tmp_path, damaged, "a.npz")) < 250


def test_errors_of_the_system_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        from_file(tmp_path / "missing.csv")
    assert str(tmp_path) in str(missing.value)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(IsADirectoryError, match=r"folder\.csv"):
        from_file(tmp_path / "folder.csv")
    with pytest.raises(OSError, match="too long"):
        from_file("a" * 5000 + ".csv")
    with pytest.raises(ValueError, match="null"):
        from_file("a\0.csv")


def test_read_arrays_leaves_optional_arrays_out() -> None:
    arrays = read_arrays(io.BytesIO(npz(a=[1], b=[2])), ["a"], ["b", "c"])
    assert sorted(arrays) == ["a", "b"]


SMALL = ("--hidden", "4", "--rules", "ste", "--episodes", "32", "--seeds", "1", "--quiet",
         "--no-plot")  # fmt: skip


def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "uwm", *arguments], input=text, capture_output=True, text=True
    )


def test_the_command_says_its_guess_in_one_line_and_repeats_a_run(tmp_path: Path) -> None:
    path, out = tmp_path / "wine.data", tmp_path / "out"
    path.write_text(WINE)
    guessed = run("compare", "--task", str(path), *SMALL, "--out", str(out))
    assert guessed.returncode == 0, guessed.stderr
    assert guessed.stderr.count("\n") == 1
    assert guessed.stderr.startswith(f"uwm compare: {path}: column 1 is taken for the label, 3")
    told = run("compare", "--task", str(path), "--label", "1", "--delimiter", ",", "--no-header",
               *SMALL, "--out", str(out))  # fmt: skip
    assert (told.returncode, told.stderr) == (0, "")
    settings = read_settings(out / "settings.json")
    assert (settings["label"], settings["delimiter"], settings["header"]) == ("1", ",", False)
    again = compare(Settings.for_task(**{**settings, "rules": ["ste"]}), jobs=1)
    assert again.settings.label == "1"
    elsewhere = run("compare", "--settings", str(out / "settings.json"), "--task", "multiplexer",
                    *SMALL, "--out", str(out))  # fmt: skip
    assert elsewhere.returncode == 0, elsewhere.stderr


def test_standard_input_is_a_task(tmp_path: Path) -> None:
    piped = run("compare", "--task", "-", *SMALL, "--out", str(tmp_path / "out"), text=ROWS)
    assert piped.returncode == 0, piped.stderr
    assert "standard input" in piped.stdout.lower()
    wrong = run("compare", "--task", "-", *SMALL, "--out", str(tmp_path / "out"), text="1,2\n3\n")
    assert wrong.returncode == 2
    assert wrong.stderr == "uwm compare: error: -: line 2 must have 2 cells, got 1\n"


@pytest.mark.parametrize("command", ["compare", "gradients", "tune", "scaling"])
def test_every_command_that_takes_a_file_takes_its_layout(command: str) -> None:
    shown = run(command, "--help").stdout
    for option in ("--label", "--delimiter", "--no-header"):
        assert option in shown


REFUSED_SETTINGS: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: Settings(label="a"), ValueError, "label must be None unless the task is a file"),
    (
        lambda: Settings(task="a.csv", label=True),
        TypeError,
        "label must be a whole number, got True",
    ),
    (lambda: Settings(task="a.csv", delimiter=5), ValueError, "delimiter must be one character"),
    (lambda: Settings(task="a.csv", header="no"), TypeError, "header must be true or false"),
]  # type: ignore[list-item]


@pytest.mark.parametrize(("make", "kind", "message"), REFUSED_SETTINGS)
def test_settings_refuse_a_layout_that_makes_no_sense(
    make: Callable[[], object], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        make()
