"""The command line: options, output, exit codes, and one clear line for every mistake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import uwm
from uwm.cli import COMMANDS, main
from uwm.report.lost import spans

SMALL = ["--address-bits", "1", "--hidden", "6", "--rules", "ste,weight_max"]
SMALL += ["--episodes", "200", "--seeds", "2"]

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def compare(*options: str) -> int:
    return main(["compare", *SMALL, *options])


def as_json(capsys: Captured, *options: str) -> dict[str, Any]:
    assert compare("--json", "--no-plot", *options) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_version_and_info(capsys: Captured) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"uwm {uwm.__version__}\n"
    assert main(["info"]) == 0
    shown = capsys.readouterr().out
    for fact in (uwm.__version__, uwm.simd_level(), np.__version__, "cores"):
        assert fact in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command(command: str, capsys: Captured) -> None:
    assert main([command, "--help"]) == 0
    assert f"usage: uwm {command}" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], *([command] for command in COMMANDS)])
def test_help_imports_nothing_that_takes_time(words: list[str]) -> None:
    script = f"""
import sys
from uwm.cli import main
assert main([*{words}, "--help"]) == 0
heavy = {{"numpy", "scipy", "matplotlib", "rich", "pandas", "sqlite3", "distributed", "gymnasium"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], stdout=subprocess.DEVNULL, check=True)


def test_compare_shows_a_table_and_writes_its_files(capsys: Captured) -> None:
    assert compare() == 0
    out, err = capsys.readouterr()
    for word in ("Multiplexer, 1 address bits", "ste", "weight_max", "mean reward", "last tenth",
                 "95% interval", "steps/s", "±", "automatic learning rates"):  # fmt: skip
        assert word in out
    assert "test accuracy" not in out
    assert "weight_max, seed 1: done" in err
    files = {"curves.csv", "runs.csv", "settings.json", "learning-curves.png", "results.sqlite"}
    assert {path.name for path in Path("uwm-compare").iterdir()} == files


def test_quiet_shows_no_progress(capsys: Captured) -> None:
    assert compare("--quiet", "--no-plot") == 0
    assert capsys.readouterr().err == ""


def test_json_has_one_object_and_the_promised_names(capsys: Captured) -> None:
    found = as_json(capsys, "--out", "here")
    assert found["task"] == "multiplexer"
    assert found["version"] == uwm.__version__
    assert found["settings"]["hidden"] == [6]
    assert [(run["rule"], run["seed"]) for run in found["runs"]] == [
        ("ste", 0), ("ste", 1), ("weight_max", 0), ("weight_max", 1)]  # fmt: skip
    names = {"rule", "seed", "mean_reward", "final_reward", "steps_per_second"}
    names |= {"version", "simd_level"}
    assert all(set(run) == names for run in found["runs"])
    assert all(-1 <= run["mean_reward"] <= 1 for run in found["runs"])
    assert found["unfinished"] == []
    assert all(Path(path).exists() for path in found["files"])


def test_the_same_command_gives_the_same_rewards(capsys: Captured) -> None:
    def rewards(*options: str) -> list[float]:
        return [run["mean_reward"] for run in as_json(capsys, *options)["runs"]]

    first = rewards()
    curves = Path("uwm-compare/curves.csv").read_bytes()
    assert rewards("--jobs", "1") == first
    assert Path("uwm-compare/curves.csv").read_bytes() == curves
    assert rewards("--first-seed", "7") != first


