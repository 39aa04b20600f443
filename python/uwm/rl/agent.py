"""The agent: a team of stochastic units that learns in Gymnasium's environments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, TypeAlias

import numpy.typing as npt

from uwm import _core
from uwm.checks import is_false, kind, shown, whole_number
from uwm.rl.environments import (
    World,
    closed_at_end,
    closed_on_error,
    id_of,
    make_environment,
    make_like,
    world_of,
)
from uwm.rl.files import About, rule_name, write
from uwm.rl.log import Log
from uwm.rl.presets import preset_rule, preset_settings
from uwm.rl.run import EpisodeDone, Progress, learn, length_of, run_episodes
from uwm.rl.settings import Settings, make_settings
from uwm.rl.spaces import ActionsOf, Observations, gymnasium
from uwm.rules import resolve

Callback: TypeAlias = Callable[["Agent", dict[str, Any]], object]


class Agent:
    """An agent whose actor is a team of stochastic units, and its reward a critic's TD error.

    Args:
        env: an id of gymnasium, a ``gymnasium.Env``, or a ``gymnasium.vector.VectorEnv`` in any of
            its autoreset modes, EnvPool's too. Observations are a Box, Discrete (one-hot) or
            MultiBinary space, actions a Discrete space or a Box of floating-point numbers. Numbers
            of a Box are drawn in units of half their range around its middle and clipped to it.
        rule: a rule's name, ``mine.py:MyRule``, or a ``uwm.Rule``; None: that of the preset,
            ``unbiased_weight_max`` by default. It must be linear in the reward, as all built-in
            rules are.
        hidden: units of the actor's hidden layers.
        seed: of the actor, the critic, the draws, and the environment's first reset. EnvPool takes
            seeds only when it makes an environment.
        preset: "default", one setting for every environment; "published" and "published_traces", of
            Weight Maximization; "tuned". The last three are for CartPole-v1, Acrobot-v1 and
            LunarLander-v3 (docs/rl.md).
        settings: what ``uwm.rl.Settings`` lists, in the place of the preset's.

    Raises:
        ImportError: gymnasium is not installed.
        ValueError, TypeError: a space or a setting that is not supported.

    >>> import uwm.rl
    >>> agent = uwm.rl.Agent("CartPole-v1", seed=1)
    >>> log = agent.learn(episodes=3)
    >>> len(log), bool(agent.num_timesteps == log.steps[-1])
    (3, True)
    """

    def __init__(
        self,
        env: Any,
        *,
        rule: str | _core.Rule | None = None,
        hidden: Sequence[int] = (64, 32),
        seed: int = 0,
        preset: str = "default",
        **settings: Any,
    ) -> None:
        made = make_environment(env)
        with closed_on_error(made, env):
            chosen = {"hidden": hidden, **preset_settings(preset, id_of(made)), **settings}
            if rule is None:
                rule = preset_rule(preset)
            world = world_of(made)
            self._assemble(
                world.observations,
                world.actions,
                resolve(rule, "rule") if isinstance(rule, str) else rule,
                make_settings(chosen),
                whole_number("seed", seed, 0, 2**64 - 1),
                world.n,
            )
            self.preset = preset
            self.set_env(made)
            world = self._world_or_raise()
            world.seed(self.seed)

    def _assemble(
        self,
        observations: Observations,
        actions: ActionsOf,
        rule: _core.Rule,
        settings: Settings,
        seed: int,
        environments: int,
    ) -> None:
        """Make the engine's agent; it has no environment yet."""
        self.rule = rule
        self.settings = settings
        self.seed = seed
        self.preset = "default"
        self.env_id: str | None = None
        self._observations = observations
        self._actions = actions
        self._world: World | None = None
        self._by_hand = False
        self._engine = _core.ActorCritic(
            observations.n,
            actions.for_engine(),
            rule,
            settings,
            seed=seed,
            environments=environments,
        )

    # What it is

    @property
    def num_timesteps(self) -> int:
        """Steps that were learned from, in all environments together."""
        return self._engine.timesteps

    @property
    def num_episodes(self) -> int:
        """Episodes that ended."""
        return self._engine.episodes

    @property
    def actor(self) -> _core.Network:
        """The network that acts."""
        return self._engine.actor

    @property
    def critic(self) -> _core.Network:
        """The critic's parameters, in a network: its units are not stochastic."""
        return self._engine.critic

    @property
    def env(self) -> Any:
        """The environment; None after ``load`` without one."""
        return None if self._world is None else self._world.env

    def set_env(self, env: Any) -> None:
        """Learn in another environment from now on; episodes under way are given up.

        Raises ValueError if its observations or actions are others.

        >>> import uwm.rl
        >>> agent = uwm.rl.Agent("CartPole-v1")
        >>> agent.set_env("CartPole-v1")
        """
        made = make_environment(env)
        with closed_on_error(made, env):
            world = world_of(made)
            if (world.observations, world.actions) != (self._observations, self._actions):
                raise ValueError(
                    "env must have the agent's observations and actions, "
                    f"{self._observations} and {self._actions}, "
                    f"got {world.observations} and {world.actions}"
                )
        self._engine.set_environments(world.n)
        self._engine.dead_step = world.dead_step
        self._world = world
        self.env_id = id_of(made)

    # Learning

    def learn(
        self,
        total_timesteps: int | None = None,
        *,
        episodes: int | None = None,
        callback: Callback | None = None,
        progress: Progress | None = None,
    ) -> Log:
        """Learn for so many more steps, or until so many more episodes have ended.

        A second call goes on where the first one stopped, within an episode too.

        Args:
            total_timesteps: steps that are learned from, in all environments together.
            episodes: given in the place of ``total_timesteps``.
            callback: called as callback(agent, episode) after each episode; ``episode`` is a dict
                with "return", "length", "environment", "episode" (how many have ended in all) and
                "timesteps". When it returns False, learning stops.
            progress: called as progress(done, in_all, mean_return) about ten times a second and at
                the end, with the mean return of the last 100 episodes. When it returns False,
                learning stops.

        Returns:
            Log of the episodes that ended in this call.

        Raises:
            ValueError: neither or both of the two numbers are given, or there is no environment.
            DivergenceError: a parameter left the finite numbers, or would have.
            Interrupted: Ctrl-C; its ``result`` is the log of the episodes so far. Episodes under
                way are given up, after this as after any other error.

        >>> import uwm.rl
        >>> agent = uwm.rl.Agent("CartPole-v1")
        >>> log = agent.learn(total_timesteps=100)
        >>> agent.num_timesteps
        100
        """
        wanted, count_steps = length_of("learn", total_timesteps, episodes)
        for name, function in (("callback", callback), ("progress", progress)):
            if function is not None and not callable(function):
                raise TypeError(f"{name} must be a function or None, got {shown(function)}")
        world = self._world_or_raise()
        if self._by_hand:
            self._give_up()
        done = None if callback is None else episode_callback(self, callback)
        try:
            return learn(self._engine, world, wanted, count_steps, done, progress)
        except BaseException:
            self._give_up()
            raise

    def act(self, observation: npt.ArrayLike) -> Any:
        """Draw the action for an observation, in a loop of one's own; ``observe`` comes next.

        observation: as the environment gives it; of a vector environment, a batch.
        Returns an action as the environment takes it.
        Raises ValueError if ``observe`` did not come before, or the observation is not the one that
        it was given although the episode goes on.

        >>> import gymnasium, uwm.rl
        >>> env = gymnasium.make("CartPole-v1")
        >>> agent = uwm.rl.Agent(env)
        >>> observation, _ = env.reset(seed=1)
        >>> for _ in range(10):
        ...     observation, reward, terminated, truncated, _ = env.step(agent.act(observation))
        ...     agent.observe(reward, observation, terminated, truncated)
        ...     if terminated or truncated:
        ...         observation, _ = env.reset()
        >>> agent.num_timesteps
        10
        """
        self._by_hand = True
        if self._observations.is_batch(observation):
            actions = self._engine.act(self._observations.encode_batch(observation))
            return self._actions.decode_batch(actions)
        return self._actions.decode(self._engine.act(self._observations.encode(observation)))

    def observe(
        self,
        reward: npt.ArrayLike,
        next_observation: npt.ArrayLike,
        terminated: npt.ArrayLike,
        truncated: npt.ArrayLike,
    ) -> None:
        """Learn from what came of the latest ``act``.

        next_observation: of an episode that has ended, the last one, not that of the reset
            (``info["final_obs"]`` of vector environments with SAME_STEP autoreset).
        Raises ValueError if ``act`` did not come before, or for a wrong shape or NaN.

        >>> import numpy as np, uwm.rl
        >>> agent = uwm.rl.Agent("CartPole-v1")
        >>> action = agent.act(np.zeros(4))
        >>> agent.observe(1.0, np.ones(4), True, False)
        >>> agent.num_episodes
        1
        """
        batch = self._observations.is_batch(next_observation)
        encode = self._observations.encode_batch if batch else self._observations.encode
        self._engine.observe(reward, encode(next_observation), terminated, truncated)

    # Acting without learning

    def predict(
        self,
        observation: npt.ArrayLike,
        state: None = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Any, None]:
        """Return the action for an observation or a batch, and None, as Stable-Baselines3 does.

        Nothing is learned, and the draws of ``act`` are not touched.

        observation: as the environment gives it, or a batch of these.
        state, episode_start: not used.
        deterministic: whether each unit takes its more probable action, and the output the most
            probable action or the mean. The units' noise is part of what was learned, so that this
            is not always better.

        >>> import numpy as np, uwm.rl
        >>> agent = uwm.rl.Agent("CartPole-v1")
        >>> action, _ = agent.predict(np.zeros((5, 4)))
        >>> action.shape
        (5,)
        """
        if self._observations.is_batch(observation):
            x = self._observations.encode_batch(observation)
            actions = self._engine.predict(x, deterministic=deterministic)
            return self._actions.decode_batch(actions), None
        x = self._observations.encode(observation)[None]
        return self._actions.decode(self._engine.predict(x, deterministic=deterministic)[0]), None

    def evaluate(
        self,
        env: Any = None,
        *,
        episodes: int = 10,
        deterministic: bool = False,
        seed: int | None = None,
    ) -> Log:
        """Return the log of episodes in which nothing is learned.

        env: an id or a single environment; None: a new one like that in which the agent learns, or
            like one of a vector environment.
        deterministic: as in ``predict``. seed: of the first reset.
        Raises ValueError if None is given and the environment cannot be made anew.

        >>> import uwm.rl
        >>> agent = uwm.rl.Agent("CartPole-v1")
        >>> len(agent.evaluate(episodes=2, seed=0))
        2
        """
        whole_number("episodes", episodes, 1)
        made = make_like(self.env) if env is None else make_environment(env)
        if isinstance(made, gymnasium().vector.VectorEnv):
            raise ValueError(f"evaluate must be given a single environment, got {kind(made)}")
        with nullcontext() if made is env else closed_at_end(made):
            return run_episodes(self, made, episodes, deterministic, seed)

    # Files

    def save(self, path: Any, *, extra: Mapping[str, Any] | None = None) -> None:
        """Write the agent and all that its learning depends on as one safetensors file.

        ``uwm.rl.load`` reads it. Given the same observations and rewards, learning goes on bit for
        bit. The environment itself is not in the file.

        extra: arrays and texts of one's own by name; they are ``uwm.load(path).extra`` later.

        Raises:
            OSError: the file cannot be written.
            ValueError: between ``act`` and ``observe``; with order="act_first", within an episode.

        >>> import os, tempfile, uwm.rl
        >>> path = os.path.join(tempfile.mkdtemp(), "agent.safetensors")
        >>> agent = uwm.rl.Agent("CartPole-v1")
        >>> agent.save(path)
        >>> uwm.rl.load(path).num_timesteps
        0
        """
        about = About(
            rule=rule_name(self.rule),
            settings=self.settings,
            seed=self.seed,
            preset=self.preset,
            environment=self.env_id,
            observations=self._observations,
            actions=self._actions,
        )
        write(path, self._engine, about, extra or {})

    def __repr__(self) -> str:
        where = self.env_id or "an environment of its own"
        return (
            f"<uwm.rl.Agent with the rule {self.rule.name} in {where}: "
            f"{self.num_timesteps:,} steps, {self.num_episodes:,} episodes>"
        )

    def _give_up(self) -> None:
        """Let the next step begin new episodes everywhere."""
        self._engine.begin()
        self._by_hand = False
        if self._world is not None:
            self._world.forget()

    def _world_or_raise(self) -> World:
        if self._world is None:
            raise ValueError("the agent must have an environment to learn in: see set_env")
        return self._world


def episode_callback(agent: Agent, callback: Callback) -> EpisodeDone:
    """Return what tells a callback of each episode that an agent ends."""

    def done(environment: int, total: float, length: int, episode: int, timesteps: int) -> bool:
        episode_info = {
            "return": total,
            "length": length,
            "environment": environment,
            "episode": episode,
            "timesteps": timesteps,
        }
        return not is_false(callback(agent, episode_info))

    return done
