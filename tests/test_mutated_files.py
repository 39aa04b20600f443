"""Damaged files of every kind: read as they are or refused by name, within bounds, nothing changed.

Each kind is read in a Python of its own, whose memory and time are bounded. UWM_FUZZ=1 tries many
more files, which are others every time.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from mutated_file_kinds import KINDS

LONG = bool(os.environ.get("UWM_FUZZ"))
SECONDS = 60 if LONG else 1.5  # at most, for one kind


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_read_or_refused_without_harm(kind: str, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32) if LONG else 1
    worker = Path(__file__).parent / "mutated_file_kinds.py"
    arguments = [kind, str(seed), "100000" if LONG else "150", str(SECONDS)]
    done = subprocess.run(
        [sys.executable, str(worker), *arguments],
        cwd=tmp_path, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, f"{kind}, seed {seed}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    files, refused = map(int, done.stdout.split())
    assert files > 0 and refused > 0
    print(f"{kind}: {files} files, {refused} refused")
