"""How lines look: a colour on light and on dark ground, and dashes that need no colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from uwm.report.figures.colours import colours
from uwm.report.page.sections import Group

#: Lengths of strokes and gaps, one for every line of a plot.
DASHES: tuple[tuple[int, ...], ...] = (
    (), (8, 4), (2, 3), (10, 3, 2, 3), (14, 5), (5, 2, 5, 6), (2, 7), (12, 3, 2, 3, 2, 3),
    (20, 3), (4, 8), (2, 2, 2, 7), (16, 3, 6, 3),
)  # fmt: skip
DARK = 0x16 / 255  # about the ground of a dark page
CONTRAST = 4.5  # that text must have; more than lines need


@dataclass(frozen=True)
class Look:
    """The look of a group's lines. light, dark: colours, for the ground of this name."""

    light: str
    dark: str
    dash: tuple[int, ...]


def looks(groups: Sequence[Group]) -> list[Look]:
    """Return the look of each group: the rule's colour, and dashes unlike its neighbours'."""
    of_rule = colours(dict.fromkeys(group.rule for group in groups))
    return [
        Look(of_rule[group.rule], on_dark(of_rule[group.rule]), DASHES[k % len(DASHES)])
        for k, group in enumerate(groups)
    ]


def on_dark(colour: str) -> str:
    """Return a colour mixed with as much white as it takes to be seen on dark ground.

    >>> on_dark("#E69F00"), on_dark("#000000")
    ('#e69f00', '#828282')
    """
    red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    for step in range(101):
        mixed = [part + (1 - part) * step / 100 for part in (red, green, blue)]
        if contrast(mixed) >= CONTRAST:
            break
    return "#" + "".join(f"{round(255 * part):02x}" for part in mixed)


def contrast(colour: Sequence[float]) -> float:
    """Return the contrast with the dark ground, as WCAG 2 defines it."""
    return (luminance(colour) + 0.05) / (luminance([DARK] * 3) + 0.05)


def luminance(colour: Sequence[float]) -> float:
    """Return the relative luminance of red, green and blue from 0 to 1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
