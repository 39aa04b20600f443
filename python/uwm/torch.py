"""A network of stochastic units as a module of PyTorch, below, above and beside other modules.

``UnitNetwork`` draws what its units do. The surrogate of a sample is a number whose backward pass
puts the rule's update into the gradients of the parameters, and the rule's gradient with respect to
the input into the graph below. It needs the package torch (``pip install 'uwm[torch]'``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import uwm
from uwm._arrays import finite_array
from uwm._overrides import refuse_overrides
from uwm.checks import instance, kind
from uwm.rules import resolve

try:
    import torch
    from torch import nn
except ImportError:
    raise ImportError("uwm.torch needs PyTorch: pip install 'uwm[torch]'") from None

__all__ = ["Sample", "UnitNetwork"]


class UnitNetwork(nn.Module):
    """A ``uwm.Network`` and a rule as a ``torch.nn.Module``.

    The parameters ``layers[l].weight`` (n_out, n_in) and ``layers[l].bias`` (n_out,) share memory
    with the network's: a step of any torch optimizer, ``load_state_dict`` and other changes in
    place change the network, and what changes the network shows here. They stay where the network
    has them, on the CPU and in its dtype. A state_dict also has the network's step, the place in
    its random numbers; a copy or a pickle of the module has a network of its own.

    Calling the module draws, also in ``eval()`` and ``no_grad()``: units act at random, and every
    call takes the next random numbers of the network's seed.

    Args:
        net: the network that is trained, in place.
        rule: a ``uwm.Rule``, or the name of one.

    Raises:
        TypeError: net is no network, or a rule of one's own replaces more than ``unit_rewards``.
        ValueError: no rule has this name.

    >>> import torch, uwm
    >>> import uwm.torch
    >>> encoder = torch.nn.Linear(2, 8)
    >>> units = uwm.torch.UnitNetwork(uwm.Network([8, 16, 1], seed=1), "unbiased_weight_max")
    >>> adam = torch.optim.Adam([*encoder.parameters(), *units.parameters()], lr=0.01)
    >>> x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> sample = units(encoder(x))
    >>> reward = torch.where(sample.actions == (x[:, 0] != x[:, 1]), 1.0, -1.0)
    >>> units.surrogate(sample, reward).backward()
    >>> adam.step()
    >>> encoder.weight.grad.shape, units.layers[0].weight.grad.shape
    (torch.Size([8, 2]), torch.Size([16, 8]))
    """

    def __init__(self, net: uwm.Network, rule: str | uwm.Rule = "unbiased_weight_max") -> None:
        super().__init__()
        instance("net", net, uwm.Network, "a uwm.Network")
        if not isinstance(rule, str):
            instance("rule", rule, uwm.Rule, "a name or a uwm.Rule")
        self.net = net
        self.rule = resolve(rule, "rule")
        refuse_overrides(net, (), "uwm.torch")
        refuse_overrides(self.rule, ("unit_rewards", "name", "norm"), "uwm.torch")
        self.layers = nn.ModuleList(_Layer() for _ in net.layers)
        self._share()

    @property
    def dtype(self) -> torch.dtype:
        """Of the parameters, the input and the output: that of the network."""
        return torch.float32 if self.net.dtype == np.float32 else torch.float64

    def forward(self, x: torch.Tensor) -> Sample:
        """Draw the actions of every unit for a batch of inputs.

        Args:
            x: tensor (batch, n_in) on the CPU, or (n_in,) for a batch of one; finite numbers, which
                are converted to the network's dtype.

        Returns:
            Sample, which ``surrogate`` takes. Nothing flows back through its ``output``.

        Raises:
            ValueError: x has another shape, is empty, on another device, or holds NaN or infinity;
                the parameters have left the memory of the network.
            TypeError: x is no dense tensor of real numbers.
            RuntimeError: the network is in use by another thread.

        >>> import torch, uwm
        >>> import uwm.torch
        >>> sample = uwm.torch.UnitNetwork(uwm.Network([3, 4, 2]))(torch.ones(5, 3))
        >>> sample.output.shape, sample.record.activations[0].shape
        (torch.Size([5, 2]), (5, 4))
        """
        x = self._input(x)
        return Sample(self.net.forward(x.numpy(force=True)), x, self, self._fingerprint())

    def clamp(self, x: torch.Tensor, activations: Sequence[Any]) -> Sample:
        """The sample in which the units did what you say: see ``uwm.Network.clamp``.

        Args, returns, raises: as calling the module, and ValueError for activations that do not
        fit. activations: one tensor or array (batch, n_l) per layer. Nothing is drawn.

        >>> import torch, uwm
        >>> import uwm.torch
        >>> units = uwm.torch.UnitNetwork(uwm.Network([3, 2, 1]))
        >>> units.clamp(torch.ones(1, 3), [torch.tensor([[1, 0]]), torch.tensor([[1]])]).output
        tensor([[1.]])
        """
        x = self._input(x)
        record = self.net.clamp(x.numpy(force=True), activations)
        return Sample(record, x, self, self._fingerprint())

    def _input(self, x: Any) -> Any:
        self._check_memory()
        return _real_tensor("x", x).to(self.dtype)

    def surrogate(self, sample: Sample, reward: Any) -> torch.Tensor:
        """Return a scalar to minimise: minus the mean reward, with the rule's gradients.

        Its backward pass adds minus the rule's update to ``.grad`` of the parameters, since torch
        descends, and hands minus the rule's gradient with respect to x, over the batch size, to
        what computed x. These are unbiased estimates of the gradients of the expected value if the
        rule is unbiased. They are computed here, unless under ``no_grad``, by the present
        parameters, which must be those that the sample was drawn with.

        Args:
            sample: what this module returned.
            reward: (batch,), finite numbers, a baseline already subtracted; a tensor on any device
                or an array. It does not require grad.

        Returns:
            tensor of no dimension in the network's dtype. It can be differentiated once.

        Raises:
            ValueError: the parameters have changed since the sample was drawn, or it is another
                module's; reward has another shape, requires grad or is not finite; a gradient is
                too large for the dtype; the parameters have left the memory of the network.
            TypeError: sample is no ``uwm.torch.Sample``, or reward no array of real numbers.
            RuntimeError: the network is in use by another thread.

        >>> import torch, uwm
        >>> import uwm.torch
        >>> units = uwm.torch.UnitNetwork(uwm.Network([3, 4, 2]))
        >>> x = torch.ones(5, 3, requires_grad=True)
        >>> loss = units.surrogate(units(x), torch.full((5,), 2.0))
        >>> loss.backward()
        >>> loss.item(), x.grad.shape
        (-2.0, torch.Size([5, 3]))
        """
        instance("sample", sample, Sample, "a uwm.torch.Sample, which the module returns")
        if sample._module is not self:
            raise ValueError("sample must be of this module, got one of another module")
        self._check_memory()
        if sample._fingerprint != self._fingerprint():
            raise ValueError(
                "sample must be drawn by the present parameters, got one from before they changed:"
                " call the module again"
            )
        R = _reward(reward, sample.record.batch_size)
        value = torch.tensor(-R.mean(), dtype=self.dtype)
        parameters = [p for _, p, _ in self._pairs()]
        of_parameters = any(p.requires_grad for p in parameters)
        if not torch.is_grad_enabled() or not (of_parameters or sample._x.requires_grad):
            return value
        update, of_x = self._gradients(sample, R, of_parameters)
        return _Estimate.apply(value, update, of_x, sample._x, *parameters)

    def _gradients(self, sample: Sample, R: Any, of_parameters: bool) -> tuple[Any, Any]:
        """The rule's update, a tensor for each parameter, and its gradient with respect to x.

        What no one asks for is None.
        """
        call = (self.net, sample.record, R)
        update: Any = None
        of_x: Any = None
        if of_parameters and sample._x.requires_grad:
            update, of_x = self.rule.both_gradients(*call)
        elif of_parameters:
            update = self.rule.gradient(*call)
        else:
            of_x = self.rule.input_gradient(*call)
        if update is not None:
            update = [torch.from_numpy(a) for g in update for a in (g.weight, g.bias)]
        if of_x is not None:  # of the mean over the batch
            of_x = torch.from_numpy(of_x / len(of_x)).reshape(sample._x.shape)
        return update, of_x

    # The shared memory. A network keeps its arrays where they are for as long as it lives.

    def _pairs(self) -> list[tuple[str, Any, Any]]:
        """Name, torch parameter and the network's own array."""
        return [
            (f"layers[{ell}].{name}", getattr(mine, name), getattr(theirs, name))
            for ell, (mine, theirs) in enumerate(zip(self.layers, self.net.layers, strict=True))
            for name in ("weight", "bias")
        ]

    def _share(self) -> None:
        """Let every parameter be a view of the network's memory."""
        for _, parameter, array in self._pairs():
            parameter.data = torch.from_numpy(array)

    def _check_memory(self) -> None:
        """ValueError unless every parameter is a view of the network's memory."""
        for name, parameter, array in self._pairs():
            if not _is_view(parameter, array):
                raise ValueError(
                    f"{name} must be the network's own memory, got a tensor that replaces it:"
                    " change parameters in place, by copy_() under torch.no_grad()"
                )

    def _fingerprint(self) -> tuple[float, ...]:
        """Sums of the bits of every parameter, which nearly every change of a number changes."""
        whole = np.int32 if self.net.dtype == np.float32 else np.int64
        sums = (int(a.view(whole).sum(dtype=np.int64)) for _, _, a in self._pairs())
        return (*self.net.temperature, *sums)

    def _apply(self, fn: Callable[[Any], Any], recurse: bool = True) -> Any:
        """What ``to``, ``half``, ``cuda``, ``share_memory`` and the like call: refuse a move."""
        self._check_memory()
        for name, parameter, array in self._pairs():
            with torch.no_grad():
                moved = fn(parameter)
            if not (_is_view(moved, array) and _is_view(parameter, array)):
                self._share()  # share_memory moves a tensor in place
                wanted = f"{moved.dtype} on {moved.device}".removeprefix("torch.")
                raise ValueError(
                    f"{name} must stay in the network's memory, {self.net.dtype} on the CPU, got"
                    f" other memory, {wanted}: move the other modules alone, and call this one"
                    " with x.cpu()"
                )
        return super()._apply(fn, recurse)

    def __getstate__(self) -> dict[str, Any]:
        self._check_memory()
        return self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._share()

    def get_extra_state(self) -> torch.Tensor:
        """Return the place in the random numbers, which ``state_dict`` holds too."""
        return torch.tensor(self.net.step)

    def set_extra_state(self, state: torch.Tensor) -> None:
        """Take the place in the random numbers that a ``state_dict`` holds."""
        self.net.step = int(state)

    def extra_repr(self) -> str:
        """Return what ``repr`` shows of the module."""
        return f"{self.net!r}, {self.rule!r}"


