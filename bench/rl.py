"""What a step of reinforcement learning costs, and what it earns beside other agents.

usage: python bench/rl.py [--steps N] [--seeds K] [--environment ENV]

The first table is the agent alone, as seen from Python: act, learn, critic. The second is whole
runs: this agent, and A2C and PPO of Stable-Baselines3 with their own defaults where that package is
installed, on the same machine and one after the other.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from typing import Any

import numpy as np

import uwm
import uwm.rl
from uwm.rl.settings import Settings

SHAPES = [  # inputs, hidden layers, environments
    (4, (64, 32), 1),
    (8, (64, 32), 1),
    (4, (128, 128), 1),
    (400, (64, 32), 1),
    (4, (64, 32), 16),
]
REPEATS = 5


def microseconds(
    inputs: int, hidden: tuple[int, ...], environments: int, rule: str, steps: int
) -> float:
    """Median time of a step of one environment; observations are random."""
    settings = Settings(hidden=hidden, critic_hidden=hidden)
    agent = uwm._core.ActorCritic(inputs, 2, uwm.rule(rule), settings, environments=environments)
    rng = np.random.default_rng(0)
    shape = (inputs,) if environments == 1 else (environments, inputs)
    x = rng.standard_normal((64, *shape)).astype(np.float32)
    reward, no = (
        (1.0, False) if environments == 1 else (np.ones(environments), np.zeros(environments, bool))
    )
    times = []
    for _ in range(REPEATS):
        agent.begin()
        start = time.process_time()  # a busy machine does not count
        for k in range(steps):
            agent.act(x[k % 64])
            agent.observe(reward, x[(k + 1) % 64], no, no)
        times.append((time.process_time() - start) / steps / environments)
    return 1e6 * float(np.median(times))


def agents() -> dict[str, Any]:
    """Functions that train for so many steps and return the returns of the episodes, by name."""

    def ours(env: str, seed: int, steps: int) -> list[float]:
        return list(uwm.rl.Agent(env, seed=seed).learn(steps).returns)

    found: dict[str, Any] = {"uwm.rl.Agent": ours}
    if importlib.util.find_spec("stable_baselines3") is None:
        return found
    import gymnasium
    import stable_baselines3

    def peer(name: str) -> Any:
        def train(env: str, seed: int, steps: int) -> list[float]:
            made = gymnasium.wrappers.RecordEpisodeStatistics(
                gymnasium.make(env), buffer_length=10**6
            )
            getattr(stable_baselines3, name)("MlpPolicy", made, seed=seed).learn(steps)
            return [float(total) for total in made.return_queue]

        return train

    return found | {f"Stable-Baselines3 {name}": peer(name) for name in ("A2C", "PPO")}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=100_000, help="of each run (default 100,000)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--environment", default="CartPole-v1")
    args = parser.parse_args()
    rules = ("unbiased_weight_max", "weight_max", "reinforce")
    print(
        "µs per step and environment, from Python\n\n| inputs, hidden, environments | "
        + " | ".join(rules)
        + " |"
    )
    print("|---|" + "---|" * len(rules))
    for inputs, hidden, n in SHAPES:
        times = [microseconds(inputs, hidden, n, rule, min(args.steps, 3000)) for rule in rules]
        print(f"| {inputs}, {list(hidden)}, {n} | " + " | ".join(f"{t:.1f}" for t in times) + " |")
    print(f"\n{args.environment}, {args.steps:,} steps, {args.seeds} seeds\n")
    print("| agent | mean return | last 100 episodes | s per million steps |\n|---|---|---|---|")
    for name, train in agents().items():
        start = time.perf_counter()
        runs = [train(args.environment, seed, args.steps) for seed in range(args.seeds)]
        seconds = (time.perf_counter() - start) / args.seeds / args.steps * 1e6
        mean, last = (np.mean([np.mean(run[first:]) for run in runs]) for first in (0, -100))
        print(f"| {name} | {mean:.1f} | {last:.1f} | {seconds:.0f} |")


if __name__ == "__main__":
    main()
