"""Reinforcement learning in Gymnasium's environments, with a team of stochastic units as the actor.

``Agent`` learns, acts and saves itself; docs/rl.md has the equations and what it reaches.
Environments need the package gymnasium (``pip install 'uwm[rl]'``).
"""

from uwm.rl.agent import Agent as Agent
from uwm.rl.loading import load as load
from uwm.rl.log import Log as Log
from uwm.rl.presets import PRESETS as PRESETS
from uwm.rl.settings import Settings as Settings
from uwm.rl.together import learn_together as learn_together

__all__ = ["PRESETS", "Agent", "Log", "Settings", "learn_together", "load"]

for _thing in (Agent, Log, Settings, learn_together, load):
    _thing.__module__ = "uwm.rl"
