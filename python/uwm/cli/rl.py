"""Let agents learn in an environment of Gymnasium: several rules and seeds, in parallel processes.

Shows progress, a table and a verdict, and writes learning curves, all episodes and the settings
into a folder. Every rule has the same settings, those of the preset: one setting for every
environment by default. MinAtar's games are there where the package minatar is installed:
MinAtar/Breakout-v0.
"""

from __future__ import annotations

import argparse
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from uwm.checks import shown
from uwm.cli.errors import CommandError, explained
from uwm.cli.options import (
    add_executor,
    add_output,
    check_folder,
    check_packages,
    computing,
    names,
    whole,
)
from uwm.cli.results import finished, hand_over
from uwm.experiments.progress import nobody
from uwm.report.console import console
from uwm.report.live import bar_per_run

EPISODES = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("environment", metavar="ENV", help="id of gymnasium, such as CartPole-v1")
    parser.add_argument("--rules", type=names, metavar="A,B",
                        help="rules, or mine.py:MyRule (default unbiased_weight_max; weight_max"
                        " with a published preset)")  # fmt: skip
    parser.add_argument("--episodes", type=whole, metavar="N",
                        help=f"of each run (default {EPISODES:,})")  # fmt: skip
    parser.add_argument("--steps", type=whole, metavar="N",
                        help="of each run, in the place of --episodes")  # fmt: skip
    parser.add_argument("--seeds", type=whole, metavar="K", default=5,
                        help="runs of each rule (default 5)")  # fmt: skip
    parser.add_argument("--first-seed", type=whole, metavar="N", default=0, help="(default 0)")
    parser.add_argument("--preset", metavar="NAME", default="default",
                        help="default, published, published_traces or tuned")  # fmt: skip
    parser.add_argument("--set", action="append", type=setting, metavar="NAME=VALUE", default=[],
                        help="a setting of uwm.rl.Settings in the place of the preset's, such as"
                        " discount=0.98 or hidden=[128,64]; may be repeated")  # fmt: skip
    parser.add_argument("--video", metavar="FILE",
                        help="a film of an episode of the first rule's agent, trained once more"
                        " with the first seed (.gif; needs pillow)")  # fmt: skip
    add_output(parser, "uwm-rl", "learning-curves.png")
    add_executor(parser, "processes")


def check(args: argparse.Namespace) -> None:
    """Raise CommandError for what no agent can be made of."""
    from uwm.experiments.reinforcement import AgentRequest

    with explained():
        for rule in rules_of(args):
            request = AgentRequest(
                args.environment, rule, args.first_seed, None, 1, args.preset, dict(args.set)
            )
            request.check()


def rules_of(args: argparse.Namespace) -> list[str]:
    """Return the rules asked for, or the preset's own."""
    from uwm.rl.presets import preset_rule

    return args.rules or [preset_rule(args.preset)]


def run(args: argparse.Namespace) -> int:
    """Compare, show and write; return the exit code."""
    from uwm.experiments.reinforcement import compare_agents
    from uwm.report.agent_table import as_json, show

    check_folder(Path(args.out))
    with explained():
        check_packages(args, judged=True)
        rules = rules_of(args)
        settings = dict(args.set)
        if args.episodes is None and args.steps is None:
            args.episodes = EPISODES
        if args.video:
            from uwm.report.film import check_film

            check_film(args.video)
        quiet = nullcontext(nobody)
        with quiet if args.quiet else bar_per_run(console(stderr=True)) as listener:
            result, stopped = finished(
                lambda: compare_agents(
                    args.environment,
                    rules=rules,
                    seeds=args.seeds,
                    first_seed=args.first_seed,
                    episodes=args.episodes,
                    total_timesteps=args.steps,
                    preset=args.preset,
                    settings=settings,
                    **computing(args),
                    progress=listener,
                )
            )
        if args.video and not stopped:
            film(args, result, settings)
    return hand_over(args, result, stopped, as_json, show, any_result=bool(result.runs))


def setting(text: str) -> tuple[str, Any]:
    """Return a name and its value, written as JSON or as a plain word."""
    from uwm.rl.settings import NAMES

    name, equals, value = text.partition("=")
    if not equals or name not in NAMES:
        known = ", ".join(NAMES)
        message = f"must be NAME=VALUE with one of {known}, got {shown(text)}"
        raise argparse.ArgumentTypeError(message)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def film(args: argparse.Namespace, result: Any, settings: dict[str, Any]) -> None:
    """Train the first agent once more and write a film of an episode of it."""
    from uwm.experiments.reinforcement import AgentRequest
    from uwm.report.film import write_film
    from uwm.rl.environments import closed_at_end

    first = AgentRequest(
        result.environment,
        result.rules[0],
        result.seeds[0],
        args.episodes,
        args.steps,
        args.preset,
        settings,
    )
    agent = first.agent()
    with closed_at_end(agent.env):
        agent.learn(first.total_timesteps, episodes=first.episodes)
    try:
        write_film(agent, args.environment, args.video)
    except OSError as error:
        raise CommandError(f"cannot write {args.video}: {error}", code=1) from error
