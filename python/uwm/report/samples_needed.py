"""How many samples would give a figure that has too few of them a stated precision."""

from __future__ import annotations

import math
from collections.abc import Sequence

from uwm.analysis import Estimate
from uwm.experiments.gradient_study.result import Measurement

BIAS = 0.05  # a bias to ± so much of the gradient's length
NOISE = 0.1  # a noise to ± so much of itself
MOST_NAMED = 4


def is_vague(estimate: Estimate) -> bool:
    """Tell whether a figure's interval is wider than the figure."""
    return estimate.high - estimate.low > estimate.value


def samples_for(estimate: Estimate, samples: int, precision: float) -> int:
    """Return about how many samples make half of an interval as narrow as `precision`.

    Half of an interval falls as one over the root of the number of samples; where it is cut off at
    0, the other half counts. To two digits.

    >>> samples_for(Estimate(0.0, 0.0, 0.5), 1000, precision=0.05)
    100000
    """
    half = max(estimate.high - estimate.value, estimate.value - estimate.low)
    needed = samples * (half / precision) ** 2
    return math.ceil(float(f"{needed:.2g}")) if math.isfinite(needed) else 0


def precision_lines(measurements: Sequence[Measurement]) -> list[str]:
    """Return a line on the figures whose intervals are wider than themselves, if there are any.

    A figure along training counts with the checkpoint that needs the most samples.
    """
    needed: dict[tuple[str, int, str], int] = {}

    def note(key: tuple[str, int, str], estimate: Estimate, samples: int, precision: float) -> None:
        if precision > 0 and is_vague(estimate):
            found = samples_for(estimate, samples, precision)
            needed[key] = max(found, needed.get(key, 0))

    for m in measurements:
        if m.method != "sampled" or math.isnan(m.noise_to_signal.value):
            continue
        note(("bias", m.layer, m.rule), m.relative_bias, m.samples, BIAS)
        noise = m.noise_to_signal
        note(("noise", m.layer, m.rule), noise, m.samples, NOISE * noise.value)
    drawn = max((m.samples for m in measurements), default=0)
    # A small figure may be as precise as that already.
    most = {key: n for key, n in needed.items() if n > drawn}
    if not most:
        return []
    ordered = sorted(most.items(), key=lambda item: -item[1])
    named = [f"{n:,} for the {what} of {rule} in layer {layer + 1}"
             for (what, layer, rule), n in ordered[:MOST_NAMED]]  # fmt: skip
    rest = len(ordered) - len(named)
    more = f", fewer for {rest} more" if rest else ""
    return [
        f"Intervals wider than their figures. A bias to ±{BIAS:g} and a noise to ±{NOISE:.0%} take"
        f" about this many --samples: {'; '.join(named)}{more}."
    ]
