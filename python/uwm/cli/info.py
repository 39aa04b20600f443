"""Show the version, the instruction set in use and the processor cores at hand."""

from __future__ import annotations

import argparse
import os
import platform

import uwm
from uwm.cli.errors import explained


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add no options."""


def run(args: argparse.Namespace) -> int:
    """Print one line per fact."""
    import numpy as np

    from uwm.experiments.build import available_cores

    with explained():  # UWM_ISA may name none
        level = uwm.simd_level()
    facts = {
        "uwm": uwm.__version__,
        "instruction set": level,
        "threads": f"{available_cores()} of {os.cpu_count()} cores at hand",
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "platform": platform.platform(),
    }
    for name, value in facts.items():
        print(f"{name + ':':<17}{value}")
    return 0
