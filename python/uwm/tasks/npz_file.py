"""Arrays of an NPZ file by name, read without trusting a word of what the file says of itself.

Only the arrays that are asked for are unpacked, and each only after its declared size has been
compared with the limit and with the archive's own table.
"""

from __future__ import annotations

import errno
import io
import math
import zipfile
from collections.abc import Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from uwm.checks import one_line, shortened

MOST_BYTES = 2**31  # of one array
HEADER_BYTES = 10_000  # of an array's description; NumPy's own take some hundred


def read_arrays(
    file: IO[bytes], needed: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, NDArray[Any]]:
    """Return the named arrays of an open NPZ file.

    Raises ValueError if the file is no NPZ file, is damaged, or lacks a needed array (the message
    lists those it has), and if a wanted array holds Python objects or is larger than MOST_BYTES.

    >>> import io, numpy as np
    >>> file = io.BytesIO()
    >>> np.savez(file, a=np.arange(3), b=np.zeros(1000))
    >>> read_arrays(file, ["a"])
    {'a': array([0, 1, 2])}
    """
    file.seek(0)
    if file.read(6) == b"\x93NUMPY":
        raise ValueError(
            f"it must hold the arrays {' and '.join(needed)}, as np.savez writes them, got one"
            " array without a name, as a .npy file does"
        )
    try:
        with zipfile.ZipFile(file) as archive:
            members = members_by_name(archive)
            missing = [name for name in sorted(needed) if name not in members]
            if missing:
                found = ", ".join(sorted(members)[:10]) + (", ..." if len(members) > 10 else "")
                raise Refused(
                    f"it must hold an array named {' and '.join(missing)}, got {found or 'none'}"
                )
            wanted = [*needed, *(name for name in optional if name in members)]
            return {name: read_member(archive, name, members[name]) for name in wanted}
    except Refused as error:
        raise ValueError(brief(error)) from None
    except MemoryError:
        raise ValueError("not enough memory for its arrays") from None
    except Exception as error:  # damage comes out of zipfile and zlib in a dozen kinds
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise ValueError(f"not a readable NPZ file of plain arrays: {brief(error)}") from None


def brief(error: Exception) -> str:
    """Return what an error says as one line; names in the file may be long and of any kind."""
    return shortened(one_line(str(error) or type(error).__name__), 200)


class Refused(Exception):
    """What the file holds is well-formed, and not what is wanted."""


def members_by_name(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the archive's arrays by name; an array that is there twice is refused."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        if name in members:
            raise Refused(f"it holds two arrays named {name}")
        members[name] = info
    return members


def read_member(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo) -> NDArray[Any]:
    """Return one array of the archive."""
    if info.flag_bits & 1:
        raise Refused(f"{name} is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused(f"{name} must be compressed by deflate, got method {info.compress_type}")
    with archive.open(info) as member:
        shape, fortran, dtype, described = read_description(member, name)
        size = math.prod(shape) * dtype.itemsize
        if size > MOST_BYTES:
            raise Refused(f"{name} must have at most {MOST_BYTES:,} bytes, got {size:,}")
        if described + size != info.file_size:
            raise Refused(
                f"{name} is damaged: shape {shape} of {dtype} takes {size:,} bytes,"
                f" the file has {info.file_size - described:,}"
            )
        content = member.read(size)
        if len(content) != size or member.read(1):  # the last read compares the checksum
            raise Refused(f"{name} is damaged: {len(content):,} bytes of {size:,} are there")
    if dtype.kind == "b":
        flat: NDArray[Any] = np.frombuffer(content, np.uint8) != 0
    else:
        flat = np.frombuffer(content, dtype) if size else np.zeros(math.prod(shape), dtype)
    return flat.reshape(shape, order="F" if fortran else "C")


def read_description(
    member: IO[bytes], name: str
) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Return shape, Fortran order, dtype and the length of the description of an array."""
    start = member.read(8)
    version = tuple(start[6:8])
    if start[:6] != b"\x93NUMPY" or version not in ((1, 0), (2, 0)):
        raise Refused(f"{name} is no plain NumPy array")
    prefix = member.read(2 if version == (1, 0) else 4)
    length = int.from_bytes(prefix, "little")
    if length > HEADER_BYTES:
        raise Refused(f"{name} must be described in at most {HEADER_BYTES:,} bytes, got {length:,}")
    text = member.read(length)
    read = np.lib.format.read_array_header_1_0
    if version == (2, 0):
        read = np.lib.format.read_array_header_2_0
    try:
        shape, fortran, dtype = read(io.BytesIO(prefix + text), max_header_size=HEADER_BYTES)
    except Exception:  # NumPy evaluates the text, which may be anything
        raise ValueError(f"the description of {name} is damaged") from None
    if dtype.hasobject:
        raise Refused(f"{name} must be a plain array, got one of Python objects")
    if any(n < 0 for n in shape) or len(shape) > 32 or dtype.itemsize == 0 < math.prod(shape):
        raise Refused(f"{name} is damaged: shape {shape} of {dtype}")
    return tuple(int(n) for n in shape), bool(fortran), dtype, len(start) + len(prefix) + len(text)
