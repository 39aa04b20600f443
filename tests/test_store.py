"""The store of results: what it keeps, and what it refuses."""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from uwm.experiments import load
from uwm.experiments.cells import Cell, Found, Row
from uwm.experiments.columns import columns
from uwm.experiments.store import NAME, Store
from uwm.experiments.store.rows import Lists


def row(seed: int, *, status: str = "done", reward: float = 0.5, kind: str = "run") -> Row:
    """Return a row of a run."""
    spec = {"task": {"name": "multiplexer", "address_bits": 3}, "rule": "ste", "seed": seed}
    result = {"mean_reward": reward, "rewards": [0.0, reward], "episodes": [50, 100]}
    cell = Cell(kind, spec, lambda context: Found())
    lost = status in ("failed", "interrupted")
    return Row(
        cell.key, kind, spec, status, None if lost else result, "it broke" if lost else "",
        "Traceback" if lost else "", {"version": "0.1.0", "seconds": 0.25},
    )  # fmt: skip


def test_rows_come_back_as_they_were(tmp_path):
    rows = [row(0), row(1, status="diverged"), row(2, kind="noise")]
    with Store(tmp_path) as store:
        assert store.add(rows) == 3
        assert store.add(rows) == 0
        assert list(store.rows()) == rows
        assert list(store.rows("noise")) == rows[2:]
    with Store(tmp_path, create=False) as store:
        assert len(store) == 3
        assert store.find([rows[1].key, "none", rows[0].key]) == {r.key: r for r in rows[:2]}


def test_first_result_stays_unless_replaced(tmp_path):
    with Store(tmp_path) as store:
        store.add([row(0)])
        assert store.add([row(0, reward=0.75)]) == 0
        assert store.find([row(0).key])[row(0).key].result["mean_reward"] == 0.5
        assert store.replace([row(0, reward=0.75)]) == 1
        assert store.find([row(0).key])[row(0).key].result["mean_reward"] == 0.75


def test_failures_are_kept_until_there_is_a_result(tmp_path):
    with Store(tmp_path) as store:
        assert store.add([row(0, status="failed"), row(1, status="interrupted")]) == 0
        assert store.add([row(0, status="failed")]) == 0
        assert store.failures() == [row(0, status="failed")]
        assert not store.find([row(0).key, row(1).key])
        store.add([row(0)])
        assert store.failures() == []


def test_many_rows(tmp_path):
    rows = [row(k) for k in range(1201)]
    with Store(tmp_path) as store:
        store.add(rows)
        assert list(store.rows()) == rows
        assert len(store.find(r.key for r in rows)) == 1201


def test_studies(tmp_path):
    with Store(tmp_path) as store:
        store.note_study("compare", "Multiplexer", {"seeds": 2}, ["a", "b"])
        store.note_study("tune", "Digits", {}, [])
        store.note_study("compare", "Multiplexer", {"seeds": 2}, ["a", "b"])
        first, second = store.studies()
        assert (first.command, second.command) == ("tune", "compare")
        assert (second.settings, second.keys) == ({"seeds": 2}, ("a", "b"))


def test_values(tmp_path):
    with Store(tmp_path) as store:
        store.add([Row("k", "run", {"seed": 0}, "done", {"x": math.nan, "y": [1.0, math.nan]})])
        assert store.find(["k"])["k"].result == {"x": None, "y": [1.0, None]}
        with pytest.raises(ValueError, match="result must be finite numbers or NaN, got infinity"):
            store.add([row(1), Row("l", "run", {}, "done", {"x": math.inf})])
        with pytest.raises(TypeError, match="spec must be JSON values, got "):
            store.add([row(1), Row("l", "run", {"x": object()}, "done", {})])
        store.add([Row("m", "run", {"task": "\udcff.csv"}, "failed", None, "\udcff", "\udcff")])
        assert store.failures()[0].spec == {"task": "\udcff.csv"}
        assert len(store) == 1


def test_lists_are_read_as_json_reads_them() -> None:
    lists, plain = Lists(), '{"rewards":[0.5,null,-2e3],"episodes":[1,2,3]}'
    texts = [plain, '{"a":[]}', '{"a":[[1]],"b":[{"c":"]"}]}', '{"a":["x","],"],"b":[1]}', "{}"]
    texts += ['{"a\\"":[1]}', '{"a":[1],"b" :[2]}', '{"a":[1] ,"b":[2]}', '{"a":1,"b":[2]}', plain]
    for text in texts:
        assert lists.read(text) == json.loads(text)
    for k in range(len(plain)):
        for damaged in (plain[:k] + plain[k + 1 :], plain[:k] + '"' + plain[k:]):
            try:
                expected = json.loads(damaged)
            except ValueError:
                with pytest.raises(ValueError):
                    lists.read(damaged)
            else:
                assert lists.read(damaged) == expected


