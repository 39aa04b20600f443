"""A release is refused until its sources, its changelog and its files agree."""

from __future__ import annotations

import importlib.util
import io
import shutil
import subprocess
import tarfile
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parent.parent / ".ci" / "release_check.py"
TODAY = date(2026, 2, 1)
CHANGELOG = (
    "# Changelog\n\n## [1.2.0] - 2026-01-31\n\n### Added\n\n- A thing.\n\n## [1.1.0] - 2025-01-01\n"
)

pytestmark = [
    pytest.mark.skipif(not SCRIPT.exists(), reason="not beside the sources"),
    pytest.mark.skipif(not shutil.which("git"), reason="git is not installed"),
]


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_check", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A repository that may be released."""
    root = tmp_path / "sources"
    (root / ".ci").mkdir(parents=True)
    for name, text in {
        "CMakeLists.txt": "project(uwm VERSION 1.2.0 LANGUAGES CXX)\n",
        "CHANGELOG.md": CHANGELOG,
        "CITATION.cff": "version: 1.2.0\n",
        "LICENSE": "MIT",
        "README.md": "uwm",
        "pyproject.toml": "",
        "ä.txt": "",
        ".ci/run": "",
    }.items():
        (root / name).write_text(text, encoding="utf-8")
    git(root, "init", "-q")
    commit(root)
    return root


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "all")


def sdist(root: Path, *, without: str = "", also: str = "PKG-INFO") -> Path:
    """The sdist of `root`, beside it."""
    path = root.parent / "uwm-1.2.0.tar.gz"
    names = [file.name for file in root.iterdir() if file.is_file() and file.name != without]
    with tarfile.open(path, "w:gz") as archive:
        for name in [*names, also]:
            archive.addfile(tarfile.TarInfo(f"uwm-1.2.0/{name}"), io.BytesIO())
    return path


def refusals(
    check: ModuleType, root: Path, tag: str = "v1.2.0", files: list[Path] | None = None
) -> list[str]:
    return list(check.refusals(root, tag, [sdist(root)] if files is None else files, TODAY))


def test_a_release_in_order_is_not_refused(check: ModuleType, sources: Path) -> None:
    assert refusals(check, sources) == []
    git(sources, "tag", "v1.2.0")
    assert refusals(check, sources) == []


def test_another_tag_is_refused(check: ModuleType, sources: Path) -> None:
    (found,) = refusals(check, sources, "v1.3.0")
    assert found == "the tag must be v1.2.0, as CMakeLists.txt says, got v1.3.0"


def test_a_tag_on_another_commit_is_refused(check: ModuleType, sources: Path) -> None:
    git(sources, "tag", "v1.2.0")
    (sources / "README.md").write_text("more")
    commit(sources)
    (found,) = refusals(check, sources)
    assert "must be on the commit that is checked out" in found


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("2026-01-31", "unreleased", r"must have a date \(2026-01-31\), got 'unreleased'"),
        (" - 2026-01-31", "", "must have a date"),
        ("2026-01-31", "2026-02-02", "must not be in the future, got 2026-02-02"),
        ("[1.2.0]", "[1.1.9]", "must be 1.2.0, got 1.1.9"),
        ("- A thing.", "", "must have an entry"),
        ("## ", "", "must be 1.2.0, got no section"),
    ],
)
def test_a_changelog_that_does_not_tell_of_it_is_refused(
    check: ModuleType, sources: Path, old: str, new: str, words: str
) -> None:
    (sources / "CHANGELOG.md").write_text(CHANGELOG.replace(old, new))
    commit(sources)
    (found,) = refusals(check, sources)
    with pytest.raises(ValueError, match=words):
        raise ValueError(found)


def test_another_version_in_the_citation_is_refused(check: ModuleType, sources: Path) -> None:
    (sources / "CITATION.cff").write_text("version: 1.1.0\n")
    commit(sources)
    assert refusals(check, sources) == ["version in CITATION.cff must be 1.2.0, got 1.1.0"]


def test_a_dirty_tree_is_refused(check: ModuleType, sources: Path) -> None:
    files = [sdist(sources)]
    (sources / "README.md").write_text("changed")
    (sources / "new.txt").write_text("")
    found = refusals(check, sources, files=files)
    assert [line.split(", got ")[1] for line in found] == ["M README.md", "?? new.txt"]


def test_an_sdist_that_lacks_a_file_is_refused(check: ModuleType, sources: Path) -> None:
    files = [sdist(sources, without="LICENSE")]
    assert refusals(check, sources, files=files) == ["the sdist must hold LICENSE, got none"]


def test_a_stray_file_in_the_sdist_is_refused(check: ModuleType, sources: Path) -> None:
    files = [sdist(sources, also="secret.txt")]
    (found,) = refusals(check, sources, files=files)
    assert found == "the sdist must hold nothing but the sources, got secret.txt"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("uwm-1.2.0-cp313-cp313-linux_x86_64.whl", "repaired by auditwheel"),
        ("uwm-1.1.0-cp313-cp313-macosx_11_0_arm64.whl", "of version 1.2.0"),
        ("uwm-1.2.0-cp313-cp313-manylinux_2_28_x86_64.whl", None),
    ],
)
def test_wheels_that_nobody_could_take_are_refused(
    check: ModuleType, sources: Path, name: str, words: str | None
) -> None:
    found = refusals(check, sources, files=[sdist(sources), Path(name)])
    assert (words is None and not found) or (words and words in found[0])


def test_a_release_without_its_sdist_is_refused(check: ModuleType, sources: Path) -> None:
    (found,) = refusals(check, sources, files=[])
    assert found == "the files must have uwm-1.2.0.tar.gz among them, got none"


def test_the_sdist_leaves_out_what_the_check_expects(check: ModuleType) -> None:
    text = (SCRIPT.parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("sdist.exclude"))
    assert all(f'"{left_out.rstrip("/")}"' in line for left_out in check.LEFT_OUT)
    assert line.count('"') == 2 * len(check.LEFT_OUT)
