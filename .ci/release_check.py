"""May this state of the sources be released? Everything that speaks against it, one line each.

usage: release_check.py TAG FILE ...

TAG is v and the version; FILE is the sdist or a wheel that was built of these sources. Ends with
status 1 if anything speaks against it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What the sdist leaves out: pyproject.toml, tool.scikit-build, says the same.
LEFT_OUT = (".ci/", ".github/", ".pre-commit-config.yaml")
# What the build adds to it.
ADDED = {"PKG-INFO"}
# Without these nobody could build it, or would be allowed to.
NEEDED = {"LICENSE", "README.md", "CHANGELOG.md", "CMakeLists.txt", "pyproject.toml"}


def version_of(cmake: str) -> str:
    """The version that CMakeLists.txt, given as text, states."""
    found = re.search(r"^project\(uwm VERSION ([\d.]+) ", cmake, re.MULTILINE)
    if not found:
        raise ValueError(
            "CMakeLists.txt must state the version: project(uwm VERSION ...), got none"
        )
    return found[1]


def check_tag(tag: str, version: str) -> Iterator[str]:
    if tag != f"v{version}":
        yield f"the tag must be v{version}, as CMakeLists.txt says, got {tag}"


def check_changelog(changelog: str, version: str, today: date) -> Iterator[str]:
    """The newest section must be of this version, have a date, and say something."""
    found = re.search(r"^## \[(.+?)\](.*)\n((?:(?!## ).*\n?)*)", changelog, re.MULTILINE)
    if not found or found[1] != version:
        got = found[1] if found else "no section"
        yield f"the newest section of CHANGELOG.md must be {version}, got {got}"
        return
    stated = found[2].removeprefix(" - ")
    try:
        released = date.fromisoformat(stated)
    except ValueError:
        yield f"the section {version} of CHANGELOG.md must have a date (2026-01-31), got {stated!r}"
    else:
        if released > today:
            yield f"the date in CHANGELOG.md must not be in the future, got {released}"
    if not re.search(r"^- \S", found[3], re.MULTILINE):
        yield f"the section {version} of CHANGELOG.md must have an entry, got none"


def check_citation(citation: str, version: str) -> Iterator[str]:
    found = re.search(r"^version: (.+)$", citation, re.MULTILINE)
    if not found or found[1] != version:
        yield f"version in CITATION.cff must be {version}, got {found[1] if found else 'none'}"


def check_tree(root: Path, tag: str) -> Iterator[str]:
    """Nothing may be uncommitted, and the tag, if it is there already, must be on this commit."""
    for line in git(root, "status", "--porcelain").splitlines():
        yield f"the working tree must be clean, got {line.strip()}"
    tagged = git(root, "tag", "--list", tag)
    if tagged and git(root, "rev-parse", f"{tag}^{{commit}}") != git(root, "rev-parse", "HEAD"):
        yield f"the tag {tag} must be on the commit that is checked out, got another commit"


def check_sdist(held: set[str], tracked: set[str]) -> Iterator[str]:
    """`held` are the paths in the sdist, below its folder; `tracked` what git knows."""
    wanted = {path for path in tracked if not path.startswith(LEFT_OUT)} | NEEDED
    for path in sorted(wanted - held):
        yield f"the sdist must hold {path}, got none"
    for path in sorted(held - wanted - ADDED):
        yield f"the sdist must hold nothing but the sources, got {path}"


def check_names(names: list[str], version: str) -> Iterator[str]:
    """One sdist, and wheels of this version that PyPI takes."""
    sdist = f"uwm-{version}.tar.gz"
    if sdist not in names:
        yield f"the files must have {sdist} among them, got {', '.join(names) or 'none'}"
    for name in names:
        if not name.startswith(f"uwm-{version}{'-' if name.endswith('.whl') else '.'}"):
            yield f"every file must be of version {version}, got {name}"
        # A wheel that auditwheel has not seen names the machine that it was built on, and no more.
        if re.search(r"-linux_\w+\.whl$", name):
            yield f"a wheel for Linux must be repaired by auditwheel, got {name}"


def paths_in(sdist: Path) -> set[str]:
    with tarfile.open(sdist) as archive:
        return {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def refusals(root: Path, tag: str, files: list[Path], today: date) -> Iterator[str]:
    def text(name: str) -> str:
        return (root / name).read_text(encoding="utf-8")

    version = version_of(text("CMakeLists.txt"))
    yield from check_tag(tag, version)
    yield from check_changelog(text("CHANGELOG.md"), version, today)
    yield from check_citation(text("CITATION.cff"), version)
    yield from check_tree(root, tag)
    yield from check_names([file.name for file in files], version)
    # Of a name that is not plain ASCII git gives another spelling unless -z is asked for.
    tracked = set(git(root, "ls-files", "-z").split("\0")) - {""}
    for file in files:
        if file.name.endswith(".tar.gz"):
            yield from check_sdist(paths_in(file), tracked)


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    tag, *files = sys.argv[1:]
    found = list(refusals(ROOT, tag, [Path(file) for file in files], date.today()))
    for reason in found:
        print(reason)
    print(f"{tag} must not be released yet" if found else f"{tag} may be released")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
