"""MNIST from the user's disk: nothing is fetched."""

from __future__ import annotations

import gzip
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uwm.tasks.classification import Classification

#: Where torchvision keeps the files below the folder that it is given.
TORCHVISION = Path("MNIST") / "raw"
IMAGES, LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"


def mnist(folder: str | os.PathLike[str]) -> Classification:
    """Return the MNIST images in a folder as a bandit of ten actions.

    folder: holds the four files `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
    `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, packed with gzip (`.gz`) or not. The
    folder that `torchvision.datasets.MNIST` was given will do, too. Data sets in the same format,
    such as Fashion-MNIST, are read alike; what OpenML gives goes into `Classification` as it is.
    Pixels are scaled to 0 to 1. `Binarized` draws them.

    Raises OSError if a file is missing or unreadable, ValueError if one is no such file.

    Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits, 1998.

    >>> import uwm
    >>> uwm.tasks.mnist("no/such/folder")
    Traceback (most recent call last):
    FileNotFoundError: no train-images-idx3-ubyte or train-images-idx3-ubyte.gz in no/such/folder
    """
    here = Path(folder)
    if (here / TORCHVISION).is_dir():
        here = here / TORCHVISION
    parts: list[NDArray[Any]] = []
    for part in ("train", "t10k"):
        images, labels = (
            read_idx(here, f"{part}-{IMAGES}", 3),
            read_idx(here, f"{part}-{LABELS}", 1),
        )
        if len(images) != len(labels):
            raise ValueError(
                f"{here} must hold one label per image, got {len(images)} {part} images and"
                f" {len(labels)} labels"
            )
        parts += [images.reshape(len(images), -1) / 255.0, labels]
    return Classification(*parts, name="MNIST")


def read_idx(folder: Path, name: str, dimensions: int) -> NDArray[np.uint8]:
    """Return the bytes of a file in the IDX format: a magic number, big-endian sizes, bytes."""
    path = folder / name
    if path.exists():
        content = path.read_bytes()
    else:
        packed = path.with_name(name + ".gz")
        if not packed.exists():
            raise FileNotFoundError(f"no {name} or {name}.gz in {folder}")
        path = packed
        try:
            content = gzip.decompress(packed.read_bytes())
        except (EOFError, gzip.BadGzipFile) as error:
            raise ValueError(f"{packed} must be packed with gzip: {error}") from None
    head = 4 * (1 + dimensions)
    if len(content) < head or content[:4] != bytes([0, 0, 8, dimensions]):
        raise ValueError(f"{path} must be an IDX file of bytes in {dimensions} dimensions")
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", dimensions, offset=4))
    if len(content) - head != math.prod(shape):
        raise ValueError(f"{path} must hold {math.prod(shape)} bytes, got {len(content) - head}")
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)
