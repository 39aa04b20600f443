"""A file is replaced whole or not at all, and keeps what its name was."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import pytest

from uwm.files import locked, replace_file


def put(path: Path, content: bytes) -> None:
    replace_file(path, lambda file: file.write(content))


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_replaced_file_keeps_its_mode_and_a_new_one_follows_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "file"
    before = os.umask(0o027)
    try:
        put(path, b"1")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640
    path.chmod(0o600)
    put(path, b"2")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"2", 0o600)


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_bytes(b"1")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "there" / "file")
    put(link, b"2")
    assert link.is_symlink()
    assert (tmp_path / "there" / "file").read_bytes() == b"2"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 250)  # close to the longest name
    put(path, b"old")

    def fail(file: BinaryIO) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left on device") as caught:
        replace_file(path, fail)
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_lock_leaves_no_file(tmp_path: Path) -> None:
    with locked(tmp_path):
        put(tmp_path / "file", b"1")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
