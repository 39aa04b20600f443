"""Agents as files: what a file says of the agent beside its parameters."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from uwm import _core
from uwm.checkpoint import Path, load as load_checkpoint, path_name
from uwm.rl.settings import Settings, as_json, from_json
from uwm.rl.spaces import ActionsOf, Observations
from uwm.rules import rule as make_rule

KEY = "uwm.rl.Agent"


@dataclass(frozen=True)
class About:
    """What an agent was made with. rule: its name, None for one of the user's own."""

    rule: str | None
    settings: Settings
    seed: int
    preset: str
    environment: str | None
    observations: Observations
    actions: ActionsOf


def write(path: Path, engine: _core.ActorCritic, about: About, extra: Mapping[str, Any]) -> None:
    """Write an agent, and arrays and texts of somebody else's beside it."""
    values = {**dataclasses.asdict(about), "settings": as_json(about.settings)}
    engine.save(path_name(path), {**extra, KEY: json.dumps(values)})


def read(path: Path) -> About:
    """Return what a file says of its agent.

    Raises OSError if it cannot be read, FileError if it is damaged or holds no agent.
    """
    text = load_checkpoint(path).extra.get(KEY)
    if not isinstance(text, str):
        raise _core.FileError(
            f"{path_name(path)} must be a file of uwm.rl.Agent.save, but holds no agent"
        )
    try:
        values = json.loads(text)
        values["settings"] = from_json(values["settings"])
        values["observations"] = Observations(**_with_tuples(values["observations"]))
        values["actions"] = ActionsOf(**_with_tuples(values["actions"]))
        return About(**values)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _core.FileError(
            f"{path_name(path)} is damaged: what it says of the agent: {error}"
        ) from None


def rule_name(rule: _core.Rule) -> str | None:
    """Return the name from which a rule can be made again, None if there is none."""
    try:
        return rule.name if repr(make_rule(rule.name)) == repr(rule) else None
    except ValueError:
        return None


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
