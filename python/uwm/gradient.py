"""A gradient of a whole network, one entry per layer, that adds and scales."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from uwm.checks import finite, kind

if TYPE_CHECKING:
    from typing_extensions import Self


class Gradient(list[Any]):
    """What `Rule.gradient` returns: a list of LayerGradient that is a vector, too.

    Gradients of networks of one shape add and subtract, and a number scales them. So averages,
    clipping and accumulation take a line each. `Optimizer.step` takes the result.

    layers: entries with .weight (n_out, n_in) and .bias (n_out,), one per layer.

    Raises TypeError for layers without these, and for a sum with something else; ValueError for
    gradients of different shapes, or of another number of layers.

    >>> import numpy as np, uwm
    >>> net, rule = uwm.Network([2, 3, 1]), uwm.UnbiasedWeightMax()
    >>> parts = [rule.gradient(net, net.forward(np.ones((4, 2))), np.ones(4)) for _ in range(3)]
    >>> mean = sum(parts) / 3
    >>> mean[0].weight.shape, mean.clip(0.01).norm() <= 0.0101
    ((3, 2), True)
    >>> uwm.SGD(0.1).step(net, mean)
    """

    def __init__(self, layers: Iterable[Any] = ()) -> None:
        super().__init__(layers)
        for layer in self:
            # The class knows at no cost; to ask the engine's object makes an array.
            if hasattr(type(layer), "weight") and hasattr(type(layer), "bias"):
                continue
            if not (hasattr(layer, "weight") and hasattr(layer, "bias")):
                raise TypeError(
                    f"every layer of a Gradient must have .weight and .bias, got {kind(layer)}"
                )

    def norm(self) -> float:
        """Return the length of the gradient: the root of the sum of all squares.

        >>> import numpy as np, uwm
        >>> uwm.Gradient([uwm.LayerGradient(np.full((1, 2), 2.0), np.ones(1))]).norm()
        3.0
        """
        arrays = [np.asarray(a, dtype=np.float64) for g in self for a in (g.weight, g.bias)]
        most = max((float(np.abs(a).max(initial=0.0)) for a in arrays), default=0.0)
        if most == 0 or not math.isfinite(most):
            return most
        # Of numbers up to 1, whose squares neither overflow nor vanish.
        return most * math.sqrt(sum(float(np.square(a / most).sum()) for a in arrays))

    def clip(self, max_norm: float) -> Self:
        """Return the gradient, scaled down to this length if it is longer.

        Raises ValueError for a length below 0 and for a gradient that is not finite.

        >>> import numpy as np, uwm
        >>> g = uwm.Gradient([uwm.LayerGradient(np.full((1, 2), 2.0), np.ones(1))])
        >>> g.clip(1.5).norm(), g.clip(10.0).norm()
        (1.5, 3.0)
        """
        most = finite("max_norm", max_norm, least=0)
        length = self.norm()
        if not math.isfinite(length):
            raise ValueError("the gradient must be finite to be clipped, but holds NaN or infinity")
        return self * (most / length) if length > most else self * 1.0

    def __add__(self, other: Any) -> Self:
        self._check_like(other)
        return type(self)(
            _layer(mine, mine.weight + theirs.weight, mine.bias + theirs.bias)
            for mine, theirs in zip(self, other, strict=True)
        )

    def __radd__(self, other: Any) -> Self:
        # sum() begins with the number 0.
        return self * 1.0 if isinstance(other, int) and other == 0 else self.__add__(other)

    def __iadd__(self, other: Any) -> Self:
        return self.__add__(other)

    def __sub__(self, other: Any) -> Self:
        self._check_like(other)
        return self.__add__([_layer(g, -g.weight, -g.bias) for g in other])

    def __mul__(self, factor: Any) -> Self:
        by = float(finite("the factor of a gradient", factor))
        return type(self)(_layer(g, g.weight * by, g.bias * by) for g in self)

    __rmul__ = __mul__

    def __imul__(self, factor: Any) -> Self:
        return self.__mul__(factor)

    def __truediv__(self, divisor: Any) -> Self:
        by = float(finite("the divisor of a gradient", divisor))
        if by == 0:
            raise ZeroDivisionError("the divisor of a gradient must not be 0")
        return type(self)(_layer(g, g.weight / by, g.bias / by) for g in self)

    def __neg__(self) -> Self:
        return self * -1.0

    def __repr__(self) -> str:
        shapes = ", ".join(str(g.weight.shape) for g in self)
        return f"<uwm.Gradient of {len(self)} layers: {shapes}>"

    def _check_like(self, other: Any) -> None:
        if not isinstance(other, list):
            raise TypeError(f"a Gradient adds to a Gradient, got {kind(other)}")
        theirs = [getattr(g, "weight", None) for g in other]
        shapes = [None if w is None else np.shape(w) for w in theirs]
        if shapes != [g.weight.shape for g in self]:
            raise ValueError(
                f"gradients must have the same shapes to add, got {self!r} and one of"
                f" {len(other)} layers: {', '.join(map(str, shapes))}"
            )


def _layer(like: Any, weight: Any, bias: Any) -> Any:
    """Return an entry of the class of another: the engine's, or the reference's."""
    return type(like)(weight, bias)
