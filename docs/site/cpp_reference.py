"""The reference of the C++ library: a page per public header, made from its text.

A block of a header is what stands between two empty lines within the namespace: a comment of `///`
lines, and what it speaks of. The comment becomes prose, the rest is shown as it is, without what is
private.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

INDEX = """\
# C++

Every public header of the library, as `#include "uwm/uwm.hpp"` includes them.
[C++](/docs/cpp.md) is the manual.
Everything is in the namespace `uwm`.

| header | declares |
|---|---|
{rows}

```{{toctree}}
:hidden:

{names}
```
"""
# What a block declares: a class, an alias, a constant, or else the function before the first "(".
NAMED = re.compile(
    r"\b(?:class|struct|enum class|concept)\s+(?:UWM_EXPORT\s+)?(\w+)\b(?!\s*[,>=])"
    r"|\busing\s+(?:\w+::)?(\w+)\s*[=;]|\bconstexpr\s+[\w:]+\s+(\w+)\s*="
)
FUNCTION = re.compile(r"([\w]+)\s*\(")
# A block of these alone declares nothing that a reader looks for.
ELSEWHERE = re.compile(
    r"(?:(?:template <[^>]*>\s*)?(?:class|struct|enum class) \w+;\s*|extern template [^;]*;\s*"
    r"|static_assert\([^;]*;\s*|(?://|#)[^\n]*\s*)+"
)
ACCESS = re.compile(r"^ (public|protected|private):")


class Block(NamedTuple):
    """What a header declares in one place."""

    names: list[str]
    comment: list[str]
    code: list[str]


def pages(folder: Path) -> dict[str, str]:
    """Return the text of each page by its name."""
    made, rows, names = {}, [], []
    for header in sorted(folder.glob("*.hpp")):
        found = blocks(header.read_text(encoding="utf-8"))
        if not found:
            continue
        declared = list(dict.fromkeys(name for block in found for name in block.names))
        made[f"reference/cpp/{header.stem}.md"] = page(header.name, found)
        listed = ", ".join(f"`{name}`" for name in declared)
        rows.append(f"| [{header.name}](/reference/cpp/{header.stem}.md) | {listed} |")
        names.append(header.stem)
    index = INDEX.format(rows="\n".join(rows), names="\n".join(names))
    return {"reference/cpp/index.md": index, **made}


def page(header: str, found: list[Block]) -> str:
    """Return the page of a header."""
    parts = [f"# {header}\n", f'```cpp\n#include "uwm/{header}"\n```\n']
    for block in found:
        parts.append(f"## {', '.join(block.names)}\n")
        if block.comment:
            parts.append(prose(block.comment))
        parts.append("```cpp\n" + "\n".join(block.code) + "\n```\n")
    return "\n".join(parts)


def blocks(text: str) -> list[Block]:
    """Return what a header declares in the namespace uwm, in its order."""
    found: list[Block] = []
    inside = re.search(r"^namespace uwm \{$(.*)^\}  // namespace uwm$", text, re.S | re.M)
    lines: list[str] = []
    depth = 0
    for line in (*(inside.group(1) if inside else "").splitlines(), ""):
        if line.strip() or depth:
            lines.append(line)
            code = re.sub(r"//.*", "", line)
            depth += code.count("{") - code.count("}")
        elif lines:
            block = block_of(lines)
            found += [block] if block else []
            lines = []
    return found


def block_of(lines: list[str]) -> Block | None:
    """Return a block, or None if it only announces what is declared elsewhere."""
    comment = [line[3:].removeprefix(" ") for line in lines if line.startswith("///")]
    code = public([line for line in lines if not line.startswith("///")])
    text = "\n".join(code)
    if not text or ELSEWHERE.fullmatch(text):
        return None
    named = [next(filter(None, found)) for found in NAMED.findall(text.split("{")[0])]
    if not named:
        named = [name for line in code if (name := function_of(line))]
    return Block(list(dict.fromkeys(named)) or ["…"], comment, code)


def function_of(line: str) -> str | None:
    """Return the function that a line at the block's own level declares."""
    found = None if line.startswith((" ", "//", "template", "}")) else FUNCTION.search(line)
    return found.group(1) if found else None


def public(lines: list[str]) -> list[str]:
    """Return the lines of a declaration without its private part."""
    kept, hidden = [], False
    for line in lines:
        access = ACCESS.match(line)
        if access:
            hidden = access.group(1) == "private"
        elif line.startswith("}"):
            hidden = False
        if not hidden:
            kept.append(line.replace("UWM_EXPORT ", ""))
    text = "\n".join(kept)
    return re.sub(r"\n+(?=\n\};)|(?<=\{)\n+(?=\n)", "", text).splitlines()


def prose(comment: list[str]) -> str:
    """Return a comment as Markdown; lines that are set in by four are an example."""
    parts: list[str] = []
    example = False
    for line in comment:
        code = line.startswith("    ")
        if code != example and (code or line.strip()):
            parts.append("```cpp" if code else "```")
            example = code
        parts.append(line[4:] if code else re.sub(r"([*<\\_])", r"\\\1", line))
    return "\n".join([*parts, *(["```"] if example else [])]) + "\n"
