"""Matplotlib for files alone: no pyplot, no backend, and nothing of the user's configuration.

Pictures look the same everywhere and can be drawn wherever Matplotlib can be imported, whatever
MPLBACKEND, a matplotlibrc or a style say. What the user has set in a running Python stays as it is.
"""

from __future__ import annotations

import importlib.util
import io
import logging
import os
import sys
import tempfile
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from uwm.checks import one_line, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, FAINT = "#222222", "#DDDDDD"
LONGEST_NAME, LONGEST_TITLE = 40, 60  # characters
MOST_LINES = 4  # of a subtitle


def check_matplotlib() -> None:
    """Raise ImportError that says what to install if Matplotlib is missing.

    Whether it works shows when it draws.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ImportError('plots need Matplotlib: pip install "uwm[cli]"')


@contextmanager
def drawing() -> Iterator[None]:
    """Import Matplotlib, and give it its own defaults while the block draws.

    Raises ImportError if it is missing.
    """
    check_matplotlib()
    logger = logging.getLogger("matplotlib")  # it talks of configurations and fonts
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of characters that no font has, above all
            _import()
            import matplotlib

            defaults = {
                name: value
                for name, value in matplotlib.rcParamsDefault.items()
                if not name.startswith("backend")
            }
            with matplotlib.rc_context(defaults):
                yield
    finally:
        logger.setLevel(level)


def _import() -> None:
    """Import Matplotlib without its looking at MPLBACKEND, and then set it as it would have."""
    if "matplotlib" in sys.modules:
        return
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        try:
            import matplotlib
        except ImportError:
            raise
        except Exception:  # a matplotlibrc that cannot be read
            _import_unconfigured()
            import matplotlib
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    if backend:
        with suppress(ValueError):  # no such backend, and none is needed here
            matplotlib.rcParams["backend"] = backend  # a notebook's pictures stay in the notebook


def _import_unconfigured() -> None:
    """Import Matplotlib where no matplotlibrc is, and with an empty one for the user's."""
    for name in [name for name in sys.modules if name.startswith("matplotlib.")]:
        del sys.modules[name]  # what the import that failed has left
    before, folder = os.environ.get("MATPLOTLIBRC"), os.getcwd()
    with tempfile.TemporaryDirectory() as empty:
        try:
            os.environ["MATPLOTLIBRC"] = os.devnull
            os.chdir(empty)
            import matplotlib  # noqa: F401
        finally:
            os.chdir(folder)
            del os.environ["MATPLOTLIBRC"]
            if before is not None:
                os.environ["MATPLOTLIBRC"] = before


def headed(figure: Figure, title: str, subtitle: str) -> None:
    """Put a title and a subtitle of any length above all panels, inside the figure."""
    inches, height = figure.get_size_inches()
    width = max(40, int(inches * 15))  # characters of the subtitle that fit into a line
    lines = textwrap.wrap(one_line(subtitle), width)
    if len(lines) > MOST_LINES:
        lines[MOST_LINES - 1 :] = [f"{lines[MOST_LINES - 1][: width - 1]}…"]
    place = {"x": 0.1 / inches, "ha": "left", "va": "top", "color": INK, "parse_math": False}
    name = shortened(one_line(title), min(LONGEST_TITLE, width))
    figure.text(y=1 - 0.08 / height, s=name, fontsize=12, **place)
    figure.text(y=1 - 0.34 / height, s="\n".join(lines), fontsize=8, **place)
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(0, 0, 1, 1 - (0.42 + 0.14 * len(lines)) / height))


def legend(figure: Figure, handles: list[Any], names: list[str], *, columns: int) -> None:
    """Name the lines below all panels; names are shown as they are, only long ones shortened."""
    made = figure.legend(
        handles, [f"line {k}" for k in range(len(names))], loc="outside lower center",
        ncols=columns, frameon=False, fontsize=9,
    )  # fmt: skip
    for text, name in zip(made.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(shortened(one_line(name), LONGEST_NAME))


def png(figure: Figure) -> bytes:
    """Return the figure's file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    image = io.BytesIO()
    canvas: Any = FigureCanvasAgg(figure)
    canvas.print_png(image)
    return image.getvalue()
