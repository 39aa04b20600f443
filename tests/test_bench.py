"""The benchmarks run, and their peers compute what the engine computes. No time is asserted."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parent.parent / "bench"
RULES = {
    "reinforce",
    "ste",
    "weight_max",
    "unbiased_weight_max_posterior",
    "unbiased_weight_max_two_sided",
}

pytestmark = pytest.mark.skipif(
    not (BENCH / "run.py").exists(), reason="bench/ is not beside tests/: not a source tree"
)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The short form, with the engine and the plain NumPy peer."""
    out = tmp_path_factory.mktemp("bench") / "results"
    command = [sys.executable, str(BENCH / "run.py"), "--short", "--peers", "uwm,numpy_plain"]
    done = subprocess.run(
        [*command, "--out", str(out)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return out


def test_peers_agree_on_every_rule(results: Path) -> None:
    about = json.loads((results / "environment.json").read_text())
    peer = {name: d for name, d in about["disagreement"].items() if name.startswith("numpy_plain")}
    assert {name.split(", ")[1] for name in peer} == RULES
    assert max(peer.values()) <= 1e-4, peer
    assert about["notes"] == []


def test_every_experiment_has_finite_positive_rows(results: Path) -> None:
    with open(results / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    experiments = {row["experiment"] for row in rows} - {"wheel"}
    expected = {"step", "width", "batch", "depth", "multiplexer", "import"}
    assert expected <= experiments <= expected | {"threads", "memory"}
    steps = {(row["peer"], row["rule"]) for row in rows if row["experiment"] == "step"}
    assert steps == {(peer, rule) for peer in ("uwm", "numpy_plain") for rule in RULES}
    times = [float(row["value"]) for row in rows if row["quantity"] == "us_per_step"]
    assert times and all(0 < t < float("inf") for t in times)


def test_report_is_written(results: Path) -> None:
    table = (results / "table.md").read_text()
    assert all(f"`{rule}`" in table for rule in RULES)
    pytest.importorskip("matplotlib")
    for plot in ("steps.png", "scaling.png"):
        assert (results / plot).read_bytes().startswith(b"\x89PNG")


def test_a_peer_that_differs_is_told_apart() -> None:
    code = (
        "import dataclasses, numpy as np, peers\n"
        "from peers.problem import Problem, disagreement, moment\n"
        "p = Problem((5, 4), 3, 'weight_max')\n"
        "given = moment(p)\n"
        "a, b = (peers.load(n).check(p, given) for n in ('numpy_plain', 'uwm'))\n"
        "assert disagreement(a, b) < 1e-5\n"
        "wrong = dataclasses.replace(a, biases=[1.001 * x for x in a.biases])\n"
        "assert disagreement(wrong, b) > 1e-4\n"
        "nan = dataclasses.replace(a, biases=[np.nan * x for x in a.biases])\n"
        "assert disagreement(nan, b) == float('inf')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=BENCH, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_a_store_is_drawn() -> None:
    pytest.importorskip("matplotlib")
    command = [sys.executable, str(BENCH / "store.py"), "--cells", "20"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" s of processor time") == 3


def test_cells_that_do_nothing_are_timed() -> None:
    command = [sys.executable, str(BENCH / "cells.py"), "--cells", "20"]
    done = subprocess.run(
        [*command, "--executors", "threads,processes"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["threads", "processes"]
