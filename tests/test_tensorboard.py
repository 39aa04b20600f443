"""Learning curves written for TensorBoard."""

import errno
import os
import struct
import sys
from pathlib import Path

import pytest

from uwm.cli import main
from uwm.experiments.cells import Row
from uwm.experiments.store import Store

pytest.importorskip("tensorboardX")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = {"task": "multiplexer", "address_bits": 3, "hidden": [8], "rule": "../mine.py:Rule"}
    result = {"mean_reward": 0.25, "episodes": [10, 20], "rewards": [0.0, 0.5]}
    with Store("out") as store:
        store.add(Row(f"{k}" * 64, "run", {**spec, "seed": k}, "done", result) for k in (1, 2))
        store.add([Row("3" * 64, "run", {**spec, "seed": 3}, "diverged", None)])
    return tmp_path


def scalars(run: Path):
    """Return the scalars in a run's file as (name, step, value)."""
    from tensorboardX.proto.event_pb2 import Event

    (file,) = run.iterdir()
    data, found, place = file.read_bytes(), [], 0
    while place < len(data):  # length, its checksum, the event, its checksum
        (length,) = struct.unpack_from("<Q", data, place)
        event = Event.FromString(data[place + 12 : place + 12 + length])
        place += length + 16
        found += [(v.tag, event.step, v.simple_value) for v in event.summary.value
                  if v.HasField("simple_value")]  # fmt: skip
    return found


def test_each_result_is_a_run(folder, capsys):
    assert main(["export", "out", "--tensorboard", "events"]) == 0
    assert capsys.readouterr().err == "2 learning curves are new in events\n"
    runs = sorted(folder.glob("events/*/*/*"))
    assert [str(run.relative_to(folder)) for run in runs] == [
        "events/Multiplexer-3-address-bits/mine.py-Rule/seed-1-11111111",
        "events/Multiplexer-3-address-bits/mine.py-Rule/seed-2-22222222",
    ]
    assert scalars(runs[0]) == [
        ("reward", 10, 0.0), ("reward", 20, 0.5), ("result/mean_reward", 0, 0.25),
    ]  # fmt: skip


def test_runs_that_are_there_stay(folder, capsys):
    assert main(["export", "out", "--tensorboard", "events", "--where", "seed=2"]) == 0
    (run,) = folder.glob("events/*/*/*")
    before = {file: file.read_bytes() for file in run.iterdir()}
    assert main(["export", "out", "--tensorboard", "events"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "1 learning curve is new in events", "1 learning curve is new in events",
    ]  # fmt: skip
    assert {file: file.read_bytes() for file in run.iterdir()} == before


def test_a_full_disk_ends_it_and_leaves_nothing_behind(folder, monkeypatch, capsys):
    from tensorboardX.event_file_writer import EventsWriter

    def full(writer, event):
        if event.step == 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    curve = {"mean_reward": 0.5, "episodes": list(range(0, 400, 10)), "rewards": [0.5] * 40}
    with Store("out") as store:
        store.add([Row("4" * 64, "run", {"rule": "ste", "seed": 4}, "done", curve)])
    monkeypatch.setattr(EventsWriter, "write_event", full)
    assert main(["export", "out", "--tensorboard", "events"]) == 1
    assert "No space left" in capsys.readouterr().err
    assert not list(folder.glob("events/*"))


def test_without_the_package_it_says_what_to_install(folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    assert main(["export", "out", "--tensorboard", "events"]) == 2
    assert 'pip install "uwm[tensorboard]"' in capsys.readouterr().err
