"""What results depend on beside their settings."""

from __future__ import annotations

import uwm

# Levels of one group give the same numbers bit for bit, see the README.
SIMD_GROUPS = (("x86-64", "x86-64-v2"), ("x86-64-v3", "x86-64-v4"))


def origin(task_sha256: str | None) -> dict[str, str | None]:
    """Return version, instruction set, and the digest of the task's examples.

    task_sha256: None for a task without examples, or one that its settings describe.
    """
    return {
        "version": uwm.__version__,
        "simd_level": uwm.simd_level(),
        "task_sha256": task_sha256,
    }


def simd_group(level: str) -> str:
    """Return the first of the instruction sets that give the same numbers as this one.

    >>> simd_group("x86-64-v4")
    'x86-64-v3'
    """
    return next((group[0] for group in SIMD_GROUPS if level in group), level)


def same_numbers(one: str, other: str) -> bool:
    """Tell whether two instruction sets give the same numbers bit for bit."""
    return simd_group(one) == simd_group(other)
