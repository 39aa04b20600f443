"""A table's text out of a file's bytes: gzip, byte order marks and encodings."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from typing import IO

MOST_BYTES = 2**30  # of text; a larger table belongs into an NPZ file
PIECE = 2**20
MARKS = (  # the longer first: UTF-32's mark begins as UTF-16's does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(file: IO[bytes]) -> str:
    """Return the text of an open file, unpacked if it is gzip, without its byte order mark.

    The encoding is the one that the byte order mark names, else UTF-8.
    Raises ValueError for damaged gzip, bytes that are no text of this encoding, NUL characters, and
    more than MOST_BYTES.

    >>> import gzip, io
    >>> read_text(io.BytesIO(gzip.compress("a,b".encode("utf-16"))))
    'a,b'
    """
    content = read_at_most(file)
    if content.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(io.BytesIO(content)) as unpacked:
                content = read_at_most(unpacked)
        except (OSError, EOFError, zlib.error) as error:  # all of them damage: it is in memory
            raise ValueError(f"not a readable gzip file: {error}") from None
    encoding = next((name for mark, name in MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"not a readable CSV text file: line {line} is no {encoding.upper()[:6].rstrip('-')}"
            f" text (byte {content[error.start]:#04x}); save it as UTF-8"
        ) from None
    for character, name in (("\0", "a NUL character"), ("\ufeff", "a byte order mark")):
        at = text.find(character)
        if at >= 0:
            line = text.count("\n", 0, at) + 1
            raise ValueError(f"not a readable CSV text file: line {line} holds {name}")
    return text


def read_at_most(file: IO[bytes] | gzip.GzipFile) -> bytes:
    """Return what a file holds, or raise ValueError if that is more than MOST_BYTES.

    One large read would reserve all that memory for a small file, too.
    """
    content = io.BytesIO()
    while piece := file.read(PIECE):
        content.write(piece)
        if content.tell() > MOST_BYTES:
            raise ValueError(
                f"more than {MOST_BYTES:,} bytes of text; an NPZ file can hold as much"
            )
    return content.getvalue()