class Sample:
    """What the units of a ``UnitNetwork`` did for a batch, for ``surrogate``.

    ``record`` is the ``uwm.Sample`` with activations, probabilities and logits of all layers, as
    NumPy arrays.

    >>> import torch, uwm
    >>> import uwm.torch
    >>> units = uwm.torch.UnitNetwork(uwm.Network([3, 4, 2], output="softmax"))
    >>> units(torch.ones(5, 3)).actions.dtype
    torch.int64
    """

    def __init__(
        self,
        record: uwm.Sample,
        x: torch.Tensor,
        module: UnitNetwork,
        fingerprint: tuple[float, ...],
    ) -> None:
        self.record = record
        self._x, self._module, self._fingerprint = x, module, fingerprint

    @property
    def output(self) -> torch.Tensor:
        """The output layer's action, (batch, n_out), a new tensor without gradient."""
        return torch.tensor(self.record.output)

    @property
    def actions(self) -> torch.Tensor:
        """The class chosen, int64 (batch,): see ``uwm.Sample.actions``."""
        return torch.tensor(self.record.actions)

    def __repr__(self) -> str:
        return f"<uwm.torch.Sample of {self.record!r}>"


class _Layer(nn.Module):
    """The parameters of a layer, in the network's memory."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(0))
        self.bias = nn.Parameter(torch.empty(0))


class _Estimate(torch.autograd.Function):
    """A mean over the batch whose gradients are known: minus the rule's."""

    @staticmethod
    def forward(ctx: Any, value: Any, update: Any, of_x: Any, x: Any, *parameters: Any) -> Any:
        ctx.save_for_backward(of_x, *(update or [None] * len(parameters)))
        return value.clone()

    @staticmethod
    def backward(ctx: Any, slope: Any) -> Any:
        with torch.no_grad():
            made = [None if g is None else g * -slope for g in ctx.saved_tensors]
        if torch.is_grad_enabled():  # by create_graph=True
            made = [None if g is None else _Constant.apply(g, _anchor()) for g in made]
        wanted = ctx.needs_input_grad[3:]
        return None, None, None, *(g if use else None for g, use in zip(made, wanted, strict=True))


