"""The screen: a terminal, a file or a pipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPE_WIDTH = 120


def console(*, stderr: bool) -> Console:
    """Return a rich console; what goes into a file or a pipe gets room enough for the table.

    Raises ImportError if rich is missing: pip install "uwm[cli]".
    """
    try:
        from rich.console import Console
    except ImportError:
        raise ImportError('tables and progress need rich: pip install "uwm[cli]"') from None
    # Names of the user's are shown as they are, brackets and colons included.
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = PIPE_WIDTH
    return made


def print_table(screen: Console, made: Table) -> None:
    """Print a table whole: on a terminal that is too narrow for it, its lines go over the edge."""
    from rich.console import Console

    needed = width_of(made)
    if needed > screen.width:
        screen = Console(file=screen.file, width=needed, highlight=False, markup=False, emoji=False)
    screen.print(made)


def print_files(screen: Console, files: list[Path]) -> None:
    """Say where the files are."""
    if files:
        screen.print("Written: " + ", ".join(str(path) for path in files), soft_wrap=True)


def width_of(made: Table) -> int:
    """Return how many characters a table needs to be whole."""
    from rich.console import Console

    return Console(width=500, markup=False, emoji=False).measure(made).maximum
