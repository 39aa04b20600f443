"""The study of the claims runs, goes on where it was, and computes verdicts that are right."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("optuna")
pytest.importorskip("matplotlib")

FOLDER = Path(__file__).parent.parent / "docs" / "claims"
if not FOLDER.exists():
    pytest.skip("needs the repository's docs", allow_module_level=True)


@pytest.fixture(autouse=True)
def study_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    yield
    for name in ("figures", "make", "plan", "report", "saturation", "searches", "store"):
        sys.modules.pop(name, None)


def test_the_tiny_form_makes_everything_and_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, str(FOLDER / "make.py"), "--tiny", "--jobs", "2"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    home = tmp_path / "claims-tiny"
    page = (home / "claims.md").read_text(encoding="utf-8")
    images = {path.name for path in (home / "claims" / "images").iterdir()}
    assert images == {"learning-curves.png", "saturation.png", "remedies.png", "scaling.png"}
    assert all(f"claims/images/{name}" in page for name in images)
    assert "**Holds**: the largest relative bias" in page
    assert page.count("*Not made yet.*") == 7  # the cases that the tiny form leaves out
    data = home / "claims" / "data"

    # Only the lines are kept, and lose results: those are made again, and all is as it was.
    shutil.rmtree(data / "cells")
    lines = (data / "results.jsonl").read_text().splitlines(keepends=True)
    kinds = [json.loads(line)["kind"] for line in lines]
    assert set(kinds) == {"bias", "published", "quiet", "run", "size"}
    lost = [kinds.index("published"), kinds.index("run")]
    kept = [line for k, line in enumerate(lines) if k not in lost]
    (data / "results.jsonl").write_text("".join(kept))
    again = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "trials" not in again.stderr
    made = (data / "results.jsonl").read_text().splitlines()
    assert [without_times(line) for line in made] == [without_times(line) for line in lines]
    assert (home / "claims.md").read_text(encoding="utf-8") == page


def without_times(line: str) -> dict[str, Any]:
    """Return a row's values, but when it was made and how long it took."""
    found: dict[str, Any] = json.loads(line)
    assert found.pop("about")["version"]
    return found


def rows(*values: float) -> list[dict[str, str]]:
    return [{"mean_reward": repr(value)} for value in values]


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ((0.9, 0.91, 0.92), (0.5, 0.51, 0.52), "**Above `ste`** in 1 of 1 cases: one (+0.400)."),
        ((0.5, 0.51, 0.52), (0.9, 0.91, 0.92), "in 0 of 1 cases. **below**: one (-0.400)."),
        ((0.5, 0.9), (0.6, 0.9), "in 0 of 1 cases. Intervals overlap: one (-0.050)."),
    ],
)
def test_verdicts(ours: tuple[float, ...], theirs: tuple[float, ...], said: str) -> None:
    import plan
    import report

    case = plan.Case("one", "one", 1, 1)
    runs: Any = {"one": {"mean_reward": {plan.OURS: rows(*ours), "ste": rows(*theirs)}}}
    assert report.verdict([case], runs, "mean_reward", "ste").endswith(said)


def test_every_place_of_the_page_is_filled_by_something() -> None:
    import plan
    import report

    page = report.TEMPLATE.read_text(encoding="utf-8")
    places = {found.group(2) for found in report.MARKER.finditer(page)}
    made = {f"case-{case.name}" for case in plan.FULL.cases}
    made |= {"budget", "bias", "verdict-unbiased", "verdict-faster", "verdict-higher", "summary"}
    made |= {
        "curves",
        "published",
        "quiet",
        "published-plot",
        "remedies",
        "remedies-plot",
        "scaling",
    }
    assert places == made | {"scaling-plot", "verdict-scales", "verdict-blended"}
