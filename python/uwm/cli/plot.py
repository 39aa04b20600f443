"""Draw the results in a folder: one column against another, by group.

By default learning curves: the reward against episodes, a line for each rule. Means over seeds,
with each seed as a thin line, or from five seeds on with a band, the mean's 95% interval.

    uwm plot FOLDER --x hidden --y mean_reward --group rule
    uwm plot FOLDER --x step --y return --where environment=CartPole-v1
"""

from __future__ import annotations

import argparse

from uwm.cli.errors import CommandError, explained
from uwm.cli.stored import add_folder, add_selection, column_names


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_folder(parser)
    parser.add_argument("--x", metavar="COLUMN", default="episode", help="a setting, or episode or"
                        " step of curves (default episode)")  # fmt: skip
    parser.add_argument("--y", metavar="COLUMN", default="reward", help="what was measured, or"
                        " reward or return of curves (default reward)")  # fmt: skip
    parser.add_argument("--group", metavar="COLUMN,...", type=column_names, default=["rule"],
                        help="what tells the lines apart (default rule)")  # fmt: skip
    parser.add_argument("--log-y", action="store_true", help="y on a logarithmic axis")
    parser.add_argument("--title", metavar="TEXT", help="(default: of the study)")
    parser.add_argument("--out", metavar="FILE", help="a .png file (default FOLDER/plot.png)")
    add_selection(parser)


def run(args: argparse.Namespace) -> int:
    """Draw the picture, and say where it is."""
    from pathlib import Path

    from uwm.experiments.series import picture
    from uwm.experiments.store import Store
    from uwm.files import replace_file
    from uwm.report.figures.of_store import store_plot
    from uwm.report.figures.style import check_matplotlib

    out = Path(args.out) if args.out else Path(args.folder, "plot.png")
    if out.suffix.lower() != ".png":
        raise CommandError(f"--out must be a .png file, got {out}")
    with explained():
        check_matplotlib()
        with Store(args.folder, create=False) as store:
            found = picture(
                store, x=args.x, y=args.y, group=args.group, kind=args.kind, where=dict(args.where)
            )
        replace_file(out, store_plot(found, args.title or found.title, logarithmic=args.log_y))
    print(f"Written: {out}")
    return 0