def test_threads_share_a_store(tmp_path):
    with Store(tmp_path) as store:
        threads = [
            threading.Thread(target=lambda k=k: [store.add([row(j)]) for j in range(k, k + 30)])
            for k in range(0, 120, 20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store) == 130


def test_ctrl_c_while_another_process_writes_leaves_nothing_begun(tmp_path, monkeypatch):
    monkeypatch.setattr("uwm.experiments.store.file.SECONDS", 5.0)
    with Store(tmp_path) as store:
        other = sqlite3.connect(tmp_path / NAME, isolation_level=None, check_same_thread=False)
        with contextlib.closing(other):
            other.execute("BEGIN IMMEDIATE")
            interrupt = threading.Timer(0.1, signal.raise_signal, [signal.SIGINT])
            end = threading.Timer(0.3, other.execute, ["COMMIT"])
            interrupt.start()
            end.start()
            with pytest.raises(KeyboardInterrupt):
                store.add([row(0)])
            end.join()
        with Store(tmp_path) as another:
            assert another.add([row(1)]) == 1  # nobody waits for a lock
        assert store.add([row(0)]) == 1


def open_connections() -> set[int]:
    found = set()
    for each in gc.get_objects():
        if isinstance(each, sqlite3.Connection):
            with contextlib.suppress(sqlite3.ProgrammingError):
                each.in_transaction  # noqa: B018
                found.add(id(each))
    return found


def test_a_merge_that_fails_closes_the_other_store(tmp_path, monkeypatch):
    with Store(tmp_path / "other") as other:
        other.add([row(0)])
    with Store(tmp_path / "one") as store:
        before = open_connections()
        monkeypatch.setattr("uwm.experiments.store.merging.AT_A_TIME", 1)
        monkeypatch.setattr(store, "add", lambda rows: 1 / 0)
        with pytest.raises(ZeroDivisionError) as failed:
            store.merge(tmp_path / "other")
        assert failed and open_connections() == before


def test_closed_store(tmp_path):
    store = Store(tmp_path)
    store.close()
    store.close()
    with pytest.raises(ValueError, match="must be open, got a store that was closed"):
        store.add([row(0)])


WRITER = """
import sys
from uwm.experiments.cells import Row
from uwm.experiments.store import Store
folder, name = sys.argv[1:]
with Store(folder) as store:
    for k in range(10**6):
        key = f"{name}-{k}"
        store.add([Row(key, "run", {"seed": k}, "done", {"rewards": [0.5] * 200})])
        print(key, flush=True)
"""


def test_killed_writers_lose_no_row(tmp_path):
    """Four processes write into a folder that none has made, and are killed one after another."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "new"), str(k)],
            stdout=subprocess.PIPE, text=True,
        )
        for k in range(4)
    ]  # fmt: skip
    acknowledged = []
    try:
        for writer in writers:
            acknowledged.append(writer.stdout.readline().strip())
        for delay, writer in zip((0.2, 0.05, 0.13, 0.02), writers, strict=True):
            time.sleep(delay)
            writer.send_signal(signal.SIGKILL)
        for writer in writers:
            acknowledged += writer.communicate()[0].split()
    finally:
        for writer in writers:
            writer.kill()
    with Store(tmp_path / "new", create=False) as store:
        assert store.find(acknowledged).keys() == set(acknowledged)
        assert len(acknowledged) >= 4
        assert len(store) <= len(acknowledged) + 4
        store.add([row(0)])


def filled(folder: Path) -> Path:
    """Return the path of a store with two results."""
    with Store(folder) as store:
        store.add([row(0), row(1)])
    return folder / NAME


def unchanged(path: Path) -> bool:
    """Whether the store has its two results, and takes a third."""
    with Store(path.parent, create=False) as store:
        return list(store.rows()) == [row(0), row(1)] and store.add([row(2)]) == 1


def test_store_that_must_be_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no store of results"):
        Store(tmp_path / "none", create=False)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("content", [b"rule,seed\nste,0\n", b"SQLite"])
def test_file_of_somebody_elses(tmp_path, content):
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(ValueError, match=r"results\.sqlite must be a store of results, got"):
        Store(tmp_path)
    assert (tmp_path / NAME).read_bytes() == content


def test_database_of_somebody_elses(tmp_path):
    with sqlite3.connect(tmp_path / NAME) as other:
        other.execute("CREATE TABLE results (x)")
    other.close()
    with pytest.raises(ValueError, match="must be a store of results, got something else"):
        Store(tmp_path)
    (tmp_path / "folder" / NAME).mkdir(parents=True)
    with pytest.raises(ValueError, match="must be a store of results, got something else"):
        Store(tmp_path / "folder")


def test_newer_version(tmp_path):
    path = filled(tmp_path)
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 7")
    newer.close()
    for create in (True, False):
        with pytest.raises(ValueError, match="got version 7 of a newer uwm: update uwm, or choose"):
            Store(tmp_path, create=create)
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 1")
    newer.close()
    assert unchanged(path)


def test_damaged_file(tmp_path):
    path = filled(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    damaged = r"is damaged .*: it stays as it is; uwm merge NEW_FOLDER"
    with pytest.raises(ValueError, match=damaged), Store(tmp_path) as store:
        list(store.rows())
    path.write_bytes(whole)
    assert unchanged(path)


def test_full_disk(tmp_path):
    path = filled(tmp_path)
    with Store(tmp_path) as store:
        store._connection.execute("PRAGMA max_page_count = 1")  # stands for the end of the disk
        with pytest.raises(OSError) as caught:
            store.add(row(k) for k in range(2, 500))
        assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
        assert list(store.rows()) == [row(0), row(1)]
    assert unchanged(path)


def test_locked_store(tmp_path, monkeypatch):
    path = filled(tmp_path)
    monkeypatch.setattr("uwm.experiments.store.file.SECONDS", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    with Store(tmp_path) as store:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TimeoutError, match="another process has kept it locked"):
            store.add([row(2)])
        other.execute("ROLLBACK")
    other.close()
    assert unchanged(path)


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
            os.chmod(name, 0o700)
            if is_root:
                os.seteuid(0)


def test_folder_that_can_only_be_read(folder):
    path = filled(folder)
    folder.chmod(0o500)
    with Store(folder) as store:
        assert not store.writable
        assert list(store.rows()) == [row(0), row(1)]
        with pytest.raises(PermissionError, match="it can be read, not written"):
            store.add([row(2)])
    with pytest.raises(PermissionError):
        Store(folder / "sub")
    folder.chmod(0o700)
    (folder / "empty").mkdir()
    sqlite3.connect(folder / "empty" / NAME).execute("PRAGMA journal_mode = WAL").connection.close()
    (folder / "empty").chmod(0o500)
    with pytest.raises(FileNotFoundError, match="there is no store of results"):
        Store(folder / "empty")
    (folder / "empty").chmod(0o700)
    folder.chmod(0o500)
    folder.chmod(0o700)
    assert unchanged(path)


def test_read_only_folder_with_a_journal(folder):
    """A writer was killed before its rows went from the journal into the file."""
    with Store(folder / "one") as store:
        store.add([row(0)])
        shutil.copytree(folder / "one", folder / "two")
    (folder / "two" / f"{NAME}-shm").unlink()
    (folder / "two").chmod(0o500)
    with Store(folder / "two", create=False) as store:
        assert list(store.rows()) == [row(0)]
    (folder / "two").chmod(0o700)


def test_a_journal_that_is_refused_is_closed(folder):
    with Store(folder / "one"):
        with contextlib.closing(sqlite3.connect(folder / "one" / NAME)) as newer:
            newer.execute("PRAGMA user_version = 99")
        shutil.copytree(folder / "one", folder / "two")
    (folder / "two" / f"{NAME}-shm").unlink()
    (folder / "two").chmod(0o500)
    before = open_connections()
    with pytest.raises(ValueError, match="version 99 of a newer uwm") as refused:
        Store(folder / "two", create=False)
    assert refused and open_connections() == before
    (folder / "two").chmod(0o700)


def test_lines_are_sorted_and_bring_everything_back(tmp_path):
    rows = [row(k) for k in (3, 1, 2)]
    with Store(tmp_path / "one") as one, Store(tmp_path / "two") as two:
        one.add([*rows, row(9, status="failed")])
        one.note_study("compare", "Multiplexer", {"seeds": 4}, [r.key for r in rows])
        one.write_lines(tmp_path / "one.jsonl")
        merged = two.merge(tmp_path / "one.jsonl")
        assert (merged.added, merged.same, merged.others, merged.problems) == (3, 0, (), ())
        assert two.failures() == one.failures()
        assert two.studies() == one.studies()
        assert list(two.rows()) == sorted(rows, key=lambda r: r.spec["seed"])
        two.write_lines(tmp_path / "two.jsonl")
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()


@pytest.mark.parametrize("by", ["folder", "file", "lines"])
def test_merged_results(tmp_path, by):
    with Store(tmp_path / "one") as one, Store(tmp_path / "two") as two:
        one.add([row(0), row(1), row(2)])
        two.add([row(1), row(2, reward=0.75), row(3)])
        two.write_lines(tmp_path / "lines")
        source = {"folder": tmp_path / "two", "file": two.path, "lines": tmp_path / "lines"}[by]
        merged = one.merge(source)
        assert (merged.added, merged.same, merged.problems) == (1, 1, ())
        assert merged.others == (row(2, reward=0.75),)
        assert list(one.rows()) == [row(k) for k in range(4)]
        assert one.merge(source).added == 0
        assert one.merge(tmp_path / "one").same == 4


def test_lines_that_are_no_rows(tmp_path):
    with Store(tmp_path) as store:
        store.add([row(0), row(1)])
        store.write_lines(tmp_path / "lines")
    first, second = (tmp_path / "lines").read_text().splitlines()
    bad = [
        second[:100],
        "[1]",
        "{}",
        '{"study": 1}',
        first.replace('"seed":0', '"seed":7'),
        first.replace('"done"', '"half"'),
        first.replace('"spec":{', '"spec":[],"x":{'),
        "[" * 100_000,
    ]
    (tmp_path / "lines").write_text("\n".join([*bad, "", first]))
    with Store(tmp_path / "new") as store:
        merged = store.merge(tmp_path / "lines")
        assert list(store.rows()) == [row(0)]
        assert len(merged.problems) == len(bad)
        assert all(f"lines: line {k + 1}: " in p for k, p in enumerate(merged.problems))
        assert "key must be that of kind and spec, got " in merged.problems[4]
        with pytest.raises(FileNotFoundError):
            store.merge(tmp_path / "none")


def test_rows_of_a_damaged_store(tmp_path):
    rows = {r.key: r for r in map(row, range(400))}
    with Store(tmp_path / "damaged") as store:
        store.add(rows.values())
        store.note_study("compare", "Multiplexer", {}, [])
    path = tmp_path / "damaged" / NAME
    content = path.read_bytes()
    middle = len(content) // 2 // 4096 * 4096
    path.write_bytes(content[:middle] + b"\xff" * 8192 + content[middle + 8192 :])
    with pytest.raises(ValueError, match="is damaged"), Store(tmp_path / "damaged") as store:
        list(store.rows())
    with Store(tmp_path / "new") as store:
        merged = store.merge(tmp_path / "damaged")
        assert "it is damaged (database disk image is malformed): some of its res" in str(merged)
        assert 300 < merged.added == len(store) < 400
        assert all(rows[found.key] == found for found in store.rows())
        assert len(store.studies()) == 1
    assert path.read_bytes()[middle : middle + 8192] == b"\xff" * 8192


def test_study_that_grows(tmp_path):
    with Store(tmp_path) as store:
        for keys in (["a"], ["a", "b", "c"], ["a", "b"], ["a", "d"]):
            store.note_study("tune", "Digits", {"seeds": 2}, keys)
        assert [study.keys for study in store.studies()] == [("a", "b", "c"), ("a", "d")]


def test_frames(tmp_path):
    with Store(tmp_path) as store:
        store.add([row(0), row(1, reward=0.75), row(2, kind="noise"), row(3, status="failed")])
    frame = load(tmp_path)
    assert frame.columns.tolist() == [
        "key", "kind", "status", "task", "task_address_bits", "rule", "seed", "mean_reward",
        "made_version", "made_seconds",
    ]  # fmt: skip
    assert frame["seed"].tolist() == [0, 1, 2]
    assert frame["mean_reward"].tolist() == [0.5, 0.75, 0.5]
    assert load(tmp_path, kind="noise")["key"].tolist() == [row(2, kind="noise").key]
    points = load(tmp_path, kind="run", curves=True)
    assert points.columns.tolist() == ["key", "kind", "rule", "seed", "reward", "episode"]
    assert points[["seed", "reward", "episode"]].values.tolist() == [
        [0, 0.0, 50], [0, 0.5, 100], [1, 0.0, 50], [1, 0.75, 100],
    ]  # fmt: skip
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none")


def test_columns_of_different_rows():
    rows = [
        Row("a", "run", {"hidden": [64, 32], "x": {"y": 1}}, "done", {"x_y": 1.0, "z": math.nan}),
        Row("b", "run", {"hidden": [], "seed": 2**64}, "diverged"),
        Row("c", "run", {"hidden": [8], "rates": [[1], {}]}, "done", {"status": "odd"}),
    ]
    found = columns(rows)
    assert found.settings == ("hidden", "x_y", "seed", "rates")
    assert found["hidden"] == ["64,32", "none", 8]
    assert found["x_y"] == [1, None, None]
    assert found["result_x_y"] == [1.0, None, None]
    assert found["rates"] == [None, None, "[[1], {}]"]
    assert found["result_status"] == [None, None, "odd"]
    assert found["status"] == ["done", "diverged", "done"]
    assert found.where({"hidden": "8"})["key"] == ["c"]
    with pytest.raises(ValueError, match=r"column must be one of key, .*, got 'hiden'"):
        found.where({"hiden": "8"})
    with pytest.raises(ValueError, match="hidden must be one of '64,32, none, 8', got '7'"):
        found.where({"hidden": "7"})
