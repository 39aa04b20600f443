"""What the table of changes changes: one constant of the automatic weights or rates at a time."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

import uwm


@dataclass(frozen=True)
class Constants:
    """The constants of docs/step-sizes.md; the values are those of the library."""

    hidden_rate: float = 1.0
    output_rate: float = 0.2
    decay_steps: int = 1000
    warm_up: int = 200
    warm_up_first: int = 0
    hidden_deviation: float = 3.0
    bernoulli_deviation: float = 3.0
    softmax_deviation: float = 0.3
    copied: float = 0.75
    centred: bool = True
    glorot: bool = False

    def weights(self, net: uwm.Network) -> None:
        """Give a network of 0/1 units, initialised with gain 1, its initial weights."""
        last = len(net.layers) - 1
        for ell, layer in enumerate(net.layers) if not self.glorot else ():
            n_out, n_in = layer.weight.shape
            variance = 1.0 if ell == 0 else 0.25
            s = self.hidden_deviation
            if ell == last:
                soft = net.output == "softmax"
                s = self.softmax_deviation if soft else self.bernoulli_deviation
            copied = self.copied if 0 < ell < last else 0.0
            u = layer.weight / np.sqrt(6 / (n_in + n_out))
            weight = s * np.sqrt((1 - copied) * 3 / (n_in * variance)) * u
            rows = np.arange(n_out)
            weight[rows, rows % n_in] += s * np.sqrt(copied / variance)
            layer.weight = weight
            if ell > 0 and self.centred:
                layer.bias = -0.5 * weight.sum(axis=1)

    def adam(self, net: uwm.Network) -> uwm.Adam:
        """Return Adam with these rates."""
        rates = []
        for ell, n_in in enumerate(net.sizes[:-1]):
            c = self.output_rate if ell == len(net.sizes) - 2 else self.hidden_rate
            warm_up = self.warm_up if ell > 0 else self.warm_up_first
            rates.append(uwm.InverseRoot(c / (n_in + 1), self.decay_steps, warm_up=warm_up))
        return uwm.Adam(rates)


SHIPPED = Constants()


def _with(**changes: object) -> Constants:
    return dataclasses.replace(SHIPPED, **changes)  # type: ignore[arg-type]


CHANGES = {
    "as shipped": SHIPPED,
    "rates x2": _with(hidden_rate=2.0, output_rate=0.4),
    "rates /2": _with(hidden_rate=0.5, output_rate=0.1),
    "hidden c 2": _with(hidden_rate=2.0),
    "hidden c .5": _with(hidden_rate=0.5),
    "output c .4": _with(output_rate=0.4),
    "output c .1": _with(output_rate=0.1),
    "decay 2000": _with(decay_steps=2000),
    "decay 500": _with(decay_steps=500),
    "no decay": _with(decay_steps=10**9),
    "warm-up 400": _with(warm_up=400),
    "warm-up 100": _with(warm_up=100),
    "warm-up 0": _with(warm_up=0),
    "warm-up all": _with(warm_up_first=200),
    "s 6": _with(hidden_deviation=6.0, bernoulli_deviation=6.0),
    "s 2.4": _with(hidden_deviation=2.4, bernoulli_deviation=2.4),
    "s 1.5": _with(hidden_deviation=1.5, bernoulli_deviation=1.5),
    "copied 0": _with(copied=0.0),
    "copied .5": _with(copied=0.5),
    "copied .9": _with(copied=0.9),
    "not centred": _with(centred=False),
    "softmax s 3": _with(softmax_deviation=3.0),
    "softmax s .6": _with(softmax_deviation=0.6),
    "softmax s .15": _with(softmax_deviation=0.15),
    "bernoulli s .3": _with(bernoulli_deviation=0.3),
    "Glorot": _with(glorot=True),
}
