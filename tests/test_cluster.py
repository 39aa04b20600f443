"""docs/cluster.md runs, on a real scheduler with two workers, and on two ranks of MPI."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from uwm.experiments import Progress, Settings, compare
from uwm.experiments.store import Store

PAGE = Path(__file__).parent.parent / "docs" / "cluster.md"
# The programs of the environment that the tests run in, whatever PATH says.
PROGRAMS = f"""
set -eu
python() {{ {sys.executable} "$@"; }}
uwm() {{ python -m uwm "$@"; }}
dask() {{ python -m dask "$@"; }}
"""

needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="distributed is not installed"
)


def blocks(kind: str) -> list[str]:
    """The page's commands of a kind: `sh`, or `sh mpi`."""
    found = re.findall(r"^```sh([^\n]*)\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    return [code for words, code in found if words.strip() == kind]


def run_script(script: str, folder: Path, **environment: str) -> str:
    """Run commands of the page; what they leave in the background ends with them."""
    with (folder / "output").open("w") as output, (folder / "errors").open("w") as errors:
        shell = subprocess.Popen(
            ["bash", "-c", PROGRAMS + script],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=output,  # a pipe that nobody reads would be full in the end
            stderr=errors,
            start_new_session=True,
        )
    try:
        shell.wait(timeout=240)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)
    out = (folder / "output").read_text()
    assert shell.returncode == 0, out + (folder / "errors").read_text()
    return out


@needs_dask
def test_the_commands_of_the_page(tmp_path: Path) -> None:
    run_script("".join(blocks("")), tmp_path)
    with Store(tmp_path / "study") as store:
        rows = list(store.rows())
    assert {row.spec["seed"] for row in rows} == {*range(8), 100}
    assert {row.status for row in rows} == {"done"}
    assert len(rows) == 9 * len(Settings().rules)  # nothing twice


@needs_dask
def test_a_worker_is_killed(tmp_path: Path) -> None:
    settings = Settings(address_bits=2, hidden=(16,), rules=("ste",), episodes=30_000, seeds=6)
    with scheduler(tmp_path) as workers:

        def kill(event: Progress) -> None:
            if len(workers) == 2:
                workers.pop().kill()

        found = compare(
            settings, store=tmp_path, executor=f"dask={tmp_path / 'scheduler.json'}", progress=kill
        )
    assert len(workers) == 1 and not found.unfinished
    undisturbed = compare(settings)
    assert [run.seed for run in found.runs] == [run.seed for run in undisturbed.runs]
    for run, same in zip(found.runs, undisturbed.runs, strict=True):
        assert run.rewards.tolist() == same.rewards.tolist()


@contextlib.contextmanager
def scheduler(folder: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start a scheduler and two workers; give the workers, each a process."""
    dask = [sys.executable, "-m", "dask"]
    file = ["--scheduler-file", str(folder / "scheduler.json"), "--no-dashboard"]
    commands = [
        [*dask, "scheduler", *file, "--host", "127.0.0.1", "--port", "0"],
        *[[*dask, "worker", *file, "--nthreads", "1", "--no-nanny"]] * 2,
    ]
    with (folder / "dask.log").open("w") as log:
        started = [subprocess.Popen(each, cwd=folder, stderr=log) for each in commands]
    try:
        yield started[1:]
    finally:  # a worker that is asked to end would look for its scheduler, maybe for ever
        for each in started:
            each.kill()
        for each in started:
            each.wait()


def mpiexec() -> str | None:
    """The program that starts MPI jobs: of this environment, or of the machine."""
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return shutil.which("mpiexec", path=beside)


@pytest.mark.skipif(mpiexec() is None, reason="there is no mpiexec")
@pytest.mark.skipif(importlib.util.find_spec("mpi4py") is None, reason="mpi4py is not installed")
def test_the_commands_of_the_page_for_mpi(tmp_path: Path) -> None:
    study = re.search(r"^study=.*$", PAGE.read_text(), re.M)
    assert study is not None
    script = f'mpiexec() {{ {mpiexec()} "$@"; }}\n{study[0]}\n' + "".join(blocks("mpi"))
    run_script(
        script.replace(" python ", f" {sys.executable} "),
        tmp_path,
        # Open MPI wants a core for each rank, and not to be run by root, as containers do.
        PRTE_MCA_rmaps_default_mapping_policy=":oversubscribe",
        OMPI_ALLOW_RUN_AS_ROOT="1",
        OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
    )
    with Store(tmp_path / "study") as store:
        assert len(list(store.rows())) == 9 * len(Settings().rules)
