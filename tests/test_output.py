"""Output is not taken for granted: encodings, full disks, closed streams, pipes, backends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import uwm
from uwm.cli import main
from uwm.cli.output import streams

pytest.importorskip("rich")
pytest.importorskip("matplotlib")
posix = pytest.mark.skipif(os.name != "posix", reason="a POSIX shell and its devices")

UWM = f'"{sys.executable}" -m uwm'
SMALL = "compare --address-bits 1 --hidden 4 --rules ste,reinforce --episodes 16 --seeds 2"
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def shell(line: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run(
        ["/bin/bash", "-c", line], capture_output=True, text=True, env=environment, check=False
    )


@posix
@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LANG": "C", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
)
def test_a_stream_without_the_character_gets_another(variables: dict[str, str]) -> None:
    found = shell(f"{UWM} {SMALL} --no-plot", **variables)
    assert found.returncode == 0, found.stderr
    assert "~ is the standard deviation over seeds" in found.stdout
    assert found.stdout.isascii()
    assert Path("uwm-compare/runs.csv").exists()


@posix
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize(
    "command",
    ["info", "--help", "--version", "compare --help", f"{SMALL} --quiet --no-plot",
     f"{SMALL} --quiet --no-plot --json",
     "gradients --address-bits 1 --hidden 2 --rules ste --quiet --no-plot"],
)  # fmt: skip
def test_a_full_disk_is_one_line_and_an_exit_code(command: str) -> None:
    found = shell(f"{UWM} {command} > /dev/full")
    assert found.returncode == 1
    assert found.stderr.endswith("error: standard output: No space left on device\n")
    assert found.stderr.count("\n") == 1


@posix
def test_standard_error_that_is_full_or_closed_stops_nothing() -> None:
    for where in ("2> /dev/full", "2>&-"):
        found = shell(f"{UWM} {SMALL} --no-plot {where}")
        assert found.returncode == 0
        assert "Written: " in found.stdout


@posix
def test_closed_streams_are_no_traceback() -> None:
    found = shell(f"{UWM} {SMALL} --no-plot --quiet >&-")
    assert (found.returncode, found.stderr) == (0, "")
    assert Path("uwm-compare/runs.csv").exists()
    assert shell(f"{UWM} {SMALL} --no-plot <&- >&- 2>&-").returncode == 0


@posix
def test_a_reader_that_goes_away_is_no_traceback() -> None:
    found = shell(f"{UWM} {SMALL} --no-plot --quiet --json | head -1; exit ${{PIPESTATUS[0]}}")
    assert found.stdout == "{\n"
    assert found.stderr == ""
    assert Path("uwm-compare/runs.csv").exists()
    assert shell(f"{UWM} {SMALL} --no-plot 2>&1 | true").stderr == ""


def test_a_terminal_that_is_too_narrow_loses_no_number(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uwm.report.console.PIPE_WIDTH", 20)
    assert main([*SMALL.split(), "--no-plot", "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "…" not in out
    assert "reinforce" in out


@posix
@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "nonsense", "tk"])
def test_the_command_line_does_not_look_at_mplbackend(backend: str) -> None:
    found = shell(f"{UWM} {SMALL} --quiet", MPLBACKEND=backend)
    assert (found.returncode, found.stderr) == (0, "")
    assert Path("uwm-compare/learning-curves.png").exists()


@posix
@pytest.mark.parametrize(
    "content", [b"text.usetex: True\nno such: key\naxes.linewidth: x\n", b"\xff\xfe\x00", b"{"]
)
def test_a_broken_matplotlibrc_does_not_matter(content: bytes) -> None:
    Path("matplotlibrc").write_bytes(content)
    found = shell(f"{UWM} {SMALL} --quiet")
    assert (found.returncode, found.stderr) == (0, "")
    assert Path("uwm-compare/learning-curves.png").exists()


@pytest.mark.parametrize("before", [True, False])
def test_a_plot_in_a_notebook_leaves_the_users_matplotlib_as_it_is(before: bool) -> None:
    code = f"""