def test_settings_of_an_earlier_run_repeat_it_and_options_win(capsys: Captured) -> None:
    options = ["--learning-rate", "0.1,0.01", "--baseline", "running-mean", "--units", "bipolar"]
    first = as_json(capsys, *options)
    command = ["compare", "--settings", "uwm-compare/settings.json", "--json", "--no-plot"]
    assert main([*command, "--out", "again"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["settings"] == first["settings"]
    for one, other in zip(first["runs"], again["runs"], strict=True):
        assert one["mean_reward"] == other["mean_reward"]
    assert main([*command, "--seeds", "1", "--rules", "ste"]) == 0
    assert len(json.loads(capsys.readouterr().out)["runs"]) == 1


def test_rates_per_rule_come_from_a_settings_file(capsys: Captured) -> None:
    Path("rates.json").write_text('{"learning_rates": {"ste": 0.1, "weight_max": [0.1, 0.2]}}')
    assert compare("--settings", "rates.json", "--no-plot") == 0
    out = capsys.readouterr().out
    assert "learning rates per rule" in out
    assert "same learning rates" not in out


def test_digits_have_a_test_accuracy(capsys: Captured) -> None:
    pytest.importorskip("sklearn")
    options = ["--task", "digits", "--rules", "ste", "--episodes", "2000", "--seeds", "1"]
    assert main(["compare", *options]) == 0
    out = capsys.readouterr().out
    assert "Handwritten digits" in out
    assert "test accuracy" in out
    assert main(["compare", *options, "--json", "--quiet", "--no-plot"]) == 0
    run = json.loads(capsys.readouterr().out)["runs"][0]
    assert 0 <= run["test_accuracy"] <= 1
    assert 0 <= run["test_accuracy_one_pass"] <= 1


@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_a_users_own_file(kind: str, capsys: Captured) -> None:
    inputs = np.random.RandomState(0).normal(size=(60, 2))
    labels = (inputs[:, 0] > 0).astype(int)
    if kind == "csv":
        lines = [f"{x},{y},{'up' if x > 0 else 'down'}\n" for x, y in inputs]
        Path("mine.csv").write_text("x,y,label\n" + "".join(lines))
    else:
        np.savez("mine.npz", inputs=inputs, labels=labels)
    found = as_json(capsys, "--task", f"mine.{kind}")
    assert found["task"] == f"mine.{kind}"
    assert all("test_accuracy" in run for run in found["runs"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rules", "ste,nope"], "rules must be one of reinforce, ste, weight_max"),
        (["--rules", ""], "feedback_alignment, file.py:Class, got ''"),
        (["--rules", "ste,ste"], "rules must differ, got 'ste' twice"),
        (["--task", "nope"], "task must be multiplexer, digits, the path"),
        (["--task", "nope.csv"], "nope.csv: No such file or directory"),
        (["--task", "nope.npz"], "nope.npz: No such file or directory"),
        (["--task", "bad.csv"], "bad.csv: line 2 must have 3 cells, got 2"),
        (["--task", "bad.npz"], "bad.npz: not a readable NPZ file"),
        (["--task", "range.npz"], "range.npz: test_labels must be among the 2 classes 0, 1"),
        (["--address-bits", "0"], "address_bits must be at least 1"),
        (["--address-bits", "x"], "--address-bits: must be a whole number, got 'x'"),
        (["--hidden", "-4"], "hidden must be at least 1, got -4"),
        (["--hidden", "4,x"], "--hidden: must be whole numbers joined by commas, got '4,x'"),
        (["--episodes", "0"], "episodes must be at least 1"),
        (["--episodes", "-1"], "episodes must be at least 1"),
        (["--batch-size", "0"], "batch_size must be at least 1"),
        (["--learning-rate", "0.1,0.2,0.3"], "or 2 (one per layer), got 3"),
        (["--learning-rate", "fast"], "--learning-rate: must be auto, a number, or one per layer"),
        (["--learning-rate", "nan"], "learning_rate must be a finite number"),
        (["--learning-rate", "-1"], "learning_rate must be above 0"),
        (["--seeds", "0"], "seeds must be at least 1"),
        (["--first-seed", "-1"], "first_seed must be at least 0"),
        (["--jobs", "0"], "jobs must be at least 1"),
        (["--baseline", "median"], "--baseline: must be none, running-mean or a number"),
        (["--baseline", "inf"], "baseline must be a finite number"),
        (["--optimizer", "lion"], "optimizer must be one of adam, sgd, got 'lion'"),
        (["--dtype", "int8"], "dtype must be one of float32, float64, got 'int8'"),
        (["--units", "ternary"], "units must be one of binary, bipolar, got 'ternary'"),
        (["--settings", "none.json"], "none.json: No such file or directory"),
        (["--settings", "bad.csv"], "bad.csv: not a JSON file"),
        (["--settings", "odd.json"], "odd.json: settings must be known ones, got 'epochs'"),
        (["--settings", "types.json"], "dtype must be one of float32, float64, got 8"),
        (["--out", "bad.csv"], "cannot write into the folder bad.csv: it is a file"),
        (["--out", "bad.csv/sub"], "cannot write into the folder bad.csv/sub: Not a directory"),
        (["--out", "/proc/uwm"], "cannot write into the folder /proc/uwm"),
        (["--seed", "1"], "unrecognized arguments: --seed 1"),
    ],
)
def test_one_line_for_every_mistake(options: list[str], message: str, capsys: Captured) -> None:
    Path("bad.csv").write_text("1,2,x\n3,y\n")
    Path("bad.npz").write_text("no archive")
    Path("odd.json").write_text('{"epochs": 3}')
    Path("types.json").write_text('{"dtype": 8}')
    two = np.zeros((2, 1))
    np.savez("range.npz", inputs=two, labels=[0, 1], test_inputs=two, test_labels=[0, 5])
    assert compare(*options) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("uwm compare: error: ")
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize(("argv", "message"), [([], "required: COMMAND"), (["fly"], "'fly'")])
def test_a_missing_or_unknown_command(argv: list[str], message: str, capsys: Captured) -> None:
    assert main(argv) == 2
    assert message in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_without_write_permission(capsys: Captured) -> None:
    Path("locked").mkdir(mode=0o500)
    assert compare("--out", "locked") == 2
    assert "cannot write into the folder locked: Permission denied" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("module", "options", "extra"),
    [
        ("rich.console", [], "cli"),
        ("matplotlib", ["--json", "--quiet"], "cli"),
        ("sklearn.datasets", ["--task", "digits"], "tasks"),
    ],
)
def test_a_missing_package_says_what_to_install(
    module: str, options: list[str], extra: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert compare(*options) == 2
    assert f'pip install "uwm[{extra}]"' in capsys.readouterr().err


def test_numpy_alone_is_enough_for_json(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("rich", "rich.console", "matplotlib", "sklearn"):
        monkeypatch.setitem(sys.modules, module, None)
    assert as_json(capsys, "--quiet")["runs"]


def test_importing_uwm_imports_numpy_only() -> None:
    names = "('rich', 'matplotlib', 'sklearn', 'scipy')"
    code = f"import sys, uwm; print([name for name in {names} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_comparison_without_a_result_leaves_the_earlier_files(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def files() -> dict[str, bytes]:
        there = {path.name: path.read_bytes() for path in Path("uwm-compare").iterdir()}
        there.pop("results.sqlite")
        return there

    assert compare() == 0
    before = files()

    def diverge(*args: Any, **options: Any) -> None:
        raise uwm.DivergenceError("training diverged")

    monkeypatch.setattr(uwm, "train", diverge)
    capsys.readouterr()
    assert compare("--fresh") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "uwm compare: ste: not finished: seeds 0-1: training diverged" in err
    assert files() == before


def test_lost_seeds_are_listed_briefly() -> None:
    assert spans([0, 2, 3, 4, 7]) == "0, 2-4, 7"


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a child are not the same there")
@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_and_sigterm_keep_what_is_finished(sign: signal.Signals, code: int) -> None:
    command = [sys.executable, "-m", "uwm", "compare", *SMALL, "--no-plot", "--json", "--jobs", "1"]
    command += ["--rules", "ste", "--episodes", "20000", "--seeds", "900"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watchdog = threading.Timer(20, child.kill)
    watchdog.start()
    try:
        assert child.stderr is not None
        assert "ste, seed 0: done" in child.stderr.readline()
        started = time.monotonic()
        child.send_signal(sign)
        out, err = child.communicate()
        assert time.monotonic() - started < 5
    finally:
        watchdog.cancel()
        child.kill()
    assert child.returncode == code, err
    found = json.loads(out)
    assert found["runs"][0]["seed"] == 0
    assert len(found["runs"]) + len(found["unfinished"]) == 900
    assert {run["reason"] for run in found["unfinished"]} == {"interrupted"}
    assert "uwm compare: ste: not finished: seeds " in err
    assert "-899: interrupted" in err
    assert Path("uwm-compare/runs.csv").read_text().count("\n") == 1 + len(found["runs"])
    written = json.loads(Path("uwm-compare/settings.json").read_text())
    assert len(written["unfinished"]) == len(found["unfinished"])
