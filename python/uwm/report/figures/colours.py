"""The colour of each rule, the same in every picture."""

from __future__ import annotations

from collections.abc import Iterable

import uwm

# Okabe and Ito's palette, safe for colour-blind eyes, and colours that can be told from it; the
# rules of the library take them in the order of their list, those of one's own what is left.
PALETTE = (
    "#666666",
    "#E69F00",
    "#D55E00",
    "#0072B2",
    "#332288",
    "#56B4E9",
    "#009E73",
    "#CC79A7",
    "#000000",
    "#999933",
    "#882255",
    "#44AA99",
    "#AA4499",
)
COLOURS = dict(zip(uwm.RULES, PALETTE, strict=False))
OTHERS = PALETTE[len(COLOURS) :] or PALETTE


def colours(rules: Iterable[str]) -> dict[str, str]:
    """Return each rule's colour.

    >>> colours(["ste"])
    {'ste': '#E69F00'}
    """
    names = list(rules)
    others = iter(OTHERS * len(names))
    return {rule: COLOURS.get(rule) or next(others) for rule in names}
