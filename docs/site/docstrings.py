"""Docstrings as Sphinx reads them.

Docstrings are plain text, for `help()`. Signs that reStructuredText would take as its own are
escaped. Formulas that are set in become literal blocks, and lines `name: meaning` a list.
Sections such as `Args:` are left to napoleon.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

SECTION = re.compile(r"^(Args|Returns|Raises|Yields|Attributes|Note|Notes):$")
QUOTED = re.compile(r"(``.+?``|`[^`]+`)")
ENDS_LIST = re.compile(r"^(Raises|Returns|Arguments|Other arguments) ")
NAMES = re.compile(r"^(\w+(?:, \w+)*)( : |: |:$)")
NEXT_NAME = re.compile(r"(?<=\. )(?=(\w+(?:, \w+)*):(?: |$))")


def process(
    app: object, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Rewrite the lines of a docstring in place: a listener of autodoc."""
    lines[:] = rewritten(lines, parameters(thing))
    if what in ("property", "attribute", "data"):
        lines[:0] = ["..", ""]  # else napoleon takes what stands before a colon for a type


def rewritten(lines: list[str], names: set[str]) -> list[str]:
    """Return the lines of a docstring, whose function has parameters of these names."""
    out: list[str] = []
    state = "text"  # or "section", "doctest", "literal", "list"
    for line in meanings_apart(underlined_titles(lines), names):
        blank, indent = not line.strip(), len(line) - len(line.lstrip())
        after_blank = not out or not out[-1].strip()
        if (state == "doctest" and not blank) or (state == "literal" and (blank or indent)):
            out.append(line)
            continue
        gap = [] if after_blank else [""]
        if line.lstrip().startswith(">>>"):
            state = "doctest"
            out += [*gap, line]
        elif blank:
            state = state if state in ("section", "list") else "text"
            out.append("")
        elif SECTION.match(line):
            state = "section"
            out += [*gap, line]
        elif state == "section" and indent:
            out.append(escaped(line))
        elif line.startswith("- ") or is_meaning(line, names):
            out += [*([] if state == "list" else gap), escaped(listed(line))]
            state = "list"
        elif state == "list" and (indent or not (after_blank or ENDS_LIST.match(line))):
            out.append("  " + escaped(line.strip()))
        elif indent and after_blank:
            state = "literal"
            out += ["::", "", line]
        else:
            out += [*(gap if state == "list" else []), escaped(line.strip())]
            state = "text"
    return [*out, ""]


def underlined_titles(lines: list[str]) -> list[str]:
    """Return the lines with titles that are underlined, as NumPy's projects do, in bold."""
    kept: list[str] = []
    for line in lines:
        if kept and re.fullmatch(r"-{3,}", line) and len(line) == len(kept[-1]):
            kept[-1:] = [f"**{kept[-1]}**", ""]
        else:
            kept.append(line)
    return kept


def meanings_apart(lines: list[str], names: set[str]) -> list[str]:
    """Return the lines with a new one where a sentence begins that says what a parameter means."""
    kept: list[str] = []
    for line in lines:
        starts = [
            found.start()
            for found in NEXT_NAME.finditer(line)
            if set(found.group(1).split(", ")) <= names and not line.startswith(" ")
        ]
        for start, end in zip([0, *starts], [*starts, None], strict=True):
            kept.append(line[start:end].rstrip())
    return kept


def parameters(thing: Any) -> set[str]:
    """Return the names of the parameters of what a docstring belongs to."""
    try:
        return set(inspect.signature(thing).parameters)
    except (TypeError, ValueError):
        return set()


def is_meaning(line: str, names: set[str]) -> bool:
    """Whether a line begins to say what a name means: `parameter: meaning`, `name : meaning`."""
    found = NAMES.match(line)
    if found is None:
        return False
    return found.group(2) == " : " or set(found.group(1).split(", ")) <= names


def listed(line: str) -> str:
    """Return a line `name: meaning` as an item of a list."""
    return NAMES.sub(r"- ``\1``: ", line).rstrip()


def escaped(line: str) -> str:
    """Return a line whose signs outside of quotes mean themselves."""
    if re.fullmatch(r"\*\*\w+\*\*", line):  # a title
        return line
    parts = QUOTED.split(line)
    parts[::2] = [re.sub(r"([*|\\])|(?<=\w)(_)(?!\w)", r"\\\1\2", part) for part in parts[::2]]
    return "".join(parts)


def signature(
    app: object, what: str, name: str, thing: Any, options: object, args: str | None, returns: Any
) -> tuple[str | None, Any] | None:
    """Show a signature with types by the names that the source has: a listener of autodoc."""
    from sphinx.util.inspect import stringify_signature

    if what not in ("class", "function", "method") or args is None:
        return None
    try:
        found = inspect.signature(thing)
        if what == "class" and {"args", "kwargs"} <= set(found.parameters):  # a base takes anything
            found = inspect.signature(vars(thing).get("__init__", thing))
    except (TypeError, ValueError):
        return None
    shown = [each for each in found.parameters.values() if each.name != "self"]
    result = None if what == "class" or found.return_annotation is found.empty else returns
    if result is not None and isinstance(found.return_annotation, str):
        result = by_name(found.return_annotation)
    text = stringify_signature(found.replace(parameters=shown), show_return_annotation=False)
    return by_name(text), result


def by_name(types: str) -> str:
    """Return types, or a signature with them, as a reader knows their names."""
    types = re.sub(r"\bnpt\.", "", re.sub(r"\b_core\.", "uwm.", types))
    return re.sub(r"(?<= = )<[^<>]*>|(?<==)<[^<>]*>", "...", types)


def skip(app: object, what: str, name: str, thing: object, skipped: bool, options: object) -> Any:
    """Leave out what other packages put into our classes: a listener of autodoc."""
    home = getattr(thing, "__module__", None)
    if isinstance(home, str) and what == "class" and not home.startswith(("uwm", "pybind11")):
        return True
    return None
