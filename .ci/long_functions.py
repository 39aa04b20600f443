"""Functions of more than 60 lines, in Python and C++, docstrings and signatures included.

usage: long_functions.py FOLDER ...

Those that stand in long_functions.txt, one "path name" a line, are let pass. An entry that is no
longer needed is an error too, so that the list can only shrink.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import lizard

LIMIT = 60
SUFFIXES = {".py", ".cpp", ".hpp"}
ALLOWED = Path(__file__).with_suffix(".txt")


def long_functions(folders: list[str]) -> Iterator[tuple[str, int]]:
    """ "path name" and the number of lines of each."""
    for folder in folders:
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix not in SUFFIXES:
                continue
            for function in lizard.analyze_file(str(path)).function_list:
                if function.length > LIMIT:
                    # The tests of a file are told apart by the macro's argument.
                    name = function.long_name if function.name == "TEST" else function.name
                    yield f"{path.as_posix()} {name}", function.length


def main() -> int:
    allowed = set(ALLOWED.read_text().splitlines()) if ALLOWED.exists() else set()
    found = dict(long_functions(sys.argv[1:]))
    for name in sorted(found.keys() - allowed):
        print(f"{name}: a function must have at most {LIMIT} lines, got {found[name]}")
    for name in sorted(allowed - found.keys()):
        print(f"{name}: is no longer too long, take it out of {ALLOWED.name}")
    return 1 if found.keys() ^ allowed else 0


if __name__ == "__main__":
    sys.exit(main())
