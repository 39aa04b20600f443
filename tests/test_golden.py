"""Results are the same bit for bit within {x86-64, v2} and within {v3, v4}, and stay what they are.

golden.json holds numbers of each group, made by `python tests/test_golden.py`. They are compared to
a tolerance, because compilers and C libraries round differently; levels are compared bit for bit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import uwm

GROUPS = (("x86-64", "x86-64-v2"), ("x86-64-v3", "x86-64-v4"))
HERE = Path(__file__).parent
Results = dict[str, dict[str, Any]]


def run(level: str) -> Results:
    done = subprocess.run(
        [sys.executable, str(HERE / "golden_runs.py")],
        env={**os.environ, "UWM_ISA": level},
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    found: Results = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def results() -> dict[str, Results]:
    return {level: run(level) for level in uwm.simd_levels() if level != "native"}


@pytest.mark.parametrize("group", GROUPS)
def test_levels_of_a_group_agree_bit_for_bit(
    group: tuple[str, str], results: dict[str, Results]
) -> None:
    if not all(level in results for level in group):
        pytest.skip("this processor has one level of the group at most")
    first, second = (results[level] for level in group)
    assert first.keys() == second.keys()
    for what in ("gradient", "training"):
        assert [k for k in first if first[k][what] != second[k][what]] == []


@pytest.mark.parametrize("group", GROUPS)
def test_results_are_the_golden_ones(group: tuple[str, str], results: dict[str, Results]) -> None:
    golden = json.loads((HERE / "golden.json").read_text())[group[0]]
    for level in group:
        for case, (mean_reward, size) in golden.items() if level in results else ():
            found = results[level][case]
            rtol = 1e-5 if "float32" in case else 1e-11
            assert found["mean_reward"] == pytest.approx(mean_reward, rel=rtol, abs=rtol), case
            assert found["size"] == pytest.approx(size, rel=rtol), case


def main() -> None:
    """Write golden.json anew, on a processor with every level."""
    golden = {}
    for first, _ in GROUPS:
        golden[first] = {k: [r["mean_reward"], r["size"]] for k, r in run(first).items()}
    (HERE / "golden.json").write_text(json.dumps(golden).replace("], ", "],\n") + "\n")


if __name__ == "__main__":
    main()
