"""The multiplexer by its name; the task itself is the engine's."""

from __future__ import annotations

from uwm._core import Multiplexer
from uwm.tasks.info import TaskInfo


def fit(n_inputs: int) -> dict[str, int]:
    """Return the address bits with which the multiplexer has so many inputs.

    >>> fit(6)
    {'address_bits': 2}
    """
    sizes = {k + 2**k: k for k in range(1, 17)}
    if n_inputs not in sizes:
        raise ValueError(f"no multiplexer has the network's {n_inputs} inputs")
    return {"address_bits": sizes[n_inputs]}


INFO = TaskInfo(
    name="multiplexer",
    description="the data bit that the address bits name",
    title="Multiplexer, {address_bits} address bits",
    make=Multiplexer,
    settings=("address_bits",),
    small={"address_bits": 2, "hidden": (6, 4)},
    fit=fit,
)
