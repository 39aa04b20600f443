"""Arrays as people hand them in: one door for the whole package, the same in every function."""

from __future__ import annotations

import decimal
import fractions
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import uwm
from uwm import reference
from uwm._arrays import real_array
from uwm.analysis import exact_gradient
from uwm.tasks import Bandit, Classification

X = np.array([[1.0, 0.0], [0.0, 1.0]])


class Paid(uwm.Task):
    """A task whose inputs and rewards are what the test says."""

    n_inputs, n_outputs = 2, 1

    def __init__(self, x: Any = X, r: Any = (1.0, 0.0)) -> None:
        super().__init__()
        self.x, self.r = x, r

    def inputs(self, seed: int, step: int, batch_size: int) -> Any:
        return self.x

    def reward(self, seed: int, step: int, sample: Any) -> Any:
        return self.r


class Guess(uwm.Baseline):
    def __init__(self, b: Any) -> None:
        super().__init__()
        self.b = b

    def predict(self, x: Any) -> Any:
        return self.b

    def update(self, x: Any, reward: Any) -> None:
        pass


class Credit(uwm.Rule):
    name = "credit"

    def __init__(self, t: Any) -> None:
        super().__init__()
        self.t = t

    def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
        return [self.t, np.asarray(reward)[:, None]]


def net() -> uwm.Network:
    return uwm.Network([2, 1, 1], seed=0, dtype="float64")


def train(**options: Any) -> object:
    parts = {"rule": uwm.Reinforce(), "task": Paid(), "baseline": None, **options}
    return uwm.train(net(), parts["rule"], uwm.SGD(0.1), parts["task"], steps=1, batch_size=2,
                     baseline=parts["baseline"])  # fmt: skip


def set_weight(value: Any) -> None:
    net().layers[0].weight = value


def unit_rewards(reward: Any) -> object:
    network = net()
    return uwm.Reinforce().unit_rewards(network, network.forward(X), reward)


# Every place that takes a matrix of two rows and two columns, or of one, or two numbers.
MATRIX: dict[str, Callable[[Any], object]] = {
    "Network.forward": lambda v: net().forward(v),
    "Network.clamp": lambda v: net().clamp(v, [np.ones((2, 1)), np.ones((2, 1))]),
    "RunningMean.predict": lambda v: uwm.RunningMean().predict(v),
    "Bandit": lambda v: Bandit(v, [0, 1]),
    "Classification": lambda v: Classification(v, [0, 1]),
    "Classification, test part": lambda v: Classification(X, [0, 1], v, [0, 1]),
    "inputs of a task": lambda v: train(task=Paid(v)),
    "the reference's forward": lambda v: reference.Network([2, 1]).forward(v),
    "the reference's Bandit": lambda v: reference.Bandit(v, [0, 1]),
    "exact_gradient": lambda v: exact_gradient(net(), v, lambda output: output[:, 0]),
}
NUMBERS: dict[str, Callable[[Any], object]] = {
    "reward of a rule": unit_rewards,
    "reward of a task": lambda v: train(task=Paid(r=v)),
    "reward of a baseline": lambda v: uwm.RunningMean().update(X, v),
    "a baseline of one's own": lambda v: train(baseline=Guess(v)),
    "labels of a Bandit": lambda v: Bandit(X, v),
    "labels of the reference's Bandit": lambda v: reference.Bandit(X, v),
}
COLUMN: dict[str, Callable[[Any], object]] = {
    "activations": lambda v: net().clamp(X, [v, np.ones((2, 1))]),
    "unit rewards of a rule of one's own": lambda v: train(rule=Credit(v)),
}
EVERYWHERE = [
    *((name, call, (2, 2)) for name, call in MATRIX.items()),
    *((name, call, (2,)) for name, call in NUMBERS.items()),
    *((name, call, (2, 1)) for name, call in COLUMN.items()),
    ("Layer.weight", set_weight, (1, 2)),
    ("LayerGradient", lambda v: uwm.LayerGradient(v, [0.0]), (1, 2)),
]
BAD: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "complex": (lambda a: a + 0j, "complex128"),
    "datetimes": (lambda a: a.astype("i8").astype("M8[s]"), "datetime64"),
    "durations": (lambda a: a.astype("i8").astype("m8[s]"), "timedelta64"),
    "masked": (lambda a: np.ma.array(a, mask=a > 0), "masked"),
    "text": (lambda a: a.astype(str), "text"),
    "objects": (lambda a: np.full(a.shape, object()), "object"),
    "missing": (lambda a: np.where(a > 0, a.astype(object), None), "missing value"),
    "huge integers": (lambda a: np.where(a > 0, 2**53 + 1, 0), "9007199254740993"),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize(("name", "call", "shape"), EVERYWHERE, ids=[e[0] for e in EVERYWHERE])
