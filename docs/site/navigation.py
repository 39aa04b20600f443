"""What stands in the site's side bar, in which order."""

from __future__ import annotations

# Pages without suffix. A page of docs/ that is named nowhere here stands at the end of the manual.
SECTIONS = {
    "Start": ["docs/which-rule", "notebooks/index", "docs/gallery", "docs/limits"],
    "Manual": ["docs/python", "docs/experiments", "docs/gradients", "docs/rl", "docs/cpp"],
    "Background": [
        "docs/rules",
        "docs/step-sizes",
        "docs/claims",
        "docs/adding-a-rule",
        "docs/glossary",
    ],
    "Reference": ["reference/python", "reference/cpp/index", "reference/command-line"],
    "Project": ["CHANGELOG", "CONTRIBUTING", "docs/releasing", "bench/README"],
}
ELSEWHERE = {"docs/README"}  # a list of the same pages, for readers of the repository
LISTED = {"reference/python", "reference/cpp/index"}  # they have a list of pages of their own


def with_navigation(texts: dict[str, str]) -> dict[str, str]:
    """Return the pages with the side bar in the start page; what is not in it is marked so."""
    names = {name.rsplit(".", 1)[0]: name for name in texts}
    sections = {title: list(entries) for title, entries in SECTIONS.items()}
    placed = {entry for entries in sections.values() for entry in entries} | ELSEWHERE
    others = [n for n in sorted(names) if n.startswith("docs/") and n.count("/") == 1]
    sections["Manual"] += [n for n in others if n not in placed]
    placed |= set(others) - ELSEWHERE

    found = dict(texts)
    for name, file in names.items():
        below_a_list = any(name.startswith(page.removesuffix("index")) for page in LISTED)
        if name != "index" and name not in placed - ELSEWHERE and not below_a_list:
            found[file] = "---\norphan: true\n---\n\n" + texts[file]
    for title, entries in sections.items():
        lines = "\n".join(f"/{entry}" for entry in entries)
        found["index.md"] += f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{lines}\n```\n"
    return found
