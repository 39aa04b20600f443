"""Tasks made of labelled data: digits, CSV and NPZ files, and how well a network does on them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import uwm
from uwm.tasks import Bandit, Classification, digits, from_file

CSV = "a,b,label\n1,2,yes\n3,4,no\n5,6,yes\n7,9,no\n"


def write(folder: Path, text: str, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def blobs(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Two classes, far apart."""
    labels = np.arange(n) % 2
    noise = np.random.RandomState(0).normal(size=(n, 3)) * 0.3
    return noise + np.where(labels, 1.0, -1.0)[:, None], labels


def test_digits_are_split_and_scaled_as_promised() -> None:
    pytest.importorskip("sklearn")
    task = digits()
    assert isinstance(task, Bandit)
    assert task.train_inputs.shape == (1438, 64)
    assert task.test_inputs.shape == (359, 64)
    assert (task.n_inputs, task.n_outputs) == (64, 10)
    assert task.train_inputs.min() == -1
    assert task.train_inputs.max() == 1
    assert np.bincount(task.test_labels).min() >= 34  # a fifth of every class
    again = digits()
    np.testing.assert_array_equal(task.test_inputs, again.test_inputs)
    train = {row.tobytes() for row in task.train_inputs}
    assert sum(row.tobytes() in train for row in task.test_inputs) == 0


def test_digits_without_scikit_learn_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r'pip install "uwm\[tasks\]"'):
        digits()


def test_training_on_a_classification_raises_its_test_accuracy() -> None:
    inputs, labels = blobs()
    task = Classification(inputs[:150], labels[:150], inputs[150:], labels[150:])
    net = uwm.Network([3, 8, 2], output="softmax", seed=1)
    optimizer = uwm.Adam(learning_rate=0.02)
    uwm.train(net, uwm.UnbiasedWeightMax(), optimizer, task, steps=500, batch_size=8)
    step = net.step
    assert task.accuracy(net) > 0.95
    assert task.accuracy(net, passes=1) > 0.8
    assert task.accuracy(net, inputs[150:], labels[150:]) == task.accuracy(net)
    assert net.step == step, "testing must not move the network's random numbers"


def test_one_bernoulli_unit_may_tell_two_classes_apart() -> None:
    inputs, labels = blobs()
    task = Classification(inputs, labels, inputs, labels)
    net = uwm.Network([3, 1], seed=0)
    net.layers[0].weight[:] = 5.0
    assert task.accuracy(net) == 1.0


def test_accuracy_refuses_what_does_not_fit() -> None:
    inputs, labels = blobs()
    task = Classification(inputs, labels, inputs, labels)
    net = uwm.Network([3, 2], output="softmax")
    with pytest.raises(ValueError, match="2 softmax output units, got 5 softmax"):
        task.accuracy(uwm.Network([3, 5], output="softmax"))
    with pytest.raises(ValueError, match="inputs must have 3 columns, got 2"):
        task.accuracy(net, inputs[:, :2], labels)
    with pytest.raises(ValueError, match="inputs and labels must be both given or neither"):
        task.accuracy(net, inputs)
    with pytest.raises(ValueError, match=r"labels must be among the 2 classes .* got 7"):
        task.accuracy(net, inputs[:1], [7])
    with pytest.raises(ValueError, match="at least one example"):
        Classification(inputs, labels).accuracy(net)
    for passes in (0, -1, 1.5, True):
        with pytest.raises((TypeError, ValueError), match="passes must be "):
            task.accuracy(net, passes=passes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("inputs", "labels", "message"),
    [
        ([[1.0], [np.nan]], [0, 1], "inputs must be finite, got nan in row 1, column 0"),
        ([[1.0], [np.inf]], [0, 1], "got inf in row 1"),
        ([1.0, 2.0], [0, 1], r"inputs must have shape \(examples, inputs\), got \(2,\)"),
        (np.zeros((2, 0)), [0, 1], r"got \(2, 0\)"),
        (np.zeros((0, 2)), [], "at least two classes"),
        ([["a"], ["b"]], [0, 1], "inputs must be an array of real numbers, got text"),
        ([[1.0], [2.0]], [0], r"labels must have shape \(2,\), one per input, got \(1,\)"),
        ([[1.0], [2.0]], [0, 0], "at least two classes"),
        ([[1.0], [2.0]], [0.5, 1], "labels must be integers or names, got 0.5 in row 0"),
        ([[1.0], [2.0]], [np.nan, 1], "labels must be integers or names, got nan in row 0"),
        ([[1.0], [2.0]], [None, 1], "got None in row 0, a missing value"),
    ],
)
def test_classification_refuses_bad_arrays(inputs: object, labels: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Classification(inputs, labels)  # type: ignore[arg-type]


def test_classification_refuses_bad_test_data() -> None:
    with pytest.raises(
        ValueError, match="test_inputs and test_labels must be both given or neither"
    ):
        Classification([[1.0], [2.0]], [0, 1], [[1.0]])
    with pytest.raises(ValueError, match=r"test_labels must be among the 2 classes .* got 2"):
        Classification([[1.0], [2.0]], [0, 1], [[1.0]], [2])
    with pytest.raises(ValueError, match="test_inputs must have 1 columns, got 2"):
        Classification([[1.0], [2.0]], [0, 1], [[1.0, 2.0]], [1])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (CSV, ("no", "yes")),
        (CSV.replace(",", ";"), ("no", "yes")),
        (CSV.replace(",", "\t"), ("no", "yes")),
        ("\ufeff" + CSV.replace("\n", "\r\n\r\n"), ("no", "yes")),
        ("1,2,10\n3,4,9\n5,6,10\n7,8,9\n", ("9", "10")),  # no header; integers sort as integers
        ("1,2,1.0\n3,4,0.0\n5,6,1.0\n7,8,0.0\n", ("0", "1")),
        ("a,Label,b\n1,x,2\n3,y,4\n5,x,6\n7,y,8\n", ("x", "y")),
    ],
)
def test_csv_is_read_in_its_usual_forms(tmp_path: Path, text: str, names: tuple[str, ...]) -> None:
    task = from_file(write(tmp_path, text), test_fraction=0.5)
    assert task.class_names == names
    assert task.n_inputs == 2
    assert len(task.train_labels) == 2
    assert len(task.test_labels) == 2
    np.testing.assert_allclose(task.train_inputs.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(task.train_inputs.std(axis=0), 1)


def test_files_can_be_read_as_they_are(tmp_path: Path) -> None:
    task = from_file(write(tmp_path, CSV), test_fraction=0, standardize=False)
    np.testing.assert_array_equal(task.train_inputs, [[1, 2], [3, 4], [5, 6], [7, 9]])
    np.testing.assert_array_equal(task.train_labels, [1, 0, 1, 0])
    assert len(task.test_labels) == 0


def test_a_constant_column_becomes_zero(tmp_path: Path) -> None:
    task = from_file(write(tmp_path, "0.1,1,a\n0.1,2,b\n0.1,3,a\n"), test_fraction=0)
    np.testing.assert_array_equal(np.abs(task.train_inputs[:, 0]), 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("a,b,label\n", "a header and no examples"),
        ("1\n2\n", "line 1 must hold inputs and a label, got one cell"),
        ("a,b,label\n1,2,x\n3,4\n", "line 3 must have 3 cells, got 2"),
        ("a,b,label\n1,2,x\n3,oops,y\n", r"line 3, column 2 \(b\): 'oops' is not a number"),
        ("1,2,x\n3,,y\n", "line 2, column 2: '' is not a number"),
        ("1,2,x\n3,nan,y\n", "line 2, column 2: 'nan' is not a finite number"),
        ("1,2,x\n3,-inf,y\n", "'-inf' is not a finite number"),
        ("1,2,x\n3,4,\n", "line 2: the label is missing"),
        ("1,2,0.5\n3,4,1\n", "line 1: the label must be an integer or a name, got 0.5"),
        ("1,2,x\n3,4,x\n", "labels must be of at least two classes"),
    ],
)
def test_bad_csv_is_refused_by_line(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=message) as raised:
        from_file(path)
    assert str(raised.value).count(str(path)) == 1


