"""The C++ library in this installation: CMake finds it, and it reads and writes Python's files."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import uwm

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "cpp.md"
# The environment of this Python first, whether it is activated or not.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
MISSING = [tool for tool in ("cmake", "ninja") if shutil.which(tool, path=PATH) is None]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not here: {', '.join(MISSING)}")


def run(*command: str | Path, cwd: Path) -> str:
    environment = {**os.environ, "PATH": PATH}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def cmake_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shown = run(sys.executable, "-m", "uwm", "--cmake-dir", cwd=tmp_path_factory.getbasetemp())
    return Path(shown.rstrip("\n"))


def build(source: Path, cmake_dir: Path) -> Path:
    """Configure and build a project; its programs are in the folder that is returned."""
    folder = source / "build"
    # As a reader does, but for the optimisation, which takes time.
    options = [
        "-DCMAKE_BUILD_TYPE=Release",
        "-DCMAKE_CXX_FLAGS_RELEASE=-O0",
        f"-Duwm_DIR={cmake_dir}",
    ]
    run("cmake", "-G", "Ninja", "-S", source, "-B", folder, *options, cwd=source)
    run("cmake", "--build", folder, cwd=source)
    return folder


def blocks(info: str) -> list[str]:
    """The code blocks of the page that begin with ```info."""
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{info}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_cmake_dir(cmake_dir: Path) -> None:
    assert (cmake_dir / "uwmConfig.cmake").is_file()
    version = (cmake_dir / "uwmConfigVersion.cmake").read_text(encoding="utf-8")
    assert f'"{uwm.__version__}"' in version
    package = cmake_dir.parents[2]
    assert (package / "include" / "uwm" / "uwm.hpp").is_file()
    assert (package / "lib" / "pkgconfig" / "uwm.pc").is_file()
    # What the wheel brings, not what Python has compiled from it.
    brought = [file for file in package.rglob("*") if file.parent.name != "__pycache__"]
    assert sum(file.stat().st_size for file in brought) < 10_000_000


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (cmake,) = blocks("cmake")
    (tmp_path / "CMakeLists.txt").write_text(cmake)
    return tmp_path


def test_first_program_of_the_page(project: Path, cmake_dir: Path) -> None:
    (program,) = blocks("cpp main")
    (project / "main.cpp").write_text(program)
    shown = run(build(project, cmake_dir) / "mine", cwd=project)
    found = re.fullmatch(r"right in (\d+) of the last 100 steps\n", shown)
    assert found and int(found[1]) > 90


def test_rest_of_the_page(project: Path, cmake_dir: Path) -> None:
    program = ["#undef NDEBUG\n#include <cassert>\n#include <iostream>\n#include <uwm/uwm.hpp>\n"]
    program += [*blocks("cpp declarations"), "int main() {\n", *blocks("cpp"), "}\n"]
    (project / "main.cpp").write_text("\n".join(program))
    shown = run(build(project, cmake_dir) / "mine", cwd=project)
    number = r"(-?[\d.e-]+)"
    found = re.fullmatch(
        rf"parity by signs: {number}\nmean waiting time: {number}\n"
        r"x must have shape \(batch, 6\), got \(1, 5\)\n",
        shown,
    )
    assert found and float(found[1]) > 0.2 and float(found[2]) > 0


def test_files_go_on_in_the_other_language(tmp_path: Path, cmake_dir: Path) -> None:
    source = shutil.copytree(ROOT / "cpp" / "tests" / "consumer", tmp_path / "consumer")
    programs = build(source, cmake_dir)
    assert run(programs / "consumer", cwd=tmp_path).endswith(": well\n")

    def go_on(start: str, end: str) -> bytes:
        """25 steps in C++."""
        run(programs / "go_on", start, end, cwd=tmp_path)
        return (tmp_path / end).read_bytes()

    def train(net: uwm.Network, adam: uwm.Optimizer, end: str) -> bytes:
        """The same in Python."""
        task = uwm.tasks.Multiplexer(address_bits=2)
        uwm.train(net, uwm.UnbiasedWeightMax(), adam, task, steps=25, batch_size=4)
        uwm.save(tmp_path / end, net, adam)
        return (tmp_path / end).read_bytes()

    net = uwm.Network([6, 20, 7, 1], temperature=1.5, seed=8)
    adam = uwm.Adam([0.01, 0.02, 0.03])
    assert go_on("-", "c25") == train(net, adam, "py25")
    expected = train(net, adam, "py50")
    assert go_on("py25", "py25c25") == expected
    loaded, its_adam = uwm.load(tmp_path / "c25")
    assert its_adam is not None
    assert train(loaded, its_adam, "c25py25") == expected
