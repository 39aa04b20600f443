"""The Markdown pages of the repository, with links that hold within the site.

The pages are written for a reader of the repository: they link to files and folders. On the site a
linked source file is a page with its text, a folder is its README or a list of its files, and any
other file is there to download.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

START = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")
LANGUAGES = {".py": "python", ".cpp": "cpp", ".hpp": "cpp", ".cff": "yaml", ".rst": "rst"}
PICTURES = {".png", ".svg"}
# The target of a link or picture, up to a "#" or the closing bracket; not of one to the web.
LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)#\s]+)")
FENCE = re.compile(r"^(```+).*?^\1\s*$", re.MULTILINE | re.DOTALL)


class Pages:
    """All pages that the start pages and docs/*.md lead to.

    texts: the name of each page on the site, and its text. copies: the name of each other file on
    the site, and where it is.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.texts: dict[str, str] = {}
        self.copies: dict[str, Path] = {}
        for name in START:
            self._page(root / name)
        for path in sorted((root / "docs").glob("*.md")):
            self._page(path)

    def _page(self, path: Path) -> str:
        """Add a Markdown page, and what it links to; return its name."""
        inside = path.relative_to(self.root).as_posix()
        name = "index.md" if inside == "README.md" else inside
        if name not in self.texts:
            self.texts[name] = ""  # so that pages may link to each other
            self.texts[name] = self._relinked(path, name)
        return name

    def _relinked(self, path: Path, name: str) -> str:
        """The text of a page with links as the site needs them; code is left as it is."""

        def relink(found: re.Match[str]) -> str:
            target = (path.parent / found.group(1)).resolve()
            return os.path.relpath(self._target(target), Path(name).parent)

        text, parts, end = path.read_text(encoding="utf-8"), [], 0
        for fence in FENCE.finditer(text):
            parts += [LINK.sub(relink, text[end : fence.start()]), fence.group()]
            end = fence.end()
        return "".join([*parts, LINK.sub(relink, text[end:])])

    def _target(self, path: Path) -> str:
        """The name of what stands for a file or folder on the site."""
        if path.is_dir():
            readme = path / "README.md"
            return self._page(readme) if readme.exists() else self._folder(path)
        if path.suffix == ".md":
            return self._page(path)
        if path.suffix in LANGUAGES or not path.suffix:
            return self._source(path)
        inside = path.relative_to(self.root).as_posix()
        name = inside if path.suffix in PICTURES else f"source/{inside}"
        self.copies[name] = path
        return name

    def _source(self, path: Path) -> str:
        """Add a page with the text of a file; return its name."""
        inside = path.relative_to(self.root).as_posix()
        text = path.read_text(encoding="utf-8")
        language = LANGUAGES.get(path.suffix, "text")
        name = f"source/{inside}.md"
        self.texts[name] = f"# {inside}\n\n``````{language}\n{text.rstrip()}\n``````\n"
        return name

    def _folder(self, folder: Path) -> str:
        """Add a page that lists the files of a folder; return its name."""
        inside = folder.relative_to(self.root).as_posix()
        name = f"source/{inside}/index.md"
        files = [f for f in sorted(folder.rglob("*")) if f.is_file() and f.suffix != ".pyc"]
        lines = [f"# {inside}/\n"]
        for file in files:
            link = os.path.relpath(self._target(file), Path(name).parent)
            lines.append(f"- [{file.relative_to(folder).as_posix()}]({link})")
        self.texts[name] = "\n".join(lines) + "\n"
        return name
