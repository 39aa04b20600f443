"""What a step of reinforcement learning costs, and what it earns beside other agents.

usage: python bench/rl.py [--steps N] [--seeds K] [--environment ENV]

The first table is the agent alone, as seen from Python: act, learn, critic. The second is the
environments alone: one of Gymnasium, 64 of it in a vector environment, and 64 in a pool of EnvPool
where that is installed. The third is whole runs: this agent, in one environment and in pools, and
A2C and PPO of Stable-Baselines3 with their own defaults where that package is installed, on the
same machine and one after the other.

Processor time is that of all threads; a busy machine does not count in it.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
import warnings
from collections.abc import Callable
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
ENVIRONMENTS = 64
TOGETHER = 16  # agents that share a pool

Runs = list[list[float]]  # the returns of each run's episodes


def there(package: str) -> bool:
    """Whether a package is installed."""
    return importlib.util.find_spec(package) is not None


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


def environment_microseconds(env: Any, n: int, steps: int) -> float:
    """Median time of a step of one of n environments with random actions."""
    space = env.single_action_space if n > 1 else env.action_space
    actions = [np.array([space.sample() for _ in range(n)]) for _ in range(64)]
    times = []
    env.reset()
    for _ in range(REPEATS):
        start = time.process_time()
        for k in range(steps // n):
            ended = env.step(actions[k % 64] if n > 1 else actions[k % 64][0])[2:4]
            if n == 1 and any(ended):
                env.reset()
        times.append((time.process_time() - start) / (steps // n * n))
    return 1e6 * float(np.median(times))


def pool(env: str, n: int, seed: int) -> Any:
    """A pool of EnvPool that uses one core."""
    import envpool

    return envpool.make(env, env_type="gymnasium", num_envs=n, seed=seed, num_threads=1)


def environments(steps: int) -> None:
    """Print what a step of environments costs."""
    import gymnasium

    print(f"\nµs of processor time per step of an environment, {ENVIRONMENTS} of them")
    print("\n| environment | Gymnasium, one | Gymnasium, vector | EnvPool |\n|---|---|---|---|")
    for env in ("CartPole-v1", "Acrobot-v1", "LunarLander-v3"):
        try:
            made = [gymnasium.make(env), gymnasium.make_vec(env, ENVIRONMENTS, "sync")]
        except gymnasium.error.Error:
            continue  # LunarLander needs a package of its own
        made += [pool(env, ENVIRONMENTS, 0)] if there("envpool") else []
        sizes = (1, ENVIRONMENTS, ENVIRONMENTS)
        times = [environment_microseconds(e, n, steps) for e, n in zip(made, sizes, strict=False)]
        print(f"| {env} | " + " | ".join(f"{t:.1f}" for t in times) + " |")


def ours(env: str, seeds: int, steps: int) -> dict[str, Callable[[], Runs]]:
    """Functions that train this agent in one environment, and in several that step together."""
    import gymnasium

    def alone(make: Callable[[int], Any]) -> Callable[[], Runs]:
        return lambda: [
            list(uwm.rl.Agent(make(seed), seed=seed).learn(steps).returns) for seed in range(seeds)
        ]

    def together() -> Runs:
        agents = [uwm.rl.Agent(env, seed=seed) for seed in range(TOGETHER)]
        logs = uwm.rl.learn_together(agents, pool(env, TOGETHER, 0), total_timesteps=steps)
        return [list(log.returns) for log in logs]

    found = {"uwm.rl.Agent": alone(lambda seed: env)}
    for n in (16, 64):
        made = alone(lambda seed, n=n: gymnasium.make_vec(env, n, "sync"))
        found[f"the same, {n} environments of Gymnasium"] = made
        if there("envpool"):
            made = alone(lambda seed, n=n: pool(env, n, seed))
            found[f"the same, {n} environments of EnvPool"] = made
    if there("envpool"):
        found[f"{TOGETHER} of them, each in one environment of EnvPool"] = together
    return found


def agents(env: str, seeds: int, steps: int) -> dict[str, Callable[[], Runs]]:
    """Functions that train with every seed and return the episodes' returns, by name."""
    found = ours(env, seeds, steps)
    if not there("stable_baselines3"):
        return found
    import gymnasium
    import stable_baselines3
    import torch

    # Networks as small as these gain nothing from more, and lose much on a busy machine.
    torch.set_num_threads(1)

    def train(name: str, seed: int) -> list[float]:
        made = gymnasium.wrappers.RecordEpisodeStatistics(gymnasium.make(env), buffer_length=10**6)
        getattr(stable_baselines3, name)("MlpPolicy", made, seed=seed).learn(steps)
        return [float(total) for total in made.return_queue]

    def peer(name: str) -> Callable[[], Runs]:
        return lambda: [train(name, seed) for seed in range(seeds)]

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
    environments(min(args.steps, 6400))
    print(f"\n{args.environment}, {args.steps:,} steps, {args.seeds} seeds; per million steps\n")
    print("| agent | mean return | last 100 episodes | seconds | of processor time |")
    print("|---|---|---|---|---|")
    for name, train in agents(args.environment, args.seeds, args.steps).items():
        wall, processor = time.perf_counter(), time.process_time()
        runs = train()
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        per_million = 1e6 / len(runs) / args.steps
        mean, last = (np.mean([np.mean(run[first:]) for run in runs]) for first in (0, -100))
        print(
            f"| {name} | {mean:.1f} | {last:.1f} "
            f"| {wall * per_million:.0f} | {processor * per_million:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    # EnvPool's spaces round their bounds.
    warnings.filterwarnings("ignore", message=".*precision lowered by casting")
    main()
