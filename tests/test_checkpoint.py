"""Files of `save`: a run goes on bit for bit, and nothing that is damaged is taken for whole."""

from __future__ import annotations

import json
import os
import resource
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import uwm

DATA = Path(__file__).parent / "data"
Run = tuple[uwm.Network, uwm.Optimizer, uwm.Baseline]


def run(parts: Run, steps: int) -> uwm.Log:
    net, optimizer, baseline = parts
    rule, task = uwm.UnbiasedWeightMax(), uwm.tasks.Multiplexer(1)
    return uwm.train(net, rule, optimizer, task, steps=steps, batch_size=2, baseline=baseline)


def state(net: uwm.Network) -> list[Any]:
    return [net.step, *(a.tobytes() for layer in net.layers for a in (layer.weight, layer.bias))]


OPTIMIZERS: dict[str, Callable[[], uwm.Optimizer]] = {
    "SGD": lambda: uwm.SGD(0.05),
    "SGD, a rate per layer": lambda: uwm.SGD([0.1, 0.01, uwm.Linear(0.1, 0.0, 1500)]),
    "momentum": lambda: uwm.SGD(uwm.Exponential(0.1, 0.001, 1500), momentum=0.9),
    "Adam": uwm.Adam,
    "Adam, schedule": lambda: uwm.Adam(uwm.Linear(0.01, 0.001, 1500), beta1=0.8, epsilon=1e-7),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_run_with_a_running_mean_goes_on_bit_for_bit(
    tmp_path: Path, make: Callable[[], uwm.Optimizer], dtype: str
) -> None:
    def start() -> Run:
        return uwm.Network([3, 5, 4, 1], dtype=dtype, seed=7), make(), uwm.RunningMean(0.05)

    whole, half = start(), start()
    run(whole, 2000)
    run(half, 1000)
    uwm.save(tmp_path / "half.safetensors", *half)
    loaded = uwm.load(tmp_path / "half.safetensors")
    net, optimizer, baseline = loaded
    run((net, optimizer, baseline), 1000)
    assert state(net) == state(whole[0])
    assert optimizer.steps == 2000
    assert baseline.value == whole[2].value  # type: ignore[attr-defined]


def test_a_file_unpacks_into_as_many_parts_as_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "run"
    net, adam, mean = uwm.Network([3, 1]), uwm.Adam(), uwm.RunningMean(0.5, value=0.25)
    log = run((net, adam, mean), 20)
    cases: list[tuple[dict[str, Any], int]] = [
        ({}, 2),
        ({"optimizer": adam}, 2),
        ({"extra": {"a": "b"}}, 2),
        ({"baseline": mean}, 3),
        ({"optimizer": adam, "baseline": 0.5}, 3),
        ({"log": log}, 4),
    ]
    for parts, number in cases:
        uwm.save(path, net, **parts)
        assert len(list(uwm.load(path))) == number
    found, optimizer = uwm.load(path).net, uwm.load(path).optimizer
    assert state(found) == state(net) and optimizer is None


def test_the_baseline_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "run"
    uwm.save(path, uwm.Network([3, 1]), baseline=uwm.RunningMean(0.5, value=0.25))
    mean = uwm.load(path).baseline
    assert isinstance(mean, uwm.RunningMean) and (mean.rate, mean.value) == (0.5, 0.25)
    numbers: list[Any] = [0.5, -1, np.float32(0.1), 0.0]
    for number in numbers:
        uwm.save(path, uwm.Network([3, 1]), baseline=number)
        assert uwm.load(path).baseline == float(number)


def test_the_log_comes_back_whole(tmp_path: Path) -> None:
    parts: Run = (uwm.Network([3, 1]), uwm.SGD(0.1), uwm.RunningMean())
    log = run(parts, 105)
    uwm.save(tmp_path / "run", parts[0], log=log)
    found = uwm.load(tmp_path / "run").log
    assert found is not None
    np.testing.assert_array_equal(found.rewards, log.rewards)
    for name in ("record_every", "steps", "batch_size", "mean_reward", "final_reward", "seconds"):
        assert getattr(found, name) == getattr(log, name)


def test_arrays_and_texts_of_ones_own_come_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    extra: dict[str, Any] = {
        kind: (rng.random((3, 2)) * 100).astype(kind)
        for kind in (
            *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
            *("float16", "float32", "float64"),
        )
    }
    extra |= {
        "scalar": np.array(2**63, np.uint64),
        "nothing": np.zeros((0, 3)),
        "not finite": np.array([np.nan, -np.inf, -0.0]),
        "turned": np.arange(6.0).reshape(2, 3).T,
        "big-endian": np.arange(3, dtype=">i4"),
        "every other": np.arange(10)[::2],
        "layers.0.weight": np.ones(2),
        'a "name" \\ of\n\x01 €😀': 'a "text" \\ of\n\x01 €😀 "crc32":"00000000"',
        "empty": "",
        "long": "x" * 100_000,
    }
    uwm.save(tmp_path / "run", uwm.Network([3, 1]), extra=extra)
    found = uwm.load(tmp_path / "run").extra
    assert found.keys() == extra.keys()
    for name, value in extra.items():
        if isinstance(value, str):
            assert found[name] == value
            continue
        there = found[name]
        assert isinstance(there, np.ndarray)
        assert there.dtype == value.dtype.newbyteorder("=") and there.flags.writeable
        np.testing.assert_array_equal(there, value)
    uwm.save(tmp_path / "run", uwm.Network([3, 1]), extra={"list": [1, 2], "number": 0.5})
    assert uwm.load(tmp_path / "run").extra["number"] == 0.5


class MyBaseline(uwm.Baseline):
    def predict(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.zeros(len(x))

    def update(self, x: npt.NDArray[Any], reward: npt.NDArray[np.float64]) -> None:
        pass


class MyMean(uwm.RunningMean):
    def predict(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.zeros(len(x))


class MySGD(uwm.SGD):
    def step(self, net: uwm.Network, gradient: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ({"baseline": MyBaseline()}, TypeError, "baseline of your own, MyBaseline.*extra="),
        ({"baseline": MyMean()}, TypeError, "baseline of your own, MyMean.*extra="),
        ({"baseline": "0.5"}, TypeError, "baseline must be .*, got a str"),
        ({"baseline": np.nan}, ValueError, "baseline must be finite, got nan"),
        ({"optimizer": MySGD(0.1)}, TypeError, "optimizer of your own, MySGD.*extra="),
        ({"optimizer": "adam"}, TypeError, "optimizer must be .*, got a str"),
        ({"log": [1.0]}, TypeError, "log must be a uwm.Log, got a list"),
        ({"extra": ["a"]}, TypeError, "extra must be a dict"),
        ({"extra": {1: "a"}}, TypeError, "names in extra must be texts, got 1"),
        ({"extra": {"": "a"}}, ValueError, "must not be empty"),
        ({"extra": {"\ud800": "a"}}, ValueError, "must be Unicode"),
        ({"extra": {"a": "\ud800"}}, ValueError, "must be Unicode"),
        ({"extra": {"a": 1j}}, TypeError, r"extra\['a'\] must be .* dtype complex128"),
        ({"extra": {"a": b"bytes"}}, TypeError, r"extra\['a'\] must be .* dtype \|S5"),
        ({"extra": {"a": None}}, TypeError, r"extra\['a'\] must be .* dtype object"),
        ({"extra": {"a": [[1], [1, 2]]}}, ValueError, r"extra\['a'\] must be"),
        ({"extra": {"a": np.longdouble(1)}}, TypeError, "dtype (float128|longdouble)"),
        ({"extra": {"a": np.array("2026-01-01", "M8[D]")}}, TypeError, "datetime64"),
        ({"extra": {"a": np.ma.array([1], mask=[True])}}, TypeError, "mask would be lost"),
        ({"extra": {"a": "x" * 2**24}}, ValueError, "may take 16777216 bytes"),
    ],
)
def test_what_could_not_be_loaded_again_is_refused(
    tmp_path: Path, parts: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        uwm.save(tmp_path / "run", uwm.Network([3, 1]), **parts)
    assert os.listdir(tmp_path) == []


# Paths


@pytest.mark.parametrize("as_path", [str, os.fsencode, Path])
def test_every_kind_of_path(tmp_path: Path, as_path: Callable[[Path], Any]) -> None:
    uwm.save(as_path(tmp_path / "net"), uwm.Network([3, 1]))
    assert uwm.load(as_path(tmp_path / "net")).net.sizes == (3, 1)


def test_a_path_that_is_no_utf8(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\xfe"
    uwm.save(path, uwm.Network([3, 1]))
    assert uwm.load(os.fsdecode(path)).net.sizes == (3, 1)
    with pytest.raises(FileNotFoundError) as caught:
        uwm.load(path + b"x")
    assert caught.value.filename == os.fsdecode(path + b"x")


def test_what_no_file_can_be_called() -> None:
    names: list[tuple[Any, type[Exception], str]] = [
        ("a\0b", ValueError, "NUL"),
        (b"a\0b", ValueError, "NUL"),
        ("\ud800", UnicodeEncodeError, "surrogates"),
        (7, TypeError, "int"),
        (None, TypeError, "None"),
    ]
    for name, error, message in names:
        with pytest.raises(error, match=message):
            uwm.save(name, uwm.Network([3, 1]))
        with pytest.raises(error, match=message):
            uwm.load(name)


def test_loading_raises_the_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_bytes(b"")
    for name in ("a" * 300, "absent", "loop", "loop/net", "file/net", ".", "no/such/folder"):
        path = str(tmp_path / name)
        with pytest.raises(OSError) as expected, open(path, "rb"):
            pass
        with pytest.raises(OSError) as caught:
            uwm.load(path)
        assert type(caught.value) is type(expected.value)
        assert str(caught.value) == str(expected.value)
        assert caught.value.errno == expected.value.errno
        assert caught.value.filename == path


def test_a_pipe_or_device_is_no_file_to_load(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(uwm.FileError, match="is not a regular file"):
            uwm.load(path)


# What is in the file


def parts_of(content: bytes) -> tuple[dict[str, Any], bytes]:
    end = 8 + struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8:end]), content[end:]


def with_checksum(header: dict[str, Any], data: bytes) -> bytes:
    metadata = header["__metadata__"]
    if "crc32" in metadata:
        metadata["crc32"] = "0" * 8
        whole = file_of(header, data)
        metadata["crc32"] = f"{zlib.crc32(whole):08x}"
    return file_of(header, data)


def file_of(header: dict[str, Any], data: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.fixture
def example(tmp_path: Path) -> Path:
    net, adam, mean = parts = uwm.Network([3, 2, 1], seed=1), uwm.Adam(), uwm.RunningMean()
    log = run(parts, 5)
    path = tmp_path / "run"
    uwm.save(path, net, adam, mean, log, extra={"seen": np.arange(3, dtype=np.int16), "task": "x"})
    return path


def test_the_checksum_is_that_of_zlib(example: Path) -> None:
    content = example.read_bytes()
    written = parts_of(content)[0]["__metadata__"]["crc32"].encode()
    assert content.count(written) == 1
    assert f"{zlib.crc32(content.replace(written, b'0' * 8)):08x}".encode() == written


def test_other_tools_read_a_whole_run(example: Path) -> None:
    safetensors = pytest.importorskip("safetensors")
    with safetensors.safe_open(example, "numpy") as file:
        assert file.metadata()["baseline"] == "running_mean"
        assert file.metadata()["extra.task"] == "x"
        np.testing.assert_array_equal(file.get_tensor("extra.seen"), [0, 1, 2])
        weight = uwm.load(example).net.layers[0].weight
        np.testing.assert_array_equal(file.get_tensor("layers.0.weight"), weight)


def test_every_bit_that_flips_and_every_cut_is_refused(example: Path) -> None:
    content = example.read_bytes()
    damaged = [content[:size] for size in range(len(content))] + [content + b"\0"]
    for bit in range(0, 8 * len(content), 3):  # all of them are flipped in the C++ tests
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        damaged.append(bytes(flipped))
    for each in damaged:
        example.write_bytes(each)
        with pytest.raises(uwm.FileError):
            uwm.load(example)


def test_a_header_of_junk_takes_no_memory(example: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    deep = b'{"a":' * 1_000_000
    many = b'{"__metadata__":{' + b",".join(b'"%d":""' % i for i in range(1_200_000)) + b"}}"
    shapes = b'{"a":{"dtype":"F32","shape":[' + b"1," * 7_000_000 + b'1],"data_offsets":[0,4]}}'
    twice = b'{"__metadata__":{"a":"","a":""}}'
    for header, message in (
        (deep, "unknown property 'a'"),
        (many, "more than 100000 names"),
        (shapes, "more than 32 numbers"),
        (twice, "'a' twice"),
        (b" " * 96_000_000, "at most 16777216 are read"),
    ):
        example.write_bytes(struct.pack("<Q", len(header)) + header)
        with pytest.raises(uwm.FileError, match=message):
            uwm.load(example)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 400_000  # KB, most of it for the headers that are made here


def test_negative_second_moments_are_refused_with_and_without_a_checksum(example: Path) -> None:
    for content in (
        example.read_bytes(),
        (DATA / "version-1-float32-adam.safetensors").read_bytes(),
    ):
        header, data = parts_of(content)
        begin = header["optimizer.moments.1.layers.0.weight"]["data_offsets"][0]
        for bad, message in (
            (-1e-30, "second moments of adam must not be negative"),
            (np.inf, "NaN or infinite"),
            (np.nan, "NaN or infinite"),
        ):
            damaged = data[:begin] + struct.pack("<f", bad) + data[begin + 4 :]
            example.write_bytes(with_checksum(header, damaged))
            with pytest.raises(uwm.FileError, match=message):
                uwm.load(example)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("optimizer.steps", "0", "0 updates come with them"),
        ("optimizer.steps", str(2**48), "must be below 2\\^48"),
        ("optimizer.steps", "-1", "a number of updates"),
        ("step", str(2**48), "step must be below 2\\^48"),
        ("baseline", "mean", "'constant' or 'running_mean' as 'baseline', got 'mean'"),
        ("baseline.rate", "0", "rate must be above 0"),
        ("baseline.value", "nan", "a number as 'baseline.value'"),
        ("baseline.value", None, "has no 'baseline.value'"),
        ("log.steps", "-1", "must not be negative"),
        ("log.steps", None, "rewards of a log, and no log"),
        ("log.batch_size", "-1", "must not be negative"),
        ("log.mean_reward", "inf", "a number as 'log.mean_reward'"),
        ("log.seconds", "-1", "must not be negative"),
        ("log.stopped", "yes", "true or false as 'log.stopped'"),
        ("extra.seen", "x", "has 'extra.seen' twice"),
        ("version", "3", "format version '3'; this library reads 1 and 2"),
        ("version", None, "has no 'version'"),
        ("crc32", None, "has no checksum"),
    ],
)
def test_metadata_that_cannot_be_right_is_named(
    example: Path, key: str, value: str | None, message: str
) -> None:
    header, data = parts_of(example.read_bytes())
    if value is None:
        del header["__metadata__"][key]
    else:
        header["__metadata__"][key] = value
    example.write_bytes(with_checksum(header, data))
    with pytest.raises(uwm.FileError, match=message):
        uwm.load(example)


def test_files_of_version_1_load() -> None:
    net, adam = uwm.load(DATA / "version-1-float32-adam.safetensors")
    assert (net.sizes, net.units, net.seed, net.step) == ((6, 7, 5, 1), "bipolar", 2**64 - 5, 20)
    assert net.temperature == tuple(np.float32([0.7, 1 / 3, 1.1]).tolist())
    assert (adam.steps, adam.settings["beta1"]) == (20, 0.8)
    assert repr(adam.learning_rate[0]) == "uwm.Linear(0.01, 0.001, 100)"
    header, data = parts_of((DATA / "version-1-float32-adam.safetensors").read_bytes())
    begin, end = header["layers.0.weight"]["data_offsets"]
    assert net.layers[0].weight.tobytes() == data[begin:end]

    net, sgd = uwm.load(DATA / "version-1-float64-sgd.safetensors")
    assert (net.dtype, sgd.name, sgd.settings) == (np.float64, "sgd", {"momentum": 0.9})
    loaded = uwm.load(DATA / "version-1-network-alone.safetensors")
    assert (loaded.net.output, loaded.optimizer) == (uwm.Gaussian(sigma=0.25), None)
    assert loaded.baseline is None and loaded.log is None and loaded.extra == {}