def test_what_is_no_real_number_is_refused_everywhere(
    name: str, call: Callable[[Any], object], shape: tuple[int, ...], bad: str
) -> None:
    good = np.arange(np.prod(shape), dtype=float).reshape(shape) % 2
    make, message = BAD[bad]
    with pytest.raises((TypeError, ValueError), match=message):
        call(make(good))


@pytest.mark.parametrize(("name", "call", "shape"), EVERYWHERE, ids=[e[0] for e in EVERYWHERE])
def test_everyday_arrays_are_taken_everywhere(
    name: str, call: Callable[[Any], object], shape: tuple[int, ...]
) -> None:
    good = np.arange(np.prod(shape), dtype=float).reshape(shape) % 2
    tuples = tuple(map(tuple, good)) if good.ndim == 2 else tuple(good)
    forms = [good > 0, good.astype("i1"), good.astype("u8"), good.astype("f2"), good.astype(">f8"),
             np.asfortranarray(good), good.tolist(), tuples, good.astype(object),
             np.ma.array(good)]  # fmt: skip
    pandas = pytest.importorskip("pandas")
    make = pandas.DataFrame if good.ndim == 2 else pandas.Series
    forms += [make(good), make(good).astype("Int64"), make(good).astype("Float64"),
              make(good > 0).astype("boolean")]  # fmt: skip
    for form in forms:
        call(form)


def test_frames_of_several_kinds_are_read_column_by_column() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2], "b": [0.5, 1.0], "c": [True, False]})
    frame["d"] = pandas.array([3, 4], dtype="Int64")
    np.testing.assert_array_equal(real_array("x", frame), [[1, 0.5, 1, 3], [2, 1, 0, 4]])
    for bad, message in (
        (["x", "y"], "text 'x' in row 0 (column 'e')"),
        ([1, 2**53 + 1], "9007199254740993 in row 1 (column 'e')"),
        (pandas.to_datetime(["2020", "2021"]), "datetime64"),
        (pandas.Categorical(["x", "y"]), "text 'x'"),
    ):
        with pytest.raises((TypeError, ValueError)) as raised:
            real_array("x", frame.assign(e=bad))
        assert message in str(raised.value)
    missing = frame.assign(e=pandas.array([1, None], dtype="Int64"))
    with pytest.raises(ValueError, match="must be finite, got nan in row 1, column 4"):
        Classification(missing, [0, 1])


