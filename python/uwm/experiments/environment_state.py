"""What an environment needs to go on as if nothing had happened, between two of its episodes.

A reset forgets everything but the random numbers in the environments below, which the tests show
for some of each family. What others remember is not known.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

#: Modules whose environments begin an episode with nothing but random numbers.
FORGETFUL = (
    "gymnasium.envs.classic_control.",
    "gymnasium.envs.toy_text.",
    "gymnasium.envs.box2d.lunar_lander",
)
MINATAR = "minatar.gym"


def state_of_environment(env: Any) -> str | None:
    """Return the state of an environment whose episode has ended, as JSON; None if none suffices.

    >>> import gymnasium
    >>> env = gymnasium.make("CartPole-v1")
    >>> state = state_of_environment(env)
    >>> first, _ = env.reset()
    >>> restore_environment(env, state)
    >>> bool((env.reset()[0] == first).all())
    True
    """
    inner = env.unwrapped
    module = type(inner).__module__
    if module == MINATAR:
        game = inner.game
        state = {"last_action": int(game.last_action), **game.random.get_state(legacy=False)}
    elif module.startswith(FORGETFUL):
        state = inner.np_random.bit_generator.state
    else:
        return None
    return json.dumps(state, default=lambda array: array.tolist())


def restore_environment(env: Any, text: str) -> None:
    """Set a new environment of the same kind to a saved state; its next call must be reset.

    Raises ValueError, TypeError or KeyError for what is no state.
    """
    inner, state = env.unwrapped, json.loads(text)
    if type(inner).__module__ == MINATAR:
        game = inner.game
        game.last_action = state.pop("last_action")
        game.seed(0)  # gives the wrapper and the game inside the same generator
        state["state"]["key"] = np.array(state["state"]["key"], dtype=np.uint32)
        game.random.set_state(state)
    else:
        inner.np_random.bit_generator.state = state