def test_npz_with_and_without_test_data(tmp_path: Path) -> None:
    inputs, labels = blobs(20)
    np.savez(tmp_path / "a.npz", inputs=inputs, labels=labels)
    assert len(from_file(tmp_path / "a.npz").test_labels) == 4
    np.savez(tmp_path / "b.npz", inputs=inputs, labels=labels, test_inputs=inputs[:3],
             test_labels=labels[:3])  # fmt: skip
    task = from_file(tmp_path / "b.npz", standardize=False)
    np.testing.assert_array_equal(task.test_inputs, inputs[:3])
    assert len(task.train_labels) == 20


def test_bad_npz_is_refused(tmp_path: Path) -> None:
    inputs, labels = blobs(20)
    bad = {
        "it must hold an array named labels, got inputs, x": {"inputs": inputs, "x": labels},
        "it must hold an array named inputs and labels, got none": {},
        "or none, got test_inputs alone": {"inputs": inputs, "labels": labels,
                                           "test_inputs": inputs},
        "labels must be a plain array": {"inputs": inputs, "labels": np.array([object()] * 20)},
        "test_labels must be among the 2 classes 0, 1": {"inputs": inputs, "labels": labels,
                                         "test_inputs": inputs[:1], "test_labels": [2]},
        r"inputs must have shape \(examples, inputs\), got \(20,\)": {"inputs": labels,
                                                                      "labels": labels},
    }  # fmt: skip
    for message, arrays in bad.items():
        np.savez(tmp_path / "bad.npz", **arrays)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=message):
            from_file(tmp_path / "bad.npz")


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        from_file(tmp_path / "missing.csv")
    with pytest.raises(FileNotFoundError):
        from_file(tmp_path / "missing.npz")
    with pytest.raises(ValueError, match=r"must be a \.csv or \.npz file"):
        from_file(tmp_path / "data.parquet")
    for name in ("junk.npz", "junk.csv"):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00junk\x9d" * 10)
        with pytest.raises(ValueError, match="not a readable"):
            from_file(tmp_path / name)
    np.save(tmp_path / "one.npz", np.zeros(3))
    (tmp_path / "one.npz.npy").rename(tmp_path / "one.npz")
    with pytest.raises(ValueError, match="array without a name"):
        from_file(tmp_path / "one.npz")
    for fraction in (-0.1, 1.0, float("nan")):
        with pytest.raises(
            ValueError, match=r"test_fraction must be (at least 0 and below 1|a finite number), got"
        ):
            from_file(write(tmp_path, CSV), test_fraction=fraction)
