"""Several agents in one vector environment, each with an environment of its own in it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from uwm import _core
from uwm.checks import shown
from uwm.rl.agent import Agent, Callback, episode_callback
from uwm.rl.environments import VectorWorld, World, world_of
from uwm.rl.log import Log
from uwm.rl.run import Episodes, length_of


def learn_together(
    agents: Sequence[Agent],
    env: Any,
    *,
    total_timesteps: int | None = None,
    episodes: int | None = None,
    callback: Callback | None = None,
    seed: int | None = None,
) -> list[Log]:
    """Let each agent learn in one of the environments that step together in a vector environment.

    Rules and seeds share what a step of the environments costs. That pays with EnvPool, whose pools
    step in C++. The agents share nothing else. All episodes begin anew, and those under way at the
    end are given up.

    Args:
        agents: as many as there are environments, in their order; each made with a single one.
        env: a ``gymnasium.vector.VectorEnv`` with NEXT_STEP autoreset.
        total_timesteps: steps of each agent.
        episodes: of each agent, in the place of ``total_timesteps``. An agent that has had them
            rests until the others have, too.
        callback: as in ``Agent.learn``; when it returns False, that agent learns no more.
        seed: of the environments. EnvPool takes seeds only when it makes an environment.

    Returns:
        A log for each agent.

    Raises:
        ValueError, TypeError: agents or an environment that do not fit each other.
        DivergenceError: a parameter of an agent left the finite numbers; all agents stop.
        Interrupted: Ctrl-C; its ``result`` is the logs so far.

    >>> import gymnasium, uwm.rl
    >>> agents = [uwm.rl.Agent("CartPole-v1", rule=r) for r in ("ste", "reinforce")]
    >>> env = gymnasium.make_vec("CartPole-v1", num_envs=2, vectorization_mode="sync")
    >>> logs = uwm.rl.learn_together(agents, env, episodes=3)
    >>> [len(log) for log in logs]
    [3, 3]
    """
    length = length_of("learn_together", total_timesteps, episodes)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function or None, got {shown(callback)}")
    world = _fitting_world(agents, env)
    world.seed(seed)
    members: list[_Member] = []
    with ExitStack() as at_end:
        for agent in agents:
            members.append(_Member(agent, *length, callback))
            at_end.callback(members[-1].leave)
        try:
            _run(members, world)
        except KeyboardInterrupt as error:
            stop = _core.Interrupted(f"interrupted, {len(agents)} agents had not all finished")
            stop.result = [member.episodes.log() for member in members]
            raise stop from error
    return [member.episodes.log() for member in members]


class _Member:
    """An agent that learns beside others, until it has had its steps or episodes."""

    def __init__(
        self, agent: Agent, wanted: int, count_steps: bool, callback: Callback | None
    ) -> None:
        agent._give_up()  # refused while another thread uses the agent: nothing is changed then
        self.engine = agent._engine
        self.goes_on = True
        self._agent = agent
        self._wanted = wanted
        self._count_steps = count_steps
        self._resting = False
        # The steps in which its environment only resets are kept from the engine: an agent then
        # learns, bit for bit, as it would in an environment alone.
        self._dead_step = self.engine.dead_step
        self.engine.dead_step = False
        done = None if callback is None else episode_callback(agent, callback)
        self.episodes = Episodes(self.engine, done)

    def observe(self, reward: float, x: Any, terminated: bool, truncated: bool) -> None:
        """Learn from a step, and find out whether to go on."""
        if self._resting:
            self._resting = False
            return
        if self.engine.observe(reward, x, terminated, truncated):
            self._resting = True
            self.goes_on = self.episodes.take()
        self.goes_on &= self.episodes.done(self._count_steps) < self._wanted

    @property
    def acts(self) -> bool:
        """Whether the agent is to act in the next step."""
        return self.goes_on and not self._resting

    def leave(self) -> None:
        """Go back to the agent's own environment, in which an episode begins."""
        self.engine.dead_step = self._dead_step
        self._agent._give_up()


def _run(members: Sequence[_Member], world: World) -> None:
    """Step all environments until every agent has had enough."""
    x = world.observations.encode_batch(world.reset())
    actions = np.stack([member.engine.act(row) for member, row in zip(members, x, strict=True)])
    while True:
        observation, *outcome, _ = world.env.step(world.actions.decode_batch(actions))
        x = world.observations.encode_batch(observation)
        # Rewards and ends as lists: numbers of NumPy, taken one by one, cost several times as much.
        reward, terminated, truncated = (np.asarray(column).tolist() for column in outcome)
        for k, member in enumerate(members):
            if member.goes_on:
                member.observe(reward[k], x[k], terminated[k], truncated[k])
            if member.acts:
                actions[k] = member.engine.act(x[k])
        if not any(member.goes_on for member in members):
            return


def _fitting_world(agents: Sequence[Agent], env: Any) -> World:
    """Return the environment, in which each of the agents can learn."""
    if not all(isinstance(agent, Agent) for agent in agents):
        raise TypeError(f"agents must be a sequence of uwm.rl.Agent, got {shown(agents)}")
    if len({id(agent) for agent in agents}) < len(agents):
        raise ValueError("agents must be different objects, got one of them twice")
    world = world_of(env)
    if not isinstance(world, VectorWorld) or not world.dead_step:
        raise ValueError(f"env must be a vector environment with NEXT_STEP, got {shown(env)}")
    if len(agents) != world.n:
        raise ValueError(
            f"agents must be as many as there are environments, {world.n}, got {len(agents)}"
        )
    for agent in agents:
        if agent._engine.environments != 1:
            raise ValueError(
                "agents must each be made with a single environment, got one with "
                f"{agent._engine.environments} of them"
            )
        if (agent._observations, agent._actions) != (world.observations, world.actions):
            raise ValueError(
                "env must have the agents' observations and actions, "
                f"{agent._observations} and {agent._actions}, "
                f"got {world.observations} and {world.actions}"
            )
    return world
