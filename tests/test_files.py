"""Files that are replaced: whole or not at all, and the name stays what it was."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

import uwm
from uwm.files import locked, replace_file

Write = Callable[[Path], object]

WAYS: dict[str, Write] = {
    "replace_file": lambda path: replace_file(path, b"content"),
    "save": lambda path: uwm.save(path, uwm.Network([2, 1])),
}

each_way = pytest.mark.parametrize("write", WAYS.values(), ids=WAYS)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@each_way
@pytest.mark.parametrize("kept", [0o600, 0o640, 0o664, 0o755])
def test_writing_again_keeps_the_mode_of_a_file(tmp_path: Path, write: Write, kept: int) -> None:
    path = tmp_path / "file"
    write(path)
    path.chmod(kept)
    write(path)
    assert mode(path) == kept


@each_way
def test_a_new_file_obeys_the_umask(tmp_path: Path, write: Write) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "file")
    finally:
        os.umask(before)
    assert mode(tmp_path / "file") == 0o640


@each_way
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_writing_again_keeps_owner_and_group(tmp_path: Path, write: Write) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    os.chown(path, 1234, 2345)
    path.chmod(0o660)
    write(path)
    assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (1234, 2345, 0o660)


@each_way
def test_a_symbolic_link_stays_one(tmp_path: Path, write: Write) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "there").write_bytes(b"old")
    links = {
        "absolute": tmp_path / "folder" / "there",
        "relative": Path("folder/there"),
        "link to a link": Path("relative"),
        "to nothing yet": Path("folder/new"),
    }
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
        write(tmp_path / name)
        assert (tmp_path / name).is_symlink() and (tmp_path / name).read_bytes() != b"old"
    assert sorted(os.listdir(tmp_path / "folder")) == ["new", "there"]


@each_way
@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("absent/file", errno.ENOENT),
        ("folder", errno.EISDIR),
        ("loop", errno.ELOOP),
        ("loop/file", errno.ELOOP),
        ("file/below", errno.ENOTDIR),
        ("a" * 300, errno.ENAMETOOLONG),
        ("/dev/full", errno.ENOSPC),
    ],
)
def test_what_the_system_refuses_is_its_own_error(
    tmp_path: Path, write: Write, name: str, number: int
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(OSError) as caught:
        write(tmp_path / name)
    assert type(caught.value) is type(OSError(number, ""))
    assert (caught.value.errno, caught.value.filename) == (number, str(tmp_path / name))
    assert sorted(os.listdir(tmp_path)) == ["file", "folder", "loop"]
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of a user who may not do everything: root becomes nobody meanwhile."""
    with tempfile.TemporaryDirectory() as name:
        is_root = os.geteuid() == 0
        if is_root:
            os.chown(name, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            if is_root:
                os.seteuid(0)


@each_way
def test_what_may_not_be_written_is_not_replaced(folder: Path, write: Write) -> None:
    path = folder / "file"
    path.write_bytes(b"old")
    path.chmod(0o400)
    with pytest.raises(PermissionError, match="file"):
        write(path)
    path.chmod(0o600)
    folder.chmod(0o500)
    with pytest.raises(PermissionError, match="file"):
        write(path)
    with pytest.raises(PermissionError, match="new"):
        write(folder / "new")
    folder.chmod(0o700)
    assert path.read_bytes() == b"old"


def test_a_file_that_may_not_be_read_is_a_permission_error(folder: Path) -> None:
    uwm.save(folder / "net", uwm.Network([3, 1]))
    (folder / "net").chmod(0)
    with pytest.raises(PermissionError, match="net") as caught:
        uwm.load(folder / "net")
    assert (caught.value.errno, caught.value.filename) == (errno.EACCES, str(folder / "net"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
@each_way
def test_what_cannot_keep_its_group_gives_the_new_group_no_more(folder: Path, write: Write) -> None:
    path = folder / "file"
    write(path)
    os.seteuid(0)
    os.chown(path, 65534, 4321)
    path.chmod(0o660)
    os.setegid(65534)
    os.seteuid(65534)
    try:
        write(path)
        assert (path.stat().st_gid, mode(path)) == (65534, 0o600)
    finally:
        os.seteuid(0)
        os.setegid(0)


def test_an_exception_while_writing_leaves_everything(tmp_path: Path) -> None:
    def fails(file: Any) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    (tmp_path / "file").write_bytes(b"old")
    for name in ("file", "new"):
        with pytest.raises(KeyboardInterrupt):
            replace_file(tmp_path / name, fails)
    assert os.listdir(tmp_path) == ["file"] and (tmp_path / "file").read_bytes() == b"old"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 250)  # close to the longest name
    replace_file(path, b"old")

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
        replace_file(tmp_path / "file", b"1")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_lock_ends_with_its_block_whatever_was_forked_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    numbers: list[int] = []
    plain_open = os.open

    def noted(*arguments: Any) -> int:
        numbers.append(plain_open(*arguments))
        return numbers[-1]

    monkeypatch.setattr(os, "open", noted)
    with locked(tmp_path):
        inherited = os.dup(numbers[0])  # what a fork does
    other = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(inherited)
        os.close(other)
