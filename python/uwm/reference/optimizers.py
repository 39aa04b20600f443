"""Optimizers: they ascend, since a gradient here points to more reward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from uwm._arrays import finite_array
from uwm.checks import finite, is_sequence
from uwm.protocols import Array, LayerLike, NetworkLike

from .rules import LayerGradient
from .schedules import Schedule
from .step_sizes import automatic_rates

MOST = 2.0**511  # of a gradient, for Adam

LearningRate = float | Schedule | Sequence[float | Schedule]
Automatic = Literal["auto"]


class Optimizer:
    """Base: learning rates per layer, and one state per parameter array."""

    def __init__(self, learning_rate: LearningRate | Automatic) -> None:
        self.learning_rate = learning_rate
        self._state: list[dict[str, Array]] = []
        self._steps = 0

    @property
    def steps(self) -> int:
        """Updates made."""
        return self._steps

    @property
    def learning_rate(self) -> LearningRate | Automatic:
        """As given. Setting it changes the rates from the next update on, and nothing else."""
        if self._automatic:
            return "auto"
        return self._rates if self._several else self._rates[0]

    @learning_rate.setter
    def learning_rate(self, value: LearningRate | Automatic) -> None:
        several = is_sequence(value)
        rates = list(value) if several else [value]  # type: ignore[arg-type]
        if not rates:
            raise ValueError("learning_rate must be one number or one per layer, got none")
        automatic = isinstance(value, str) and value == "auto"
        checked = [] if automatic else [_checked_rate(rate) for rate in rates]
        self._several, self._automatic, self._rates = several, automatic, checked

    def step(self, net: NetworkLike, gradient: Sequence[LayerGradient]) -> None:
        """Move the parameters of `net` up the gradient, one LayerGradient per layer.

        Raises ValueError or TypeError, and changes nothing, if the gradient does not fit or if a
        parameter or moment would not be finite after it.
        """
        layers = net.layers
        if len(gradient) != len(layers):
            raise ValueError(f"gradient must have {len(layers)} layers, got {len(gradient)}")
        if self._several and len(self._rates) != len(layers):
            raise ValueError(
                f"learning_rate must be one number or one per layer ({len(layers)}),"
                f" got {len(self._rates)}"
            )
        checked: list[tuple[LayerLike, Array, Array]] = []
        for ell, (layer, g) in enumerate(zip(layers, gradient, strict=True)):
            d_weight = finite_array(f"gradient[{ell}].weight", g.weight, layer.weight.shape)
            d_bias = finite_array(f"gradient[{ell}].bias", g.bias, layer.bias.shape)
            checked.append((layer, d_weight, d_bias))
        shapes = [a.shape for layer in layers for a in (layer.weight, layer.bias)]
        before = self._state or [
            {name: np.zeros(shape) for name in self._state_names} for shape in shapes
        ]
        for state, shape in zip(before, shapes, strict=False):
            if any(a.shape != shape for a in state.values()) or len(shapes) != len(before):
                raise ValueError("net must be the network of the first step, got another shape")
        parameters: list[tuple[Array, Array]] = []
        states: list[dict[str, Array]] = []
        for ell, (layer, d_weight, d_bias) in enumerate(checked):
            lr = self._rate(net, ell)
            pairs = [(layer.weight, d_weight), (layer.bias, d_bias)]
            for (array, slope), state in zip(pairs, before[2 * ell : 2 * ell + 2], strict=True):
                with np.errstate(over="ignore", invalid="ignore"):
                    direction, moved = self._direction(state, slope)
                    new = array + lr * direction
                if not all(np.all(np.isfinite(a)) for a in (new, *moved.values())):
                    raise ValueError(
                        f"gradient[{ell}] must make an update that stays finite, got a gradient"
                        f" of up to {np.abs(slope).max():g} at learning rate {lr:g}"
                    )
                parameters.append((array, new))
                states.append(moved)
        for array, new in parameters:
            array[...] = new
        self._state = states
        self._steps += 1

    def _rate(self, net: NetworkLike, ell: int) -> float:
        rates = automatic_rates(net) if self._automatic else self._rates
        rate = rates[ell if len(rates) > 1 else 0]
        return rate(self._steps) if isinstance(rate, Schedule) else rate

    _state_names: tuple[str, ...] = ()

    def _direction(self, state: dict[str, Array], g: Array) -> tuple[Array, dict[str, Array]]:
        """Where to go, and the state after it; nothing is changed."""
        raise NotImplementedError


def _checked_rate(rate: object) -> float | Schedule:
    if isinstance(rate, Schedule):
        return rate
    return float(finite("learning_rate", rate, least=0))


class SGD(Optimizer):
    """Stochastic gradient ascent: v <- momentum v + g, w <- w + learning_rate v.

    learning_rate: a number, a schedule, or one of these per layer.

    >>> from uwm.reference import Network
    >>> net = Network([1, 1])
    >>> SGD(learning_rate=0.5).step(net, [LayerGradient(np.zeros((1, 1)), np.ones(1))])
    >>> float(net.layers[0].bias[0])
    0.5
    """

    _state_names = ("velocity",)

    def __init__(self, learning_rate: LearningRate, momentum: float = 0.0) -> None:
        super().__init__(learning_rate)
        self.momentum = _fraction("momentum", momentum)

    def _direction(self, state: dict[str, Array], g: Array) -> tuple[Array, dict[str, Array]]:
        velocity = self.momentum * state["velocity"] + g
        return velocity, {"velocity": velocity}


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015): w <- w + learning_rate m_hat / (sqrt(v_hat) + epsilon).

    learning_rate: "auto", the rates that follow from the network (`automatic_rates`); a number, a
    schedule, or one of these per layer. A number of the gradient beyond
    2^511 counts as that: its square has to fit.

    >>> from uwm.reference import Network
    >>> net = Network([1, 1])
    >>> Adam(learning_rate=0.5).step(net, [LayerGradient(np.zeros((1, 1)), np.ones(1))])
    >>> round(float(net.layers[0].bias[0]), 6)
    0.5
    """

    _state_names = ("m", "v")

    def __init__(
        self,
        learning_rate: LearningRate | Automatic = "auto",
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(learning_rate)
        self.beta1, self.beta2 = _fraction("beta1", beta1), _fraction("beta2", beta2)
        self.epsilon = float(finite("epsilon", epsilon, above=0))

    def _direction(self, state: dict[str, Array], g: Array) -> tuple[Array, dict[str, Array]]:
        t = self._steps + 1
        g = np.clip(g, -MOST, MOST)
        m = self.beta1 * state["m"] + (1.0 - self.beta1) * g
        v = self.beta2 * state["v"] + (1.0 - self.beta2) * g**2
        m_hat = m / (1.0 - self.beta1**t)
        v_hat = v / (1.0 - self.beta2**t)
        return np.asarray(m_hat / (np.sqrt(v_hat) + self.epsilon)), {"m": m, "v": v}


def _fraction(name: str, value: object) -> float:
    return float(finite(name, value, least=0, below=1))
