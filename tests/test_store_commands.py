"""The commands that read a store: show, plot, export, merge."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from uwm.cli import main
from uwm.experiments.cells import Cell, Found, Row
from uwm.experiments.series import picture
from uwm.experiments.store import NAME, Store

Captured = pytest.CaptureFixture[str]
PNG = b"\x89PNG\r\n\x1a\n"


def row(rule: str, seed: int, *, status: str = "done", kind: str = "run", **more: Any) -> Row:
    """Return a row of a run, or of an agent, of a few numbers."""
    spec = {"task": "multiplexer", "hidden": [8, 8], "rule": rule, **more, "seed": seed}
    rewards = [0.25 * seed, 0.5 * seed]
    if kind == "run":
        result = {"mean_reward": 0.5 * seed, "rewards": rewards, "episodes": [50, 100]}
    else:
        result = {"last_100": 1.0, "returns": [1.0, 2.0 + seed], "steps": [9, 20 + seed]}
    cell = Cell(kind, spec, lambda context: Found())
    failed = status == "failed"
    return Row(
        cell.key, kind, spec, status, None if status != "done" else result,
        "ValueError: it broke" if failed else "", "Traceback" if failed else "",
        {"version": "0.1.0", "simd_level": "x86-64-v3", "host": "one", "seconds": 60.0},
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with runs of two rules and two widths, an agent, and two failures."""
    monkeypatch.chdir(tmp_path)
    rows = [row(rule, seed) for rule in ("weight_max", "ste") for seed in range(3)]
    rows += [row("ste", seed, hidden=[16, 16]) for seed in range(2)]
    rows += [row("ste", 2, hidden=[16, 16], status="diverged")]
    rows += [row("ste", seed, kind="agent", environment="CartPole-v1") for seed in range(2)]
    with Store(tmp_path / "out") as store:
        store.add(rows)
        store.add(row("mine.py:Mine", seed, status="failed") for seed in range(2))
        keys = [r.key for r in rows[:6]]
        store.note_study("compare", "Multiplexer with 3 address bits", {"seeds": 3}, [*keys, "x"])
    return tmp_path / "out"


def line(shown: str, *words: str) -> str:
    """Return the one line that has these words."""
    (found,) = [each for each in shown.splitlines() if all(word in each for word in words)]
    return found


def test_show(folder: Path, capsys: Captured) -> None:
    assert main(["show", "out"]) == 0
    shown = capsys.readouterr().out
    assert "11 results; uwm 0.1.0; x86-64-v3; one; 11.0 min of work" in shown
    assert line(shown, "compare", "Multiplexer with 3 address bits", "6 of 7")
    words = " ".join(shown.split())
    assert "8,8 weight_max 3 0 0.5 ± 0.5 " in words
    assert "16,16 ste 3 1 0.25 ± 0.35 " in words
    assert "failed: run mine.py:Mine, seeds 0-1: ValueError: it broke" in shown


