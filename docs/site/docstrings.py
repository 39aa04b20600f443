"""Docstrings as Sphinx reads them.

Docstrings are plain text, for `help()`. Signs that reStructuredText would take as its own are
escaped. Formulas that are set in become literal blocks, and lines `name: meaning` a list.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

SECTION = re.compile(r"^(Args|Returns|Raises|Yields|Attributes|Note|Notes):$")
QUOTED = re.compile(r"(``.+?``|`[^`]+`)")
ENDS_LIST = re.compile(r"^(Raises|Returns|Arguments|Other arguments) ")
NAMES = re.compile(r"^(\w+(?:, \w+)*): (?=\S)")


def process(
    app: object, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Rewrite the lines of a docstring in place: a listener of autodoc."""
    lines[:] = rewritten(lines, parameters(thing))


def rewritten(lines: list[str], names: set[str]) -> list[str]:
    """Return the lines of a docstring, whose function has parameters of these names."""
    out: list[str] = []
    state = "text"  # or "section", "doctest", "literal", "list"
    for line in lines:
        blank, indent = not line.strip(), len(line) - len(line.lstrip())
        after_blank = not out or not out[-1].strip()
        if state == "doctest" and not blank:
            out.append(line)
            continue
        if state == "literal" and (blank or indent):
            out.append(line)
            continue
        if line.lstrip().startswith(">>>"):
            state = "doctest"
            out += [line] if after_blank else ["", line]
        elif blank:
            state = state if state in ("section", "list") else "text"
            out.append("")
        elif SECTION.match(line):
            state = "section"
            out += [line] if after_blank else ["", line]
        elif state in ("section", "list") and indent:
            out.append(escaped(line))
        elif indent and after_blank:
            state = "literal"
            out += ["::", "", line]
        elif line.startswith("- ") or is_parameter(line, names):
            new = [] if state == "list" else [""]
            state = "list"
            out += [*new, escaped(line if line[0] == "-" else listed(line))]
        elif state == "list" and not after_blank and not ENDS_LIST.match(line):
            out.append("  " + escaped(line))
        else:
            out += [""] if state == "list" and not after_blank else []
            state = "text"
            out.append(escaped(line))
    return [*out, ""]


def parameters(thing: Any) -> set[str]:
    """Return the names of the parameters of what a docstring belongs to."""
    try:
        return set(inspect.signature(thing).parameters)
    except (TypeError, ValueError):
        return set()


def is_parameter(line: str, names: set[str]) -> bool:
    """Whether a line begins to say what parameters mean: `name: meaning`."""
    found = NAMES.match(line)
    return found is not None and set(found.group(1).split(", ")) <= names


def listed(line: str) -> str:
    """Return a line `name: meaning` as an item of a list."""
    return NAMES.sub(r"- ``\1``: ", line)


def escaped(line: str) -> str:
    """Return a line whose signs outside of quotes mean themselves."""
    parts = QUOTED.split(line)
    parts[::2] = [re.sub(r"([*|\\])|(?<=\w)(_)(?!\w)", r"\\\1\2", part) for part in parts[::2]]
    return "".join(parts)