class Tensor:
    """Reads as an array, as tensors of other libraries do."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        if isinstance(self.value, Exception):
            raise self.value
        return np.asarray(self.value, dtype=dtype)


def test_tensors_that_numpy_reads_are_arrays() -> None:
    assert net().forward(Tensor(X)).batch_size == 2
    for error in (RuntimeError("it requires grad"), TypeError("it is on cuda:0")):
        with pytest.raises(TypeError, match=f"x must be .* got a Tensor .*{error}"):
            net().forward(Tensor(error))


def test_sparse_matrices_are_refused_with_the_way_out() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    for matrix in (sparse.csr_matrix(X), sparse.coo_array(X)):
        with pytest.raises(TypeError, match=r"got a sparse \w+: pass its toarray\(\)"):
            net().forward(matrix)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[1, 2], [3]], "no regular array"),
        ([2**53 + 1, 0.5], "9007199254740993 in row 0"),
        ([10**400], "one of 1329 bits"),
        ([fractions.Fraction(10**400, 3)], "that float64 can hold"),
        ([np.ma.array([1, 2], mask=[0, 1])], "no masked values, got 1"),
        (np.zeros(2, "i4,i4"), "got"),
        ([1, "2"], "text"),
        (b"ab", "text"),
        ({"a": 1}, "a dict"),
        ({1, 2}, "a set"),
        ((x for x in [1]), "a generator"),
        (None, "a NoneType"),
    ],
)
def test_values_of_other_kinds_are_named(value: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message) as raised:
        real_array("x", value)
    assert str(raised.value).startswith("x must ")


def test_numbers_of_other_kinds_are_numbers() -> None:
    found = real_array("x", [decimal.Decimal("1.5"), fractions.Fraction(1, 4), np.float32(2), True])
    assert found.tolist() == [1.5, 0.25, 2.0, 1.0]
    assert real_array("x", range(3)).tolist() == [0, 1, 2]
    assert real_array("x", [2**60]).tolist() == [2**60]


TEXT = ["no", "yes", "no", "yes"]


def test_text_labels_of_pandas_are_names() -> None:
    pandas = pytest.importorskip("pandas")
    for labels in (TEXT, tuple(TEXT), np.array(TEXT), np.array(TEXT, object), np.array(TEXT, "S"),
                   pandas.Series(TEXT), pandas.Series(TEXT, dtype="string"), pandas.Index(TEXT),
                   pandas.Series(TEXT, dtype=object), pandas.Categorical(TEXT),
                   pandas.Series(TEXT).astype("category")):  # fmt: skip
        task = Classification(np.eye(4), labels)
        assert task.class_names == ("no", "yes")
        assert task.train_labels.tolist() == [0, 1, 0, 1]


def test_whole_labels_of_every_kind_are_integers() -> None:
    pandas = pytest.importorskip("pandas")
    whole = [5, -3, 5, 9]
    for labels in (whole, np.array(whole, "f4"), np.array(whole, object), np.array(whole, ">i2"),
                   pandas.Series(whole, dtype="Int64"), pandas.Series(whole).astype("category"),
                   pandas.Series(whole, dtype="Float64")):  # fmt: skip
        task = Classification(np.eye(4), labels)
        assert task.class_names == ("-3", "5", "9")
        assert task.train_labels.tolist() == [1, 0, 1, 2]
    for labels in ([True, False] * 2, pandas.Series([True, False] * 2, dtype="boolean")):
        assert Classification(np.eye(4), labels).class_names == ("0", "1")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, "a", 1, "a"], "got both: 1 in row 0 and 'a' in row 1"),
        (["a", "a ", "a", "b"], "'a' and 'a ' differ only by spaces"),
        (["a", None, "b", "a"], "got None in row 1, a missing value"),
        (["a", float("nan"), "b", "a"], "got nan in row 1, a missing value"),
        (["a", "", "b", "a"], "an empty name"),
        ([b"\xff", b"a", b"a", b"a"], "names in UTF-8"),
        ([1, 1j, 1, 2], "got a complex in row 1"),
        (np.array(["2020"] * 4, "M8[Y]"), "datetime64"),
        (np.ma.array([1, 2, 1, 2], mask=[0, 0, 0, 1]), "no masked values"),
        ([2**63, 1, 1, 1], "integers of 64 bits"),
        ([10**400, 1, 1, 1], "integers of 64 bits"),
        (np.array([2**63, 1, 1, 1], np.uint64), "below 2"),
        ([1e300, 1.0, 1.0, 2.0], "up to 2"),
        ([1, 1, 1, 1], "at least two classes"),
        ([[1], [2], [1], [2]], r"must have shape \(4,\)"),
        (5, r"must have shape \(4,\)"),
        ("abab", r"must have shape \(4,\)"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Classification(np.eye(4), labels)


def test_real_targets_are_told_from_a_slip() -> None:
    with pytest.raises(ValueError, match="30 different numbers are the targets of a regression"):
        Classification(np.arange(30.0)[:, None], np.arange(30) * 0.37)
