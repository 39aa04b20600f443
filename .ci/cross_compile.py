"""Compile every source of the C++ library for every platform, with PyPI's ziglang.

usage: cross_compile.py FOLDER_OF_EIGEN [TARGET ...]

Nothing is linked or run. The compiler keeps what it has compiled in its own cache.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent / "cpp" / "src"
TARGETS = (
    "x86_64-linux-gnu",
    "aarch64-linux-gnu",
    "x86_64-linux-musl",
    "aarch64-linux-musl",
    "x86_64-macos",
    "aarch64-macos",
    "x86_64-windows-gnu",
)
# No optimisation, and no checks of zig's own.
FLAGS = ["-std=c++20", "-O0", "-fno-sanitize=undefined", "-Wall", "-Wextra", "-Wshadow", "-Werror"]


def jobs(target: str) -> list[list[str]]:
    """The arguments of each compilation: the sources that CMake takes, and the kernels."""
    found = []
    is_x86 = target.startswith("x86_64")
    for source in sorted(SOURCES.glob("*.cpp")):
        is_windows_twin = source.stem.endswith("_windows")
        has_windows_twin = source.with_name(f"{source.stem}_windows.cpp").exists()
        if is_windows_twin if "windows" not in target else has_windows_twin:
            continue
        found.append([str(source), *(["-DUWM_X86_LEVELS"] if is_x86 else [])])
    kernels = str(SOURCES / "kernels" / "level.cpp")
    if not is_x86:
        return [*found, [kernels, "-DUWM_LEVEL=native", '-DUWM_LEVEL_NAME="native"']]
    for level in (1, 2, 3, 4):
        name = f"x86-64-v{level}" if level > 1 else "x86-64"
        command = [kernels, f"-DUWM_LEVEL=v{level}", f'-DUWM_LEVEL_NAME="{name}"']
        if level > 1:
            command += [f"-mcpu=x86_64_v{level}", f"-DUWM_X86_LEVEL={level}"]
        found.append(command)
    return found


def main() -> int:
    eigen, *chosen = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:

        def compile_one(job: tuple[int, str, list[str]]) -> str:
            number, target, arguments = job
            zig = [sys.executable, "-m", "ziglang", "c++", "-target", target, *FLAGS]
            includes = [f"-I{SOURCES}", f"-I{SOURCES.parent / 'include'}", "-isystem", eigen]
            out = str(Path(folder, f"{number}.o"))
            command = [*zig, *includes, "-c", *arguments, "-o", out]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            failed = done.returncode != 0
            return f"{target}: {' '.join(arguments)}\n{done.stderr}" if failed else ""

        pairs = [(target, job) for target in chosen or TARGETS for job in jobs(target)]
        todo = [(number, target, job) for number, (target, job) in enumerate(pairs)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            failures = [text for text in pool.map(compile_one, todo) if text]
    print("\n".join(failures), end="")
    print(f"{len(todo) - len(failures)} compiled, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
