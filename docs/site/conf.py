"""Sphinx's settings for the site; docs/site/build.py runs it."""

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import docstrings  # noqa: E402
import python_reference  # noqa: E402

import uwm  # noqa: E402

project = "uwm"
author = "the uwm authors"
copyright = author
version = release = uwm.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
root_doc = "index"
default_role = "py:obj"  # `name` in a docstring is a link where it is known, and code elsewhere
pygments_style, pygments_dark_style = "friendly", "github-dark"

html_theme = "furo"
html_title = f"uwm {version}"
html_static_path = [str(HERE / "static")]
html_css_files = ["site.css"]
html_show_copyright = html_show_sphinx = html_copy_source = False

myst_heading_anchors = 3  # as GitHub makes them
# Pages may skip a level of headings, and the reference has the engine's names once more.
suppress_warnings = ["myst.header", "ref.python"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_mock_imports = python_reference.MISSING
toc_object_entries_show_parents = "hide"
maximum_signature_line_length = 90
napoleon_google_docstring, napoleon_numpy_docstring = True, False
napoleon_use_rtype = False

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": str(HERE.parent / "notebooks"),
    "gallery_dirs": "notebooks",
    "filename_pattern": ".",  # all of them are executed
    "ignore_pattern": "^$",
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    "min_reported_time": 1e9,
    "write_computation_times": False,
    "copyfile_regex": "^$",
    "plot_gallery": True,
}


def setup(app: Any) -> None:
    """Let docstrings be rewritten before napoleon reads their sections."""
    app.connect("autodoc-skip-member", docstrings.skip)
    app.connect("autodoc-process-signature", docstrings.signature)
    app.connect("autodoc-process-docstring", docstrings.process, priority=100)