import os, sys, warnings
warnings.simplefilter("error")
if {before}:
    import matplotlib
    matplotlib.rcParams["lines.linewidth"] = 7
from uwm.experiments import Settings, compare
from uwm.report import write
made = compare(Settings(address_bits=1, hidden=(3,), rules=("ste",), episodes=16, seeds=1))
assert len(write(made, "out")) == 4
import matplotlib
assert "matplotlib.pyplot" not in sys.modules
assert os.environ["MPLBACKEND"] == "svg"
assert matplotlib.rcParams["backend"] == "svg"
assert not {before} or matplotlib.rcParams["lines.linewidth"] == 7
"""
    environment = {**os.environ, "MPLBACKEND": "svg"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_a_run_repeated_on_other_instructions_says_so(capsys: Captured) -> None:
    other = "x86-64" if uwm.simd_level() in ("x86-64-v3", "x86-64-v4") else "x86-64-v4"
    Path("s.json").write_text(json.dumps({"simd_level": other}))
    command = [*SMALL.split(), "--no-plot", "--quiet", "--json", "--settings", "s.json"]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert err == (f"uwm: s.json is of a run with {other}, this one has {uwm.simd_level()}:"
                   " rewards are not the same bit for bit\n")  # fmt: skip
    found = json.loads(out)
    assert found["simd_level"] == uwm.simd_level()
    assert {run["simd_level"] for run in found["runs"]} == {uwm.simd_level()}
    Path("s.json").write_text(json.dumps({"simd_level": uwm.simd_level()}))
    assert main(command) == 0
    assert capsys.readouterr().err == ""


RULES = """
import uwm
from helper import broken
class Raises(uwm.Rule):
    def unit_rewards(self, net, sample, reward):
        return broken(sample)
class Init(uwm.Rule):
    def __init__(self):
        raise KeyError("in init")
"""


@pytest.mark.parametrize(
    ("text", "name", "seen"),
    [
        (RULES, "Raises", ["mine.py", "line 6", "helper.py", "line 2", "ZeroDivisionError"]),
        (RULES, "Init", ["mine.py", "line 9", "KeyError: 'in init'"]),
        ("x = 1\nraise TypeError('at once')", "A", ["mine.py", "line 2", "TypeError: at once"]),
        ("def f(:\n", "A", ["mine.py", "line 1", "SyntaxError"]),
        ("import nope_nope\n", "A", ["mine.py", "line 1", "No module named 'nope_nope'"]),
    ],
)
def test_an_error_in_a_rule_of_ones_own_shows_its_file_and_line(
    text: str, name: str, seen: list[str], capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(".")
    Path("mine.py").write_text(text)
    Path("helper.py").write_text("def broken(x):\n    return 1 / 0\n")
    command = ["gradients", "--address-bits", "1", "--hidden", "2", "--no-plot", "--quiet"]
    for use in (["--rules", f"mine.py:{name}"], ["--rules", "ste", "--train-with",
                f"mine.py:{name}", "--checkpoints", "1", "--episodes", "4"]):  # fmt: skip
        assert main([*command, *use]) == 1
        out, err = capsys.readouterr()
        if name == "Raises" and "--train-with" in use:  # what was measured before is not lost
            assert "relative bias" in out
            assert "training: ZeroDivisionError: division by zero (mine.py, line 6)" in err
            continue
        assert out == ""
        for word in seen:
            assert word in err
        assert "uwm/experiments" not in err
        assert "uwm/analysis" not in err
        last = err.splitlines()[-1]
        assert last.startswith("uwm gradients: error: mine.py, line ")


def test_a_warning_is_one_line_without_colours(capsys: Captured) -> None:
    with streams():
        warnings.warn("\x1b[33mWARN: this is\nold\x1b[0m", DeprecationWarning, stacklevel=1)
    assert capsys.readouterr().err == "uwm: WARN: this is\\nold\n"
