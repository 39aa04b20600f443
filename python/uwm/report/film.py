"""A film of an agent that acts."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from typing import Any

from uwm.files import replace_file

MOST_FRAMES = 2000


def check_film(path: str) -> None:
    """Raise now what would be missed after the training: another kind of file, no pillow."""
    if not path.endswith(".gif"):
        raise ValueError(f"the film must be a .gif file, got {path}")
    if importlib.util.find_spec("PIL") is None:
        raise ImportError("films need pillow: pip install pillow")


def write_film(agent: Any, environment: str, path: str) -> None:
    """Write one episode as an animated picture."""
    from PIL import Image

    from uwm.rl.environments import closed_at_end, make_environment
    from uwm.rl.run import run_episodes

    env = make_environment(environment, render_mode="rgb_array")
    frames: list[Any] = []

    class Watched:
        """The agent, with a picture taken before each of its actions."""

        def predict(
            self, observation: Any, state: None, episode_start: Any, deterministic: bool
        ) -> tuple[Any, Any]:
            if len(frames) < MOST_FRAMES:
                frames.append(Image.fromarray(env.render()))
            return agent.predict(observation, state, episode_start, deterministic)  # type: ignore[no-any-return]

    with closed_at_end(env):
        run_episodes(Watched(), env, 1, False, 0)
    speed = int(env.metadata.get("render_fps", 30))
    held = io.BytesIO()
    frames[0].save(
        held,
        format="GIF",
        save_all=True,
        append_images=frames[1:],
        duration=max(20, 1000 // speed),
        loop=0,
    )
    replace_file(Path(path), held.getvalue())
