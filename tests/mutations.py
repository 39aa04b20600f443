"""Damage of the kinds that disks, networks, tools and people do to files."""

from __future__ import annotations

import copy
import gzip
import io
import json
import random
import re
import struct
import zipfile
import zlib

NUMBERS = (
    *(b"-1", b"0", b"1", b"1.5", b"NaN", b"inf", b"-0.0", b"1e999", b"1e-400", b"65536", b"''"),
    *(b"2147483648", b"9223372036854775807", b"18446744073709551616", b"9" * 400, b"null", b"[]"),
    *(b"true", b'"x"', b"{}", b"1e308", b"4294967295", b"281474976710656", b"", b"[1, 2]"),
)
TOKENS = (
    *(b",", b"\n", b'"', b"NA", b"#", b"\r\n", b";", b"1e999", b"\0", b"\xff"),
    *(b"{", b"}", b"[", b"]", b":"),
)


def mutated(content: bytes, chance: random.Random, other: bytes = b"") -> bytes:
    """Return the content with one to four changes; pieces of other files may be spliced in."""
    out = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        change = chance.choice(CHANGES)
        change(out, chance, other)
    return bytes(out)


def place(out: bytearray, chance: random.Random) -> tuple[int, int]:
    at = chance.randrange(len(out) + 1)
    return at, min(len(out), at + chance.randint(1, 40))


def bit(out: bytearray, chance: random.Random, _: bytes) -> None:
    if out:
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)


def part(out: bytearray, chance: random.Random, _: bytes) -> None:
    at, to = place(out, chance)
    out[at:to] = chance.randbytes(to - at)


def cut(out: bytearray, chance: random.Random, _: bytes) -> None:
    at, to = place(out, chance)
    del out[at:to]


def end(out: bytearray, chance: random.Random, _: bytes) -> None:
    if chance.random() < 0.3:
        del out[chance.randrange(len(out) + 1) :]


def double(out: bytearray, chance: random.Random, _: bytes) -> None:
    at, to = place(out, chance)
    out[at:at] = out[at:to] * chance.choice((1, 1, 1, 50))


def zeros(out: bytearray, chance: random.Random, _: bytes) -> None:
    at, to = place(out, chance)
    out[at:to] = bytes(to - at)


def token(out: bytearray, chance: random.Random, _: bytes) -> None:
    at, to = place(out, chance)
    out[at : chance.choice((at, to))] = chance.choice(TOKENS)


def number(out: bytearray, chance: random.Random, _: bytes) -> None:
    found = list(re.finditer(rb"-?\d+(?:\.\d+)?(?:e-?\d+)?|true|false|null", bytes(out)))
    if found:
        chosen = chance.choice(found)
        out[chosen.start() : chosen.end()] = chance.choice(NUMBERS)


def splice(out: bytearray, chance: random.Random, other: bytes) -> None:
    at, to = place(out, chance)
    start = chance.randrange(len(other) + 1)
    out[at:to] = other[start : start + chance.randint(1, 200)]


VALUES = (
    *(None, True, -1, 0, 2, 2**63, 10**400, 1.5, 1e308, "", "x", "ste", "0"),
    *([], {}, [1], {"a": 1}, {"ste": []}, ["ste"]),
)
CHANGES = (bit, part, cut, end, double, zeros, token, number, number, splice)

# Damage below a frame that fits again: a length, a checksum, a compression. It gets further.


def in_safetensors(content: bytes, chance: random.Random, other: bytes = b"") -> bytes:
    """Change the header or the data, then set the header's length and the checksum right."""
    size = struct.unpack("<Q", content[:8])[0]
    header, data = content[8 : 8 + size], content[8 + size :]
    if chance.random() < 0.8:
        header = mutated(header, chance, other)
    else:
        data = mutated(data, chance, other)

    def whole(crc: bytes) -> bytes:
        text = re.sub(rb'("crc32": ?")[0-9a-f]{8}', rb"\g<1>" + crc, header)
        return struct.pack("<Q", len(text)) + text + data

    return whole(f"{zlib.crc32(whole(b'0' * 8)):08x}".encode())


def in_npz(content: bytes, chance: random.Random, other: bytes = b"") -> bytes:
    """Change one array of an NPZ file, and pack it again."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    chosen = chance.choice(list(members))
    members[chosen] = mutated(members[chosen], chance, other)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def in_gzip(content: bytes, chance: random.Random, other: bytes = b"") -> bytes:
    """Change what a gzip file holds, and pack it again."""
    return gzip.compress(mutated(gzip.decompress(content), chance, other))


def in_json(content: bytes, chance: random.Random, other: bytes = b"") -> bytes:
    """Put another value of any type somewhere into a JSON object: the syntax stays right."""
    if not content.startswith(b"{"):
        return mutated(content, chance, other)
    values = json.loads(content)
    for _ in range(chance.randint(1, 2)):
        at, key = values, chance.choice(list(values))
        while isinstance(at[key], (dict, list)) and at[key] and chance.random() < 0.7:
            at = at[key]
            key = chance.choice(list(at) if isinstance(at, dict) else range(len(at)))
        if chance.random() < 0.2 and len(values) > 1:
            del at[key]
        else:
            at[key] = copy.deepcopy(chance.choice(VALUES))
    return json.dumps(values).encode()
