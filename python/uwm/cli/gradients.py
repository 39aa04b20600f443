"""Measure bias, cosine and noise-to-signal of rules on a task, against the exact gradient.

Small networks are enumerated: every input and every activity. Larger ones are sampled, with 95%
intervals. With --checkpoints the network is trained and measured along the way. Besides rules there
are other estimators (arm, disarm, leave_one_out_K, reinforce_per_input), most of which take several
rewards per input; the last column compares all of them at equal numbers of rewards.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uwm
from uwm.analysis import Estimate
from uwm.cli.errors import explained, own_code
from uwm.cli.options import (
    add_layout,
    baseline,
    check_folder,
    check_packages,
    rates,
    sizes,
    whole,
    written,
)
from uwm.cli.options import number as any_number
from uwm.experiments import Settings, gradients
from uwm.experiments.gradients import RULES, GradientStudy, Listener, Measurement
from uwm.experiments.named import PEERS, own_files, rule_or_estimator

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

HELP = "bias, variance, noise-to-signal of rules against the exact gradient"
SETTINGS = (
    "task",
    "label",
    "delimiter",
    "header",
    "address_bits",
    "hidden",
    "units",
    "episodes",
    "batch_size",
    "learning_rate",
    "optimizer",
    "baseline",
)
SMALL = {"address_bits": 2, "hidden": [6, 4]}  # enumerated in a second


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options; those that are settings have no default here, Settings knows it."""
    given = argparse.SUPPRESS

    def setting(name: str, help: str, **options: Any) -> None:
        parser.add_argument(name, default=given, help=help, **options)

    setting("--task", "multiplexer (default), digits, or a .csv or .npz file of inputs and labels"
            " (- for standard input)")  # fmt: skip
    add_layout(parser)
    setting("--address-bits", "of the multiplexer (default 2)", type=whole, metavar="N")
    setting("--hidden", "units of each hidden layer, or none (default 6,4; 64 for classification)",
            type=sizes, metavar="N,N")  # fmt: skip
    setting("--units", "binary (0/1, default) or bipolar (-1/+1) hidden units", metavar="KIND")
    parser.add_argument("--rules", type=lambda text: text.split(","), default=list(RULES),
                        metavar="A,B", help=f"some of {', '.join((*uwm.RULES, *PEERS))}, or"
                        f" file.py:Class (default {','.join(RULES)})")  # fmt: skip
    parser.add_argument("--network", metavar="FILE", help="a network that uwm.save has written")
    parser.add_argument("--scale", type=any_number, metavar="S",
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
    parser.add_argument("--reference", default="unbiased_weight_max", metavar="RULE",
                        help="unbiased rule whose mean stands for the gradient where that cannot be"
                        " computed (default unbiased_weight_max)")  # fmt: skip
    parser.add_argument("--checkpoints", type=whole, default=0, metavar="K",
                        help="train, and measure before and K times along the way")  # fmt: skip
    parser.add_argument("--train-with", default="unbiased_weight_max", metavar="RULE",
                        help="the rule to train with (default unbiased_weight_max)")  # fmt: skip
    setting("--episodes", "of training (default 200000)", type=whole, metavar="N")
    setting("--batch-size", "episodes of a step (default 1; 16 for classification)",
            type=whole, metavar="N")  # fmt: skip
    setting("--learning-rate", "a number, or one per layer joined by commas", type=rates,
            metavar="R")  # fmt: skip
    setting("--optimizer", "adam (default) or sgd", metavar="NAME")
    setting("--baseline", "taken off the reward, in training and in measuring: none (default),"
            " running-mean or a number", type=baseline, metavar="B")  # fmt: skip
    parser.add_argument("--out", metavar="DIR", default="uwm-gradients",
                        help="folder for the results (default uwm-gradients)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="results as JSON on standard output")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--no-plot", action="store_true", help="no gradients.png")


def run(args: argparse.Namespace) -> int:
    """Measure, show and write; return the exit code."""
    from uwm.experiments import screen

    names = [*args.rules, args.train_with, args.reference]
    folder = Path(args.out)
    check_folder(folder)
    with explained(), own_code(lambda: own_files(names)):
        rules = [rule_or_estimator(name) for name in args.rules]
        network = uwm.load(args.network).net if args.network else None
        settings = settings_of(args, network)
        check_packages(args)
        with progress(args) as listener:
            study = gradients(
                settings,
                rules,
                network=network,
                scale=args.scale,
                method=args.method,
                samples=args.samples,
                reference=args.reference,
                checkpoints=args.checkpoints,
                progress=listener,
            )
    files, lost = written(lambda: study.write(folder, plot=not args.no_plot))
    if args.json:
        print(json.dumps(as_json(study, files), indent=2))
    else:
        show(study, files, screen.console(stderr=False))
    if lost is not None:
        raise lost
    return 0


def settings_of(args: argparse.Namespace, network: uwm.Network | None) -> Settings:
    """Return the task, the network and the training that the options ask for."""
    given = {name: value for name, value in vars(args).items() if name in SETTINGS}
    task = given.pop("task", "multiplexer")
    own = rule_of(args.train_with)
    chosen: dict[str, Any] = {"rules": (own,), "seeds": 1, "first_seed": args.seed}
    if task == "multiplexer":
        chosen.update(SMALL)
    if network is not None:
        for name in ("hidden", "units"):
            if name in given:
                raise ValueError(f"--{name} and --network exclude each other")
        if args.scale is not None:
            raise ValueError("--scale and --network exclude each other")
        chosen.update(hidden=list(network.sizes[1:-1]), units=network.units)
        if task == "multiplexer" and "address_bits" not in given:
            chosen.update(address_bits=address_bits_for(network))
    return Settings.for_task(task, **{**chosen, **given})


def rule_of(name: str) -> uwm.Rule:
    """Return the rule to train with."""
    rule = rule_or_estimator(name)
    if not isinstance(rule, uwm.Rule):
        raise ValueError(f"train_with: expected a learning rule, got {name!r}")
    return rule


def address_bits_for(network: uwm.Network) -> int:
    """Return the address bits of the multiplexer that has the network's inputs."""
    sizes = {k + 2**k: k for k in range(1, 17)}
    if network.sizes[0] not in sizes:
        raise ValueError(f"no multiplexer has the network's {network.sizes[0]} inputs")
    return sizes[network.sizes[0]]


@contextmanager
def progress(args: argparse.Namespace) -> Iterator[Listener | None]:
    """Show a bar for what goes on, on a terminal; one line per stage elsewhere."""
    if args.quiet:
        yield None
        return
    from uwm.experiments import screen

    console = screen.console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        last: list[str] = []

        def report(what: str, done: int, total: int) -> None:
            if last != [what]:
                console.print(f"{what} ...")
            last[:] = [what]

        yield report
        return
    from rich.progress import Progress

    with Progress(console=console, transient=True) as bars:
        bar = bars.add_task("", total=1)
        yield lambda what, done, total: bars.update(
            bar, description=what, completed=done, total=total
        )


def as_json(study: GradientStudy, files: list[Path]) -> dict[str, Any]:
    """Return the object that --json prints."""
    return {
        "version": uwm.__version__,
        "simd_level": uwm.simd_level(),
        "task": study.settings["task"],
        "settings": study.settings,
        "rewards": [{"episode": e, "mean_reward": r} for e, r in study.rewards.items()],
        "measurements": [m.as_dict() for m in study.measurements],
        "files": [str(path) for path in files],
    }


def show(study: GradientStudy, files: list[Path], out: Console) -> None:
    """Print a table per checkpoint, what its numbers mean, and where the files are."""
    from uwm.experiments import screen

    for episode, reward in study.rewards.items():
        screen.print_table(out, table(study, episode, reward))
    sampled = [m for m in study.measurements if m.method == "sampled"]
    notes = ["Noise is the standard deviation of one update over the length of the gradient."]
    if any(m.evaluations > 1 for m in study.measurements):
        notes.append("At equal rewards: times the root of the rewards of an update.")
    if sampled:
        notes.append(f"[a, b]: 95% interval, {sampled[0].samples:,} samples.")
        if sampled[0].gradient != "exact":
            notes.append(f"The mean of {sampled[0].gradient} stands for the gradient.")
    out.print(" ".join(notes), soft_wrap=True)
    if files:
        out.print("Written: " + ", ".join(str(path) for path in files), soft_wrap=True)


def table(study: GradientStudy, episode: int, reward: float) -> Table:
    """Return the table of one checkpoint: a line per hidden layer and rule."""
    from rich import box
    from rich.table import Table

    sizes = ", ".join(str(n) for n in study.settings["sizes"])
    title = f"{study.title}, network [{sizes}]"
    if len(study.rewards) > 1:
        title += f", after {episode:,} episodes"
    made = Table(title=f"{title}, mean reward {reward:.3f}", title_justify="left",
                 title_style="bold", box=box.SIMPLE_HEAD)  # fmt: skip
    several = any(m.evaluations > 1 for m in study.measurements)
    heads = ["relative bias", "cosine", "noise-to-signal", "rewards", "at equal rewards"]
    made.add_column("layer", no_wrap=True)
    made.add_column("rule", no_wrap=True)
    for head in heads if several else heads[:-2]:
        made.add_column(head, justify="right", no_wrap=True)
    for layer in study.layers:
        rows = [m for m in study.select(layer=layer) if m.episode == episode]
        for k, m in enumerate(rows):
            line = cells(m) if several else cells(m)[:-2]
            made.add_row(str(layer + 1) if k == 0 else "", m.rule, *line, end_section=m is rows[-1])
    return made


def cells(m: Measurement) -> list[str]:
    """Return the numbers of a line; intervals where there was sampling."""
    if math.isnan(m.noise_to_signal.value):
        return ["too few samples", "", "", str(m.evaluations), ""]
    if m.gradient_norm.value == 0:
        bias = "0" if m.relative_bias.value == 0 else "the gradient is 0"
        return [bias, "-", "-", str(m.evaluations), "-"]
    return [
        "0 by definition" if m.rule == m.gradient else interval(m.relative_bias, 2),
        "-" if math.isnan(m.cosine.value) else f"{m.cosine.value:.4f}",
        interval(m.noise_to_signal, 3),
        str(m.evaluations),
        number(m.noise_per_reward, 3),
    ]


def interval(estimate: Estimate, digits: int) -> str:
    """Return a number, with its interval if it has one."""
    value, low, high = (
        number(part, digits) for part in (estimate.value, estimate.low, estimate.high)
    )
    return value if estimate.low == estimate.high else f"{value} [{low}, {high}]"


def number(value: float, digits: int) -> str:
    """Return a number to so many digits, without an exponent below a million.

    >>> number(1234.5, 3), number(1e-12, 2)
    ('1,230', '1e-12')
    """
    return f"{float(f'{value:.{digits}g}'):,g}"