def test_show_of_some(folder: Path, capsys: Captured) -> None:
    options = ["--kind", "run", "--where", "hidden=8,8", "--by", "rule", "--json"]
    assert main(["show", "out", *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["results"], found["hosts"], found["seconds"]) == (6, ["one"], 360.0)
    assert list(found["tables"]) == ["run"]
    first, second = found["tables"]["run"]
    assert first == {
        "settings": {"rule": "ste"}, "results": 3, "diverged": 0,
        "mean_reward": {"mean": 0.5, "deviation": 0.5},
    }  # fmt: skip
    assert second["settings"] == {"rule": "weight_max"}
    assert found["studies"][0]["cells"] == 7
    assert [failure["spec"]["seed"] for failure in found["failures"]] == [0, 1]


def test_show_of_an_empty_store(tmp_path: Path, capsys: Captured) -> None:
    Store(tmp_path).close()
    assert main(["show", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "0 results\n"


@pytest.mark.parametrize(
    "options",
    [
        ["--where", "hidden=8,8"],
        ["--group", "rule,hidden", "--log-y"],
        ["--x", "hidden", "--y", "mean_reward"],
        ["--x", "seed", "--y", "made_seconds", "--group", "hidden,rule,task", "--kind", "run"],
        ["--x", "step", "--y", "return"],
    ],
)
def test_plot(folder: Path, capsys: Captured, options: list[str]) -> None:
    assert main(["plot", "out", *options, "--out", "some.png"]) == 0
    assert capsys.readouterr().out == "Written: some.png\n"
    assert Path("some.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("show none", "none/results.sqlite: there is no store of results"),
        ("show out --where hiden=8", "column must be one of key, kind, "),
        ("show out --where rule=stee", "rule must be one of 'weight_max, ste', got 'stee'"),
        ("show out --where rule", "argument --where: must be COLUMN=VALUE, got 'rule'"),
        ("show out --by rule,sede", "column must be one of key, "),
        ("show out --kind runs", "kind must be one of run, agent, got 'runs' (did you mean run?)"),
        ("plot out", "group must tell hidden 8,8 from hidden 16,16: use rule,hidden, or choose one"
         " of them, hidden=8,8"),
        ("plot out --x epsode", "x must be one of "),
        ("plot out --y rewad", "return, step, got 'rewad' (did you mean reward?)"),
        ("plot out --x hidden --y rule", "y must be a column of numbers, got 'rule'"),
        ("plot out --x hidden --y return", "must be of the same results, got hidden and return"),
        ("plot out --x episode --y last_100", "must be of the same results, got episode and last_"),
        ("plot out --out plot.pdf", "--out must be a .png file, got plot.pdf"),
        ("export out", "name a file: --csv FILE, --parquet FILE or --lines FILE, or a folder"),
        ("export out --lines - --kind run", "--lines writes everything"),
        ("export out --csv none/a.csv", "none/a.csv: No such file or directory"),
        ("merge new none", "none: No such file or directory"),
    ],
)  # fmt: skip
def test_wrong_usage(folder: Path, capsys: Captured, command: str, words: str) -> None:
    assert main(command.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("\n") == 1
    assert not Path("new").exists()


def test_plot_of_measurements(folder: Path) -> None:
    """Results that hold a list of measurements, one of each layer."""
    with Store(folder) as store:
        for seed in range(6):
            layers = [{"layer": k, "bias": 0.1 * seed, "method": "exact"} for k in range(2)]
            spec = {"rule": "ste", "episode": 100 * (seed // 3), "seed": seed % 3}
            key = Cell("gradients", spec, lambda context: Found()).key
            store.add(
                [Row(key, "gradients", spec, "done", {"reward": 0.0, "measurements": layers})]
            )
        found = picture(store, x="episode", y="bias", group=["rule", "layer"])
        with pytest.raises(ValueError, match="must tell layer 0 from layer 1: use rule,layer"):
            picture(store, x="episode", y="bias")
        curves = picture(store, where={"rule": "weight_max"})
        assert curves.series[0].y.shape == (3, 2)
        assert curves.title == "Multiplexer with 3 address bits"
    assert [line.name for line in found.series] == ["layer 0", "layer 1"]
    assert found.series[0].x.tolist() == [0, 100]
    assert np.allclose(found.series[0].y, [[0.0, 0.3], [0.1, 0.4], [0.2, 0.5]])


def test_plot_of_too_many_lines(folder: Path, capsys: Captured) -> None:
    with Store(folder) as store:
        store.add(row("ste", 0, batch_size=k) for k in range(50))
    assert main(["plot", "out", "--group", "rule,hidden,batch_size"]) == 2
    assert "group must make at most 39 lines, got 53: choose some" in capsys.readouterr().err


def test_export(folder: Path, capsys: Captured) -> None:
    files = ["--csv", "a.csv", "--parquet", "a.parquet", "--lines", "a.jsonl"]
    assert main(["export", "out", *files]) == 0
    with open("a.csv", newline="") as text:
        first = next(csv.DictReader(text))
    assert (first["rule"], first["hidden"], first["seed"]) == ("weight_max", "8,8", "0")
    parquet = pytest.importorskip("pyarrow.parquet").read_table("a.parquet")
    assert parquet.num_rows == 11
    assert parquet["seed"].to_pylist()[:3] == [0, 1, 2]
    assert len(Path("a.jsonl").read_text().splitlines()) == 11 + 2 + 1
    capsys.readouterr()
    assert main(["export", "out", "--csv", "-", "--kind", "run", "--curves"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "key,kind,rule,seed,reward,episode"
    assert len(lines) == 1 + 2 * 8
    assert main(["export", "out", "--lines", "-"]) == 0
    assert capsys.readouterr().out == Path("a.jsonl").read_text()


def test_merge(folder: Path, capsys: Captured) -> None:
    assert main(["export", "out", "--lines", "a.jsonl"]) == 0
    assert main(["merge", "new", "out", "a.jsonl"]) == 0
    words = (
        "new: 11 new results, 11 the same as there, 0 that differ from those there; 11 results now"
    )
    assert capsys.readouterr().out.endswith(f"{words}\n")
    with Store("new", create=False) as new, Store("out", create=False) as old:
        assert list(new.rows()) == list(old.rows())
        assert new.failures() == old.failures()


def test_merge_of_what_differs(folder: Path, capsys: Captured) -> None:
    with Store(folder) as store:
        store.write_lines("a.jsonl")
    lines = Path("a.jsonl").read_text().replace('"mean_reward":0.5', '"mean_reward":0.75')
    Path("a.jsonl").write_text(lines.replace("x86-64-v3", "x86-64") + "not a row\n")
    assert main(["merge", "out", "a.jsonl", "--json"]) == 1
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert (found["added"], len(found["differ"]), len(found["problems"])) == (0, 3, 1)
    assert "uwm merge: a.jsonl: line 15: Expecting value" in err
    assert "uwm merge: run (rule ste, task multiplexer, hidden [8, 8], seed 1): another" in err
    assert " mean_reward of x86-64, uwm 0.1.0; the one of x86-64-v3, uwm 0.1.0 stays\n" in err


def test_damaged_store(folder: Path, capsys: Captured) -> None:
    path = folder / NAME
    path.write_bytes(path.read_bytes()[:9000])
    assert main(["show", "out"]) == 2
    err = capsys.readouterr().err
    assert "out/results.sqlite is damaged (database disk image is malformed): it stays as it" in err
    assert "uwm merge NEW_FOLDER out saves the rows that can be read" in err
