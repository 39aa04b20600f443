"""Layers of stochastic units, and the record of one pass through them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uwm._arrays import finite_array, real_array
from uwm._core import MAX_INITIAL_GAIN
from uwm.checks import MOST_SEED, finite, is_sequence, one_of, sequence, shown, whole_number
from uwm.protocols import Array, NetworkLike, OutputLike

from . import outputs, random
from .sigmoid import log_sigmoid
from .step_sizes import automatic_weights, glorot_weights

UNITS = ("binary", "bipolar")


@dataclass
class Layer:
    """Parameters of one layer: weight (n_out, n_in), bias (n_out,), temperature.

    >>> Network([3, 2, 1]).layers[0].weight.shape
    (2, 3)
    """

    weight: Array
    bias: Array
    temperature: float


@dataclass(frozen=True)
class Sample:
    """What one forward pass over a batch did; one array (batch, n_l) per layer in each list.

    `logits` are divided by the layer's temperature. `probabilities` are those of firing, of the
    classes for a softmax layer, and the means for a Gaussian one. `eligibilities` are the
    derivatives of log Pr(action) with respect to the logit.

    >>> Network([3, 2, 1]).forward(np.ones((5, 3))).output.shape
    (5, 1)
    """

    inputs: Array
    activations: list[Array]
    logits: list[Array]
    probabilities: list[Array]
    eligibilities: list[Array]
    output_kind: str = "bernoulli"

    @property
    def batch_size(self) -> int:
        """Number of samples."""
        return len(self.inputs)

    @property
    def output(self) -> Array:
        """Activations of the last layer, (batch, n_out)."""
        return self.activations[-1]

    @property
    def actions(self) -> NDArray[np.int64]:
        """Class drawn for each sample, (batch,); ValueError unless the output is softmax."""
        if self.output_kind != "softmax":
            raise ValueError(f"output must be softmax to have actions, got {self.output_kind}")
        return np.asarray(np.argmax(self.output, axis=1), dtype=np.int64)


def _check_dtype(dtype: Any) -> None:
    if np.dtype(dtype) != np.float64:
        raise ValueError(f"dtype must be float64 in the reference, got {dtype!r}")


def _checked_gain(gain: object, n_layers: int) -> str | float | list[float]:
    if isinstance(gain, str):
        one_of("initial_gain", gain, ("auto",))
        return gain
    if not is_sequence(gain):
        return float(finite("initial_gain", gain, least=0, most=MAX_INITIAL_GAIN))
    each = [
        float(finite("initial_gain", g, least=0, most=MAX_INITIAL_GAIN))
        for g in sequence("initial_gain", gain)
    ]
    if len(each) not in (1, n_layers):
        raise ValueError(
            f"initial_gain must be one number or one per layer ({n_layers}), got {len(each)}"
        )
    return each if len(each) > 1 else each[0]


def _per_layer(temperature: object, n_layers: int) -> list[float]:
    """Return one temperature per layer from one number or one per layer."""
    each = sequence("temperature", temperature) if is_sequence(temperature) else None
    if each is not None and len(each) != n_layers:
        raise ValueError(
            f"temperature must be one number or one per layer ({n_layers}), got {len(each)}"
        )
    given = each if each is not None else [temperature] * n_layers
    return [float(finite("temperature", t, above=0)) for t in given]


class Network:
    """A network of stochastic units in float64.

    sizes: number of inputs, of units in each hidden layer, and of outputs.
    output: "bernoulli", "softmax" (one categorical action) or "gaussian" (mean z, deviation 1),
        or an object: Bernoulli(), Softmax(), Gaussian(sigma).
    units: "binary" (0/1) or "bipolar" (-1/+1) hidden units. Bernoulli outputs are always 0/1.
    temperature: divides the logits; one number or one per layer.
    seed: of all random numbers. `step`, the number of forward passes made, selects the next ones.

    initial_gain: "auto", initial weights that follow from the network (`step_sizes`); or a number,
    or one per layer, which multiplies those of Glorot & Bengio (2010).

    Raises ValueError or TypeError saying what was expected and what came.

    >>> net = Network([4, 3, 1], seed=1)
    >>> sample = net.forward(np.zeros((2, 4)))
    >>> net.step, sample.activations[0].shape
    (1, (2, 3))
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *more: object,
        output: str | OutputLike = "bernoulli",
        units: str = "binary",
        temperature: float | Sequence[float] = 1.0,
        dtype: str = "float64",
        seed: int = 0,
        initial_gain: str | float | Sequence[float] = "auto",
    ) -> None:
        if more:
            raise TypeError(
                f"sizes must be one sequence, such as [3, 4, 1], got {1 + len(more)} arguments;"
                " give the others by name"
            )
        if not is_sequence(sizes):
            raise TypeError(
                f"sizes must be a sequence of whole numbers, such as [3, 4, 1], got {shown(sizes)}"
            )
        self._sizes = tuple(whole_number("every number in sizes", n, 1) for n in sizes)
        if len(self._sizes) < 2:
            raise ValueError(
                f"sizes must hold at least 2 numbers, inputs and outputs, got {len(self._sizes)}"
            )
        self._output = outputs.resolve(output)
        self._output.check_size(self._sizes[-1])
        one_of("units", units, UNITS)
        _check_dtype(dtype)
        self._units, self._seed = units, 0
        n_layers = len(self._sizes) - 1
        self._layers = tuple(
            Layer(np.zeros((n_out, n_in)), np.zeros(n_out), t)
            for n_in, n_out, t in zip(
                self._sizes, self._sizes[1:], _per_layer(temperature, n_layers), strict=False
            )
        )
        self._initial_gain = _checked_gain(initial_gain, n_layers)
        self.reset(seed)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers of inputs, hidden units and outputs."""
        return self._sizes

    @property
    def output(self) -> outputs.Kind:
        """Kind of the output layer; equal to its name."""
        return self._output

    @property
    def units(self) -> str:
        """Encoding of the hidden units."""
        return self._units

    @property
    def initial_gain(self) -> str | float | list[float]:
        """As given: "auto", a number, or a list with one per layer."""
        return self._initial_gain

    @property
    def temperature(self) -> tuple[float, ...]:
        """Temperature of each layer; may be set to one number for all, or one per layer."""
        return tuple(layer.temperature for layer in self._layers)

    @temperature.setter
    def temperature(self, value: float | Sequence[float]) -> None:
        for layer, t in zip(self._layers, _per_layer(value, len(self._layers)), strict=True):
            layer.temperature = t

    @property
    def dtype(self) -> np.dtype[np.float64]:
        """Always float64."""
        return np.dtype(np.float64)

    @property
    def seed(self) -> int:
        """Seed of all random numbers."""
        return self._seed

    @property
    def step(self) -> int:
        """Step whose random numbers the next forward pass uses."""
        return self._step

    @step.setter
    def step(self, value: int) -> None:
        self._step = whole_number("step", value, 0, 2**48 - 1)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers; index 0 is the first hidden layer."""
        return self._layers

    def reset(self, seed: int | None = None) -> None:
        """Draw the parameters anew, from `seed` or from the present one, and set step to 0.

        >>> net = Network([2, 1])
        >>> net.layers[0].bias[:] = 1.0
        >>> net.reset()
        >>> bool(net.layers[0].bias[0] == 0)
        True
        """
        new_seed = self._seed if seed is None else whole_number("seed", seed, 0, MOST_SEED)
        layers = []
        gain = self._initial_gain
        for ell, temperature in enumerate(self.temperature):
            if isinstance(gain, str):
                weight, bias = automatic_weights(self, new_seed, ell)
            else:
                one = gain[ell] if isinstance(gain, list) else gain
                weight, bias = glorot_weights(self, new_seed, ell, one)
            layers.append(Layer(weight, bias, temperature))
        self._layers, self._seed, self._step = tuple(layers), new_seed, 0

    @classmethod
    def from_network(cls, net: NetworkLike) -> Network:
        """A float64 twin of any network with the same attributes: parameters, seed and step copied.

        >>> net = Network([3, 2, 1], seed=5)
        >>> twin = Network.from_network(net)
        >>> bool(np.all(twin.layers[0].weight == net.layers[0].weight))
        True
        """
        twin = cls(
            net.sizes,
            output=net.output,
            units=net.units,
            temperature=net.temperature,
            seed=net.seed,
            initial_gain=getattr(net, "initial_gain", "auto"),
        )
        for mine, theirs in zip(twin.layers, net.layers, strict=True):
            mine.weight[...], mine.bias[...] = theirs.weight, theirs.bias
        twin.step = net.step
        return twin

    def copy(self) -> Network:
        """An independent network with the same parameters, seed and step.

        >>> Network([3, 2, 1], seed=5).copy().seed
        5
        """
        return Network.from_network(self)

    def astype(self, dtype: Any) -> Network:
        """A copy in another precision; here float64 is the only one (ValueError otherwise).

        >>> Network([3, 2, 1]).astype("float64").dtype
        dtype('float64')
        """
        _check_dtype(dtype)
        return self.copy()

    def forward(self, x: Any) -> Sample:
        """Draw the actions of all units for inputs x (batch, n_in).

        Uses the random numbers of (seed, step) and then counts step up by one.
        Raises ValueError for a wrong shape and for NaN or infinity in x, in the parameters or in
        what they make of x.

        >>> Network([2, 2], output="softmax").forward([[0, 1]]).actions.shape
        (1,)
        """
        sample = self._sample(self._observations(x)[0], None)
        self._step += 1
        return sample

    def _observations(self, x: Any) -> tuple[Array, bool]:
        """Inputs as a batch, and whether they were one observation without the batch."""
        array = np.asarray(real_array("x", x))
        single = array.ndim == 1
        return finite_array(
            "x", array[None] if single else array, ("batch", self._sizes[0])
        ), single

    def predict_proba(self, x: Any, *, passes: int = 32) -> Array:
        """Probabilities of the output's actions, averaged over passes; (batch, n_out).

        Pass k draws the numbers of step k of the stream of predictions, the same for every row.
        x (n_in,) is one observation, and the result has no batch then.
        Raises ValueError for a Gaussian output, and as `forward` does.

        >>> Network([2, 3, 2], output="softmax").predict_proba([[0, 1]]).sum().round(6)
        np.float64(1.0)
        """
        if self._output == "gaussian":
            raise ValueError("output must be softmax or bernoulli to have probabilities")
        return self._mean_output(x, passes)

    def predict(self, x: Any, *, passes: int = 32) -> Any:
        """The most likely action by that mean: the class, 0 or 1, or a Gaussian output's mean.

        >>> Network([2, 3, 2], output="softmax").predict([[0, 1], [1, 0]]).shape
        (2,)
        """
        mean = self._mean_output(x, passes)
        if self._output == "gaussian":
            return mean
        if self._output == "softmax":
            return mean.argmax(axis=-1)
        fires = (mean > 0.5).astype(np.int64)
        return fires.take(0, axis=-1) if self._sizes[-1] == 1 else fires

    def mean_field(self, x: Any) -> Array:
        """One pass in which every hidden unit hands on its mean, p or 2p - 1; (batch, n_out).

        >>> Network([2, 3, 2], output="softmax").mean_field([[0, 1]]).shape
        (1, 2)
        """
        return self._law_of_output(x, lambda ell, z: np.exp(log_sigmoid(z)))

    def _mean_output(self, x: Any, passes: int) -> Array:
        passes = whole_number("passes", passes, 1)

        def drawn(k: int) -> Callable[[int, Array], Array]:
            def fires(ell: int, z: Array) -> Array:
                words = random.philox(self._seed, k, random.PREDICTIONS, ell, 1, z.shape[1])
                u = random.uniforms(words)
                return np.asarray(z > np.log(u) - np.log1p(-u), dtype=np.float64)

            return fires

        total = sum(self._law_of_output(x, drawn(k)) for k in range(passes))
        return np.asarray(total / passes)

    def _law_of_output(self, x: Any, hidden: Callable[[int, Array], Array]) -> Array:
        """Probabilities or means of the output, with hidden(layer, logits) in place of actions."""
        below, single = self._observations(x)
        for ell, layer in enumerate(self._layers):
            with np.errstate(over="ignore", invalid="ignore"):
                z = (below @ layer.weight.T + layer.bias) / layer.temperature
            if not np.all(np.isfinite(z)):
                raise ValueError(f"layer {ell}: logits overflow; inputs or weights are too large")
            if ell == len(self._layers) - 1:
                law, _ = self._output.law(z, np.zeros_like(z))
                return law[0] if single else law
            h = hidden(ell, z)
            below = 2.0 * h - 1.0 if self._units == "bipolar" else h
        raise AssertionError("a network has at least one layer")

    def clamp(self, x: Any, activations: Sequence[Any]) -> Sample:
        """The sample in which the units took the given actions; draws nothing.

        activations: one array (batch, n_l) per layer, encoded as the units are: hidden 0/1 or
        -1/+1, Bernoulli output 0/1, softmax output one-hot, Gaussian output any finite number.
        Raises ValueError or TypeError saying what was expected and what came.

        >>> sample = Network([2, 1]).clamp([[0, 1]], [[[1]]])
        >>> np.isclose(sample.eligibilities[0], 1 - sample.probabilities[0])
        array([[ True]])
        """
        inputs = finite_array("x", x, ("batch", self._sizes[0]))
        if len(activations) != len(self._layers):
            raise ValueError(
                f"activations must hold one array per layer ({len(self._layers)}),"
                f" got {len(activations)}"
            )
        given = []
        for ell, activation in enumerate(activations):
            name = f"activations[{ell}]"
            array = finite_array(name, activation, (len(inputs), self._sizes[ell + 1]))
            self._check_encoding(name, array, ell)
            given.append(array)
        return self._sample(inputs, given)

    def _check_encoding(self, name: str, array: Array, ell: int) -> None:
        last = ell == len(self._layers) - 1
        if last:
            self._output.check_actions(name, array)
        else:
            low = -1 if self._units == "bipolar" else 0
            outputs.check_two(name, array, low, 1)

    def _sample(self, inputs: Array, given: list[Array] | None) -> Sample:
        for ell, layer in enumerate(self._layers):
            finite_array(
                f"layers[{ell}].weight", layer.weight, (self._sizes[ell + 1], self._sizes[ell])
            )
            finite_array(f"layers[{ell}].bias", layer.bias, (self._sizes[ell + 1],))
        sample = Sample(inputs, [], [], [], [], self._output.name)
        below = inputs
        for ell, layer in enumerate(self._layers):
            with np.errstate(over="ignore", invalid="ignore"):
                z = (below @ layer.weight.T + layer.bias) / layer.temperature
            if not np.all(np.isfinite(z)):
                raise ValueError(f"layer {ell}: logits overflow; inputs or weights are too large")
            last = ell == len(self._layers) - 1
            kind = self._output if last else outputs.Bernoulli()
            bipolar = self._units == "bipolar" and not last
            if given is not None:
                h = given[ell]
            else:
                h = kind.draw(z, (self._seed, self._step, random.ACTIVATIONS, ell, len(z)))
                h = 2.0 * h - 1.0 if bipolar else h
            with np.errstate(over="ignore"):
                probability, eligibility = kind.law(z, h)
            if not (np.all(np.isfinite(h)) and np.all(np.isfinite(eligibility))):
                raise ValueError(
                    f"layer {ell}: actions or eligibilities overflow; they are too large"
                )
            sample.logits.append(z)
            sample.activations.append(h)
            sample.probabilities.append(probability)
            sample.eligibilities.append(eligibility)
            below = h
        return sample
