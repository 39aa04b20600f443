"""What the site is made of is whole: every picture, page, header and docstring has its place."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


@pytest.fixture(autouse=True)
def parts_of_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS / "site"))


def test_every_picture_of_the_manual_is_in_the_gallery() -> None:
    shown = set(re.findall(r"\]\(([^)]+\.png)\)", (DOCS / "gallery.md").read_text("utf-8")))
    assert shown == {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.png")}


def test_the_manual_lists_every_page() -> None:
    listed = set(re.findall(r"\]\(([a-z-]+\.md)\)", (DOCS / "README.md").read_text("utf-8")))
    assert listed == {path.name for path in DOCS.glob("*.md")} - {"README.md"}


def test_pages_link_to_pages() -> None:
    from navigation import SECTIONS, with_navigation
    from pages import Pages

    pages = Pages(ROOT)
    assert "(source/examples/one_file.py.md)" in pages.texts["index.md"]
    assert "(../index.md)" in pages.texts["docs/README.md"]
    assert "docs/images/compare.png" in pages.copies
    texts = with_navigation(pages.texts)
    assert all(f":caption: {title}" in texts["index.md"] for title in SECTIONS)
    assert texts["source/LICENSE.md"].startswith("---\norphan: true")
    assert "orphan" not in texts["docs/python.md"]


def test_every_public_header_has_a_page_without_what_is_private() -> None:
    from cpp_reference import blocks, pages

    folder = ROOT / "cpp" / "include" / "uwm"
    found = pages(folder)
    included = re.findall(r'"uwm/(\w+)\.hpp"', (folder / "uwm.hpp").read_text("utf-8"))
    assert {f"reference/cpp/{name}.md" for name in included} <= set(found)
    assert not any("private:" in text or "UWM_EXPORT" in text for text in found.values())
    assert not any(
        "…" in block.names for h in folder.glob("*.hpp") for block in blocks(h.read_text("utf-8"))
    )
    learner = found["reference/cpp/learner.md"]
    assert "## Learner\n" in learner and "void learn(" in learner and "step_" not in learner


def test_docstrings_keep_their_signs() -> None:
    from docstrings import rewritten

    assert rewritten(["|E u - g| / |g|, as `a|b` and classes_ say"], set())[0] == (
        r"\|E u - g\| / \|g\|, as `a|b` and classes\_ say"
    )
    formula = rewritten(["So:", "", "    A_i = a * b", "", "and on"], set())
    assert formula[2:5] == ["::", "", "    A_i = a * b"]
    said = ["Do.", "plot: whether", "to draw. size: of it.", "Raises ValueError."]
    meanings = ["Do.", "", "- ``plot``: whether", "  to draw.", "- ``size``: of it.", ""]
    assert rewritten(said, {"plot", "size"})[:7] == [*meanings, "Raises ValueError."]


def test_broken_links_are_found(tmp_path: Path) -> None:
    from check_links import broken_links

    (tmp_path / "a.html").write_text('<a href="b.html#x">x</a><a href="b.html#y">y</a>')
    (tmp_path / "b.html").write_text('<p id="x"><img src="no.png"><a href="https://example.org">')
    checked, broken = broken_links(tmp_path)
    assert checked == 3
    assert broken == ["a.html: broken link b.html#y", "b.html: broken link no.png"]


@pytest.mark.parametrize("path", sorted((DOCS / "notebooks").glob("*.py")), ids=lambda p: p.name)
def test_notebook_runs(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib").use("agg")
    exec(compile(path.read_text("utf-8"), str(path), "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out
