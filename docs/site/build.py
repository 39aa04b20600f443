"""Build the manual as a site: gather its pages, make the references, run Sphinx, check the links.

    python docs/site/build.py                # into build/site/html
    python docs/site/build.py --out FOLDER

It needs `uwm` with its tests' packages, and the dependency group `site`. A warning is an error.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def main() -> int:
    """Build the site and return the exit code."""
    from check_links import broken_links
    from sphinx.cmd.build import build_main

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "site", help="default: build/site"
    )
    out = parser.parse_args().out.resolve()
    start = time.monotonic()

    source, html = out / "source", out / "html"
    for folder in (source, html):
        shutil.rmtree(folder, ignore_errors=True)
    write_source(source)
    options = ["-q", "-W", "--keep-going", "-b", "html", "-c", str(HERE), "-d", str(out / "cache")]
    code = build_main([*options, "--fresh-env", str(source), str(html)])
    if code:
        return code
    checked, broken = broken_links(html)
    for line in broken:
        print(line, file=sys.stderr)
    if broken:
        return 1
    print(f"{checked} links checked; {time.monotonic() - start:.0f} s; {html / 'index.html'}")
    return 0


def write_source(folder: Path) -> None:
    """Write all that Sphinx reads: the pages of the manual, and those made from the code."""
    import command_line
    import cpp_reference
    import navigation
    import python_reference
    from pages import Pages

    pages = Pages(ROOT)
    made = {
        **python_reference.pages(),
        **cpp_reference.pages(ROOT / "cpp" / "include" / "uwm"),
        **command_line.pages(),
    }
    texts = navigation.with_navigation({**pages.texts, **made})
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name, original in pages.copies.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(original, path)


if __name__ == "__main__":
    sys.exit(main())
