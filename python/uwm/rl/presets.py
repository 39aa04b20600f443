"""Settings by name: what was published, and what was found for single environments.

Where they come from and what they reach is in docs/rl.md.
"""

from __future__ import annotations

from typing import Any

from uwm import _core

PRESETS = ("default", "published", "published_traces", "tuned")


def _falling(rates: list[float], factors: list[float], steps: int) -> list[_core.Linear]:
    """Return rates that fall in a line to a factor of themselves."""
    return [_core.Linear(rate, rate * to, steps) for rate, to in zip(rates, factors, strict=True)]


# The published code of Weight Maximization (arXiv 2010.09770).
_PUBLISHED: dict[str, Any] = {
    "units": "binary",
    "initial_gain": 1.0,
    "reference_class": True,
    "actor_trace": 0.0,
    "actor_beta2": 0.999,
    "critic_units": "softplus",
    "critic_trace": 0.8,
    "discount": 0.98,
    "normalize_observations": False,
    "scale_rewards": False,
    "truncation": "skip",
    "order": "act_first",
}
_PUBLISHED_FOR: dict[str, dict[str, Any]] = {
    "CartPole-v1": {
        "actor_rate": _falling([2e-2, 2e-4, 2e-5], [0.01] * 3, 50_000),
        "critic_rate": _falling([4e-2, 4e-5, 4e-6], [0.1, 1.0, 1.0], 50_000),
    },
    "Acrobot-v1": {
        "actor_rate": _falling([1e-1, 1e-3, 1e-4], [0.1] * 3, 1_000_000),
        "critic_rate": [1e-2, 1e-5, 1e-6],
    },
    "LunarLander-v3": {
        "actor_rate": [8e-2, 8e-4, 8e-5],
        "critic_rate": [2e-2, 2e-5, 2e-6],
        "critic_trace": 0.9,
        "temperature": (1.0, 1.0, 2.0),
    },
}
_TRACES: dict[str, Any] = {"actor_trace": 0.8, "trace_form": "product"}

# Found by searches for unbiased_weight_max.
_TUNED_FOR: dict[str, dict[str, Any]] = {
    "CartPole-v1": {"critic_rate": [1e-2, 1e-4, 1e-4]},
    "Acrobot-v1": {
        "critic_units": "softplus",
        "normalize_observations": False,
        "scale_rewards": False,
        "actor_trace": 0.0,
        "critic_trace": 0.7,
        "actor_beta1": 0.0,
        "actor_beta2": 0.999,
        "critic_beta1": 0.0,
        "actor_rate": _falling([1.36e-2, 2.04e-3, 3.05e-4], [0.1] * 3, 30_000),
        "critic_rate": _falling([7e-2, 8.9e-5, 3e-5], [0.1] * 3, 30_000),
    },
    "LunarLander-v3": {
        "initial_gain": 1.0,
        "actor_rate": [1e-2, 1e-3, 1e-4],
        "actor_beta2": 0.999,
        "overshoot": 2.0,
    },
}


def preset_settings(preset: str, environment: str | None) -> dict[str, Any]:
    """Return the settings of a preset that differ from the default ones.

    environment: the id of the environment; None if it has none.
    Raises ValueError for an unknown preset, and where it has nothing for the environment.

    >>> preset_settings("published", "CartPole-v1")["discount"]
    0.98
    """
    if preset not in PRESETS:
        raise ValueError(f"preset must be one of {', '.join(PRESETS)}, got {preset!r}")
    if preset == "default":
        return {}
    known = _TUNED_FOR if preset == "tuned" else _PUBLISHED_FOR
    if environment not in known:
        raise ValueError(
            f"the preset {preset!r} is for {', '.join(known)}, got {environment or 'another'}"
        )
    if preset == "tuned":
        return dict(known[environment])
    traces = _TRACES if preset == "published_traces" else {}
    return {**_PUBLISHED, **traces, **known[environment]}


def preset_rule(preset: str) -> str:
    """Return the name of the rule that a preset is for.

    >>> preset_rule("published"), preset_rule("default")
    ('weight_max', 'unbiased_weight_max')
    """
    return "weight_max" if preset.startswith("published") else "unbiased_weight_max"
