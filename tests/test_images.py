"""MNIST's files, and images whose pixels are drawn."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

import uwm
from uwm.tasks import Binarized, Classification, mnist
from uwm.tasks.idx_files import read_idx


def idx(array: np.ndarray) -> bytes:
    """The array as an IDX file."""
    return (
        bytes([0, 0, 8, array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.tobytes()
    )


def write_mnist(folder: Path, *, packed: bool) -> np.ndarray:
    """Write twelve images and six to test on; returns the former."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 4, 5), dtype=np.uint8)
    files = {
        "train-images-idx3-ubyte": images,
        "train-labels-idx1-ubyte": np.arange(12, dtype=np.uint8) % 3,
        "t10k-images-idx3-ubyte": images[:6],
        "t10k-labels-idx1-ubyte": np.arange(6, dtype=np.uint8) % 3,
    }
    for name, array in files.items():
        content = idx(array)
        path = folder / (name + ".gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)
    return images


@pytest.mark.parametrize(("below", "packed"), [("", False), ("", True), ("MNIST/raw", False)])
def test_mnist_is_read_as_it_is_handed_out(tmp_path: Path, below: str, packed: bool) -> None:
    images = write_mnist(tmp_path / "here" / below, packed=packed)
    task = mnist(tmp_path / "here")
    assert (task.n_inputs, task.n_outputs) == (20, 3)
    assert np.array_equal(task.train_inputs, images.reshape(12, 20) / 255)
    assert task.test_labels.tolist() == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be an IDX file of bytes in 3 dimensions"),
        (bytes([0, 0, 13, 3]) + bytes(20), "must be an IDX file of bytes in 3 dimensions"),
        (idx(np.zeros((2, 2, 2), np.uint8))[:-1], "must hold 8 bytes, got 7"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "images").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_idx(tmp_path, "images", 3)
    (tmp_path / "packed.gz").write_bytes(b"no gzip")
    with pytest.raises(ValueError, match="must be packed with gzip"):
        read_idx(tmp_path, "packed", 3)
    with pytest.raises(FileNotFoundError, match=r"no other or other\.gz in"):
        read_idx(tmp_path, "other", 3)


def test_labels_that_are_missing_are_told(tmp_path: Path) -> None:
    write_mnist(tmp_path / "here", packed=False)
    (tmp_path / "here" / "t10k-labels-idx1-ubyte").write_bytes(idx(np.zeros(5, np.uint8)))
    with pytest.raises(ValueError, match="one label per image, got 6 t10k images and 5 labels"):
        mnist(tmp_path / "here")


def test_pixels_are_drawn_with_their_intensity_as_the_probability() -> None:
    images = Classification([[0.0, 4.0, 16.0], [16.0, 4.0, 0.0]], ["a", "b"])
    task = Binarized(images, low=0)
    drawn = task.inputs(3, 0, 20_000)
    assert np.array_equal(drawn, task.inputs(3, 0, 20_000))
    assert not np.array_equal(drawn, task.inputs(3, 1, 20_000))
    plain = images.inputs(3, 0, 20_000)
    assert np.array_equal(drawn[:, 0], plain[:, 0] / 16) and np.array_equal(
        drawn[:, 2], plain[:, 2] / 16
    )
    assert abs(drawn[:, 1].mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 20_000)


def test_a_network_learns_drawn_images() -> None:
    rng = np.random.default_rng(1)
    x = rng.random((200, 6)) * 0.2
    labels = np.arange(200) % 2
    x[labels == 1, :3] += 0.8
    x[labels == 0, 3:] += 0.8
    task = Binarized(Classification(x, labels, x, labels))
    net = uwm.Network([6, 16, 2], output="softmax", units="bipolar")
    log = uwm.train(net, uwm.UnbiasedWeightMax(), uwm.Adam(), task, steps=400, batch_size=16)
    assert log.final_reward > 0.8
    assert task.accuracy(net) > 0.95


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(TypeError, match=r"task must be a uwm\.tasks\.Classification"):
        Binarized(uwm.tasks.Multiplexer())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must differ, got 2 everywhere"):
        Binarized(Classification([[2.0], [2.0]], ["a", "b"]))
    with pytest.raises(ValueError, match="low must be"):
        Binarized(Classification([[0.0], [2.0]], ["a", "b"]), low=1)