class _Constant(torch.autograd.Function):
    """A gradient of which no gradient is known: nothing may take it for a constant silently."""

    @staticmethod
    def forward(ctx: Any, gradient: Any, anchor: Any) -> Any:
        return gradient.clone()

    @staticmethod
    def backward(ctx: Any, slope: Any) -> Any:
        raise RuntimeError("a surrogate can be differentiated once, not twice")


def _anchor() -> Any:
    """What makes the result of a function require grad."""
    return torch.zeros((), requires_grad=True)


def _is_view(tensor: Any, array: Any) -> bool:
    """Whether a tensor is the array: the same numbers in the same memory."""
    return bool(
        tensor.device.type == "cpu"
        and tensor.dtype == (torch.float32 if array.dtype == np.float32 else torch.float64)
        and tensor.data_ptr() == array.ctypes.data
        and tuple(tensor.shape) == array.shape
        and tensor.is_contiguous()
    )


def _real_tensor(name: str, value: Any) -> Any:
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{name} must be a tensor, got {kind(value)}")
    if value.is_complex() or value.layout != torch.strided:
        what = str(value.dtype if value.is_complex() else value.layout).removeprefix("torch.")
        raise TypeError(f"{name} must be a dense tensor of real numbers, got {what}")
    if value.device.type != "cpu":
        raise ValueError(f"{name} must be on the CPU, got {value.device}: pass its cpu()")
    return value


def _reward(reward: Any, batch: int) -> Any:
    """The rewards as float64, (batch,)."""
    if isinstance(reward, torch.Tensor):
        if reward.requires_grad:
            raise ValueError("reward must not require grad, got one that does: pass its detach()")
        reward = _real_tensor("reward", reward.cpu())
        if reward.dtype in (torch.bfloat16, torch.float16):  # NumPy has no bfloat16
            reward = reward.to(torch.float32)
        reward = reward.numpy(force=True)
    return finite_array("reward", reward, (batch,))
