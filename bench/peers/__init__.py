"""One module per peer, each with `versions`, `trainer` and `check`; see problem.py."""

from __future__ import annotations

import importlib
import importlib.util
from typing import cast

from .problem import Peer

# name: (module of this folder, package that must be installed, what it is called in tables)
PEERS = {
    "uwm": ("uwm_engine", "uwm", "uwm"),
    "numpy_plain": ("numpy_plain", "numpy", "NumPy"),
    "uwm_reference": ("uwm_reference", "uwm", "uwm.reference"),
    "torch_eager": ("torch_eager", "torch", "PyTorch eager"),
    "torch_compiled": ("torch_compiled", "torch", "PyTorch compiled"),
    "jax_scan": ("jax_scan", "jax", "JAX jit + scan"),
}


def installed(name: str) -> bool:
    """Whether the package that a peer needs is there."""
    return importlib.util.find_spec(PEERS[name][1]) is not None


def load(name: str) -> Peer:
    """Import a peer."""
    return cast(Peer, importlib.import_module(f"peers.{PEERS[name][0]}"))
