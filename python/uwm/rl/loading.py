"""Agents from files."""

from __future__ import annotations

from typing import Any

from uwm import _core
from uwm.checkpoint import Path, path_name
from uwm.rl.agent import Agent
from uwm.rl.files import read
from uwm.rules import resolve


def load(path: Path, *, env: Any = None, rule: str | _core.Rule | None = None) -> Agent:
    """Return the agent that ``Agent.save`` wrote.

    Given the same observations and rewards, it goes on bit for bit. Without an environment it can
    ``act``, ``observe`` and ``predict``; ``set_env`` gives it one.

    Args:
        path: of the file.
        env: as in ``Agent``: where it is to learn, with episodes that begin anew.
        rule: the agent's rule, if that was one of your own.

    Raises:
        OSError: the file cannot be read.
        FileError: it is damaged, or no file of an agent.
        ValueError: the rule is missing, or the environment has other observations or actions.

    >>> import os, tempfile, uwm.rl
    >>> path = os.path.join(tempfile.mkdtemp(), "agent.safetensors")
    >>> agent = uwm.rl.Agent("CartPole-v1", hidden=[8])
    >>> agent.save(path)
    >>> log = uwm.rl.load(path, env="CartPole-v1").learn(episodes=1)
    """
    about = read(path)
    if rule is None:
        if about.rule is None:
            raise ValueError("rule must be given: the agent had one of your own")
        rule = about.rule
    agent = Agent.__new__(Agent)
    made = resolve(rule, "rule") if isinstance(rule, str) else rule
    agent._assemble(about.observations, about.actions, made, about.settings, about.seed, 1)
    agent._engine.restore(path_name(path))
    agent.preset = about.preset
    agent.env_id = about.environment
    if env is not None:
        agent.set_env(env)
    return agent
