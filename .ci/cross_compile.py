"""Compile the C++ library for every platform, with PyPI's ziglang. Nothing is linked or run.

usage: cross_compile.py FOLDER_OF_EIGEN [TARGET ...]

For one target each source is compiled alone, which finds a header that a source does not include.
For the others all sources are one translation unit, which takes a fifth of the time; if that
fails, they are compiled one by one, and only what fails alone has failed.
The kernels ask nothing of a system, so they are compiled once for each processor and way of
calling functions, not for every target.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent / "cpp" / "src"
KERNELS = SOURCES / "kernels" / "level.cpp"
ONE_BY_ONE = "aarch64-macos"
WITH_KERNELS = ("aarch64-macos", "x86_64-linux-gnu", "x86_64-windows-gnu")
TARGETS = (
    ONE_BY_ONE,
    "x86_64-macos",
    "x86_64-linux-gnu",
    "aarch64-linux-gnu",
    "x86_64-linux-musl",
    "aarch64-linux-musl",
    "x86_64-windows-gnu",
)
# No optimisation, and no checks of zig's own.
FLAGS = ["-std=c++20", "-O0", "-fno-sanitize=undefined", "-Wall", "-Wextra", "-Werror"]


@dataclass(frozen=True)
class Job:
    """One translation unit for one target: one or more sources, compiled with `options`."""

    target: str
    sources: tuple[Path, ...]
    options: tuple[str, ...] = ()

    def compile(self, eigen: str, folder: Path) -> list[str]:
        """What failed, each with the compiler's words."""
        source = self.sources[0]
        if len(self.sources) > 1:
            source = folder / f"{self.target}.cpp"
            source.write_text("".join(f'#include "{path}"\n' for path in self.sources))
        out = folder / f"{abs(hash(self))}.o"
        zig = [sys.executable, "-m", "ziglang", "c++", "-target", self.target, *FLAGS]
        includes = [f"-I{SOURCES}", f"-I{SOURCES.parent / 'include'}", "-isystem", eigen]
        # Of one file: a name of another source is no name to shadow.
        shadow = ["-Wshadow"] if len(self.sources) == 1 else []
        command = [*zig, *shadow, *self.options, *includes, "-c", str(source), "-o", str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return []
        if len(self.sources) > 1:
            return [
                failure
                for alone in self.sources
                for failure in Job(self.target, (alone,), self.options).compile(eigen, folder)
            ]
        name = source.relative_to(SOURCES.parent)
        return [f"{self.target}: {name} {' '.join(self.options)}\n{done.stderr}"]


def library(target: str) -> tuple[Path, ...]:
    """The sources that CMake takes for a target, but for the kernels."""

    def belongs(source: Path) -> bool:
        if source.stem.endswith("_windows"):
            return "windows" in target
        has_windows_twin = source.with_name(f"{source.stem}_windows.cpp").exists()
        return source != KERNELS and not ("windows" in target and has_windows_twin)

    return tuple(source for source in sorted(SOURCES.rglob("*.cpp")) if belongs(source))


def kernels(target: str) -> list[Job]:
    """The kernels of every instruction-set level."""
    if target not in WITH_KERNELS:
        return []
    if not target.startswith("x86_64"):
        return [Job(target, (KERNELS,), ("-DUWM_LEVEL=native", '-DUWM_LEVEL_NAME="native"'))]
    found = []
    for level in (1, 2, 3, 4):
        name = f"x86-64-v{level}" if level > 1 else "x86-64"
        options = [f"-DUWM_LEVEL=v{level}", f'-DUWM_LEVEL_NAME="{name}"']
        if level > 1:
            options += [f"-mcpu=x86_64_v{level}", f"-DUWM_X86_LEVEL={level}"]
        found.append(Job(target, (KERNELS,), tuple(options)))
    return found


def jobs(target: str) -> list[Job]:
    options = ("-DUWM_X86_LEVELS",) if target.startswith("x86_64") else ()
    sources = library(target)
    if not sources:
        raise SystemExit(f"{SOURCES} must hold the sources, got none")
    if target == ONE_BY_ONE:
        return [*(Job(target, (source,), options) for source in sources), *kernels(target)]
    return [Job(target, sources, options), *kernels(target)]


def main() -> int:
    eigen, *chosen = sys.argv[1:]
    start = time.perf_counter()
    todo = [job for target in chosen or TARGETS for job in jobs(target)]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda job: job.compile(eigen, Path(folder)), todo)
        failures = [failure for some in found for failure in some]
    print("\n".join(failures), end="")
    units = sum(len(job.sources) for job in todo)
    seconds = round(time.perf_counter() - start)
    print(f"{units - len(failures)} compiled, {len(failures)} failed, in {seconds} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
