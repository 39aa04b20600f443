"""Measure bias, cosine and noise-to-signal of rules on a task, against the exact gradient.

Small networks are enumerated: every input and every activity. Larger ones are sampled, with 95%
intervals. With --checkpoints the network is trained and measured along the way. Besides rules there
are other estimators (arm, disarm, leave_one_out_K, reinforce_per_input), most of which take several
rewards per input; the last column compares all of them at equal numbers of rewards.
"""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import uwm
from uwm.cli.errors import explained, own_code
from uwm.cli.options import (
    add_kinds_of_units,
    add_output,
    add_step_sizes,
    add_task,
    baseline,
    check_folder,
    check_packages,
    computing,
    names,
    number,
    sizes,
    whole,
)
from uwm.cli.results import finished, hand_over
from uwm.experiments.estimator_names import PEERS, RULES
from uwm.experiments.progress import nobody
from uwm.experiments.settings import Settings
from uwm.own import own_files
from uwm.report.console import console
from uwm.report.live import bar
from uwm.rules import RULES as ALL_RULES
from uwm.tasks.builtin import TASKS, task_info

SETTINGS = (
    "task",
    "label",
    "delimiter",
    "header",
    "address_bits",
    "hidden",
    "units",
    "output",
    "episodes",
    "batch_size",
    "learning_rate",
    "rate_factor",
    "initial_gain",
    "optimizer",
    "baseline",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options; those that are settings have no default here, Settings knows it."""
    given = argparse.SUPPRESS

    def setting(name: str, help: str, **options: Any) -> None:
        parser.add_argument(name, default=given, help=help, **options)

    add_task(parser, setting)
    setting("--address-bits", "of the multiplexer (default 2)", type=whole, metavar="N")
    setting("--hidden", "units of each hidden layer, or none (default 6,4; 64 for classification)",
            type=sizes, metavar="N,N")  # fmt: skip
    add_kinds_of_units(setting)
    parser.add_argument("--rules", type=names, default=list(RULES),
                        metavar="A,B", help=f"some of {', '.join((*ALL_RULES, *PEERS))}, or"
                        f" file.py:Class (default {','.join(RULES)})")  # fmt: skip
    parser.add_argument("--network", metavar="FILE", help="a network that uwm.save has written")
    parser.add_argument("--scale", type=number, metavar="S",
                        help="normal weights of this standard deviation")  # fmt: skip
    parser.add_argument(
        "--seed", type=whole, default=0, metavar="N", help="of everything (default 0)"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--exact", action="store_const", const="exact", dest="method",
                     help="enumerate or fail (default: enumerate if 2^24 at most)")  # fmt: skip
    how.add_argument("--sampled", action="store_const", const="sampled", dest="method",
                     help="sample, however small the network")  # fmt: skip
    parser.add_argument("--samples", type=whole, default=2**16, metavar="N",
                        help="inputs to draw when sampling (default 65536)")  # fmt: skip
    parser.add_argument("--reference", default="unbiased_weight_max_posterior", metavar="RULE",
                        help="unbiased rule whose mean stands for the gradient where that cannot be"
                        " computed (default unbiased_weight_max_posterior)")  # fmt: skip
    parser.add_argument("--checkpoints", type=whole, default=0, metavar="K",
                        help="train, and measure before and K times along the way")  # fmt: skip
    parser.add_argument("--train-with", default="unbiased_weight_max", metavar="RULE",
                        help="the rule to train with (default unbiased_weight_max)")  # fmt: skip
    setting("--episodes", "of training (default 200000)", type=whole, metavar="N")
    setting("--batch-size", "episodes of a step (default 1; 16 for classification)",
            type=whole, metavar="N")  # fmt: skip
    add_step_sizes(setting)
    setting("--optimizer", "adam (default) or sgd", metavar="NAME")
    setting("--baseline", "taken off the reward, in training and in measuring: none (default),"
            " running-mean or a number", type=baseline, metavar="B")  # fmt: skip
    add_output(parser, "uwm-gradients", "gradients.png")


def check(args: argparse.Namespace) -> None:
    """Raise CommandError for settings that make no sense."""
    with explained():
        settings_of(args, uwm.load(args.network).net if args.network else None)


def run(args: argparse.Namespace) -> int:
    """Measure, show and write; return the exit code."""
    from uwm.experiments import gradients
    from uwm.report.gradient_table import as_json, show

    check_folder(Path(args.out))
    with explained(), own_code(lambda: own_files([*args.rules, args.train_with, args.reference])):
        network = uwm.load(args.network).net if args.network else None
        settings = settings_of(args, network)
        check_packages(args)
        quiet = nullcontext(nobody)
        with quiet if args.quiet else bar(console(stderr=True)) as listener:
            study, stopped = finished(
                lambda: gradients(
                    settings,
                    args.rules,
                    network=network,
                    scale=args.scale,
                    method=args.method,
                    samples=args.samples,
                    reference=args.reference,
                    checkpoints=args.checkpoints,
                    **computing(args),
                    progress=listener,
                )
            )
    return hand_over(args, study, stopped, as_json, show, any_result=bool(study.measurements))


def settings_of(args: argparse.Namespace, network: uwm.Network | None) -> Settings:
    """Return the task, the network and the training that the options ask for."""
    given = {name: value for name, value in vars(args).items() if name in SETTINGS}
    task = given.pop("task", TASKS[0])
    info = task_info(task) if task in TASKS else None
    trainer = trained_with(args.train_with)
    chosen: dict[str, Any] = {"rules": (trainer,), "seeds": 1, "first_seed": args.seed}
    if info is not None:
        chosen.update(info.small)
    if network is not None:
        for name in ("hidden", "units", "output"):
            if name in given:
                raise ValueError(f"--{name} and --network exclude each other")
        if args.scale is not None:
            raise ValueError("--scale and --network exclude each other")
        chosen.update(hidden=list(network.sizes[1:-1]), units=network.units, output=network.output)
        if info is not None and info.fit and not any(name in given for name in info.settings):
            chosen.update(info.fit(network.sizes[0]))
    return Settings.for_task(task, **{**chosen, **given})


def trained_with(name: str) -> str:
    """Return the name of the rule to train with."""
    from uwm.experiments.estimators import rule_or_estimator

    if not isinstance(rule_or_estimator(name), uwm.Rule):
        raise ValueError(f"train_with must be a learning rule, got {name!r}")
    return name
