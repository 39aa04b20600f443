"""Functions of more than 60 lines, in Python and C++, docstrings and signatures included.

usage: long_functions.py FOLDER ...
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import lizard

LIMIT = 60
SUFFIXES = {".py", ".cpp", ".hpp"}


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
    found = list(long_functions(sys.argv[1:]))
    for name, length in found:
        print(f"{name}: a function must have at most {LIMIT} lines, got {length}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
