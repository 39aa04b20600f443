"""Single and vector environments, stepped in the same way."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from uwm import _core
from uwm.checks import shown
from uwm.rl.spaces import ActionsOf, Observations, actions_of, gymnasium, observations_of


def make_environment(env: Any, **options: Any) -> Any:
    """Return the environment of an id, or the environment itself.

    The ids of MinAtar are there where it is installed. options: of ``gymnasium.make``.
    Raises TypeError for anything else, ValueError for an unknown id, ImportError for one whose
    packages are missing.

    >>> make_environment("CartPole-v1").spec.id
    'CartPole-v1'
    """
    gym = gymnasium()
    if isinstance(env, str):
        if env.startswith("MinAtar/") and env not in gym.registry:
            _register_minatar()
        try:
            return gym.make(env, **options)
        except gym.error.DependencyNotInstalled as error:
            raise ImportError(str(error)) from error
        except gym.error.Error as error:
            raise ValueError(f"env must be an environment that there is: {error}") from error
    if isinstance(env, (gym.Env, gym.vector.VectorEnv)):
        return env
    raise TypeError(
        f"env must be an id, a gymnasium.Env or a gymnasium.vector.VectorEnv, got {shown(env)}"
    )


@contextmanager
def closed_at_end(env: Any) -> Iterator[None]:
    """Close an environment at the end of the block; one that cannot be closed spoils nothing.

    Gymnasium leaves to its users what the garbage collector does not give back: windows, processes.
    """
    try:
        yield
    finally:
        with suppress(Exception):
            env.close()


@contextmanager
def closed_on_error(env: Any, given: Any = None) -> Iterator[None]:
    """Close an environment if the block raises, unless it is the one that the user has given."""
    try:
        yield
    except BaseException:
        if env is not given:
            with suppress(Exception):
                env.close()
        raise


def _register_minatar() -> None:
    try:
        importlib.import_module("minatar.gym").register_envs()
    except ImportError as error:
        raise ImportError("MinAtar's games need minatar: pip install minatar") from error


def make_like(env: Any) -> Any:
    """Return a new single environment like this one, or like one of a vector environment.

    Raises ValueError if the environment does not say how it was made.

    >>> make_like(gymnasium().make_vec("CartPole-v1", num_envs=4)).spec.id
    'CartPole-v1'
    """
    gym = gymnasium()
    spec = copy.deepcopy(_spec_of(env))
    if spec is None:
        raise ValueError("evaluate must be given an env, since the agent's cannot be made anew")
    if not isinstance(env, gym.vector.VectorEnv):
        return gym.make(spec)
    # What gymnasium.make_vec adds is nothing that a single environment takes.
    for name in ("num_envs", "vectorization_mode", "vector_kwargs"):
        spec.kwargs.pop(name, None)
    wrappers = spec.kwargs.pop("wrappers", ())
    made = gym.make(spec, max_episode_steps=spec.kwargs.pop("max_episode_steps", None))
    with closed_on_error(made):
        for wrapper in wrappers:
            made = wrapper(made)
    return made


def id_of(env: Any) -> str | None:
    """Return the id of an environment, None if it has none."""
    spec = _spec_of(env)
    return None if spec is None else str(spec.id)


def _spec_of(env: Any) -> Any:
    """Return how gymnasium made an environment, None if it did not.

    EnvPool's environments have a spec of another kind, which does not know their id.
    """
    spec = getattr(env, "spec", None)
    return spec if isinstance(spec, gymnasium().envs.registration.EnvSpec) else None


class World:
    """An environment, and the observation that the agent has to act on."""

    n: int
    dead_step = False

    def __init__(self, env: Any) -> None:
        self.env = env
        self._observation: Any = None
        self._seed: int | None = None
        vector = isinstance(env, gymnasium().vector.VectorEnv)
        single = "single_" if vector else ""
        self.observations: Observations = observations_of(
            getattr(env, f"{single}observation_space")
        )
        self.actions: ActionsOf = actions_of(getattr(env, f"{single}action_space"))

    def seed(self, seed: int | None) -> None:
        """Give the next reset of all environments a seed."""
        self._seed = None if seed is None else seed % 2**32

    def forget(self) -> None:
        """Let the next step begin with a reset."""
        self._observation = None

    def reset(self) -> Any:
        """Begin episodes everywhere if none is under way; return the latest observation."""
        if self._observation is None:
            self._observation, _ = self.env.reset(seed=self._seed)
            self._seed = None
        return self._observation

    def step(self, agent: _core.ActorCritic) -> int:
        """Act once, let the agent learn from it, and return how many episodes ended."""
        raise NotImplementedError


class SingleWorld(World):
    """One environment."""

    n = 1

    def step(self, agent: _core.ActorCritic) -> int:
        self.reset()
        action = agent.act(self.observations.encode(self._observation))
        action = self.actions.decode(action)
        observation, reward, terminated, truncated, _ = self.env.step(action)
        encoded = self.observations.encode(observation)
        ended = agent.observe(reward, encoded, terminated, truncated)
        # Reset at the next step: in between, all that a single environment is about to do follows
        # from its random numbers.
        self._observation = None if ended else observation
        return ended


class VectorWorld(World):
    """Several environments that step together, in any of gymnasium's autoreset modes."""

    def __init__(self, env: Any) -> None:
        self._pool = _is_pool(env)
        super().__init__(env)
        self.n = int(env.num_envs)
        modes = gymnasium().vector.AutoresetMode
        self._mode = modes(env.metadata.get("autoreset_mode", modes.NEXT_STEP))
        self._same_step = self._mode == modes.SAME_STEP
        self._disabled = self._mode == modes.DISABLED
        self.dead_step = self._mode == modes.NEXT_STEP

    def seed(self, seed: int | None) -> None:
        """Give the next reset a seed; a pool of EnvPool has had its seeds when it was made."""
        super().seed(None if self._pool else seed)

    def step(self, agent: _core.ActorCritic) -> int:
        self.reset()
        actions = agent.act(self.observations.encode_batch(self._observation))
        actions = np.asarray(actions).reshape(self.n, *np.shape(actions)[1:])
        observation, reward, terminated, truncated, info = self.env.step(
            self.actions.decode_batch(actions)
        )
        # Vector environments may write the next observation into the same memory.
        encoded = np.array(self.observations.encode_batch(observation))
        over = np.logical_or(terminated, truncated)
        last = encoded
        if self._same_step and over.any():
            last = encoded.copy()
            for k in np.flatnonzero(over):
                last[k] = self.observations.encode(info["final_obs"][k])
        ended = agent.observe(np.asarray(reward, np.float64), last, terminated, truncated)
        if self._disabled and over.any():
            observation, _ = self.env.reset(options={"reset_mask": over})
        self._observation = np.array(observation)
        return ended


def _is_pool(env: Any) -> bool:
    """Tell whether EnvPool made an environment.

    Raises ValueError for a pool that does not step as one environment per row of its batch.
    """
    pool = env.unwrapped
    if not hasattr(pool, "all_env_ids"):
        return False
    if pool.is_async:
        raise ValueError(
            "env must step all its environments at once, got a pool with "
            f"batch_size={pool.config['batch_size']} and num_envs={pool.num_envs}"
        )
    if pool.config["max_num_players"] > 1:
        raise ValueError(
            "env must have one player in each environment, got a pool with "
            f"max_num_players={pool.config['max_num_players']}"
        )
    return True


def world_of(env: Any) -> World:
    """Return a single or vector environment as a world."""
    vector = isinstance(env, gymnasium().vector.VectorEnv)
    return VectorWorld(env) if vector else SingleWorld(env)
