"""What the study runs: the rules, the cases, and the budgets of its full and its short form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from saturation import REMEDIES, Remedy

import uwm
from uwm.experiments import Plan, Search, Settings
from uwm.experiments.tuning.search import FIRST_SEED

#: Every rule of the library takes part.
RULES = uwm.RULES
#: The rule that the claims are about, those that have no bias, and whom it is measured against.
OURS, PEERS = "unbiased_weight_max_posterior", ("weight_max", "ste", "reinforce")
BLENDED = "unbiased_weight_max"
UNBIASED = (
    "reinforce",
    "unbiased_weight_max_posterior",
    "unbiased_weight_max",
    "unbiased_weight_max_two_sided",
    "unbiased_weight_max_one_sided",
    "posterior_reinforce",
)


def falling(n_layers: int) -> list[float]:
    """Return rates that fall from 0.02 to 0.002, with three digits."""
    return [float(f"{rate:.3g}") for rate in np.geomspace(0.02, 0.002, n_layers)]


@dataclass(frozen=True)
class Case:
    """A task, a network and a batch size that every rule is tuned and compared on.

    finalist_seeds: more where runs are short, to tell rates that fail for one seed in ten.
    """

    name: str
    title: str
    episodes: int
    batch_size: int
    hidden: tuple[int, ...] = (64, 32)
    address_bits: int = 4
    task: str = "multiplexer"
    finalist_seeds: int = Search.finalist_seeds

    def settings(self, **changes: object) -> Settings:
        """Return the settings of its runs."""
        fixed = {
            "hidden": self.hidden,
            "address_bits": self.address_bits,
            "batch_size": self.batch_size,
            "episodes": self.episodes,
            "rules": RULES,
            # Of the searches that are there. The rates are those of a rule's first trial.
            "initial_gain": 1.0,
            "learning_rate": 0.003 if self.task == "digits" else falling(len(self.hidden) + 1),
        }
        return Settings.for_task(self.task, **{**fixed, **changes})


@dataclass(frozen=True)
class Study:
    """A form of the study: its cases and how much it spends on them."""

    cases: tuple[Case, ...]
    trials: int
    finalists: int
    fresh_seeds: int
    published_episodes: int
    published_seeds: int
    scaling: Plan
    remedies: tuple[Remedy, ...] = REMEDIES
    bias_nets: tuple[tuple[int, ...], ...] = ((3, 4, 4, 1), (3, 3, 3, 3, 1), (3, 4, 3, 2))

    def search(self, case: Case, objective: str) -> Search:
        """Return the search by an objective that every rule gets on a case."""
        return Search(
            case.settings(seeds=1, first_seed=FIRST_SEED),
            trials=self.trials,
            finalists=self.finalists,
            finalist_seeds=case.finalist_seeds,
            objective=objective,
        )


def cases(scale: float) -> tuple[Case, ...]:
    """Return all cases; scale multiplies the episodes."""

    def many(episodes: int) -> int:
        return max(320, round(episodes * scale / 160) * 160)

    return (
        Case(
            "mux3-b1", "3 address bits, batch 1", many(200_000), 1, address_bits=3,
            finalist_seeds=9,
        ),
        Case(
            "mux3-b16", "3 address bits, batch 16", many(320_000), 16, address_bits=3,
            finalist_seeds=9,
        ),
        Case("mux4-b1", "4 address bits, batch 1", many(400_000), 1),
        Case("mux4-b16", "4 address bits, batch 16", many(800_000), 16),
        Case("mux5-b1", "5 address bits, batch 1", many(500_000), 1, address_bits=5),
        Case("mux5-b16", "5 address bits, batch 16", many(1_200_000), 16, address_bits=5),
        Case("wide", "4 address bits, [256, 128]", many(240_000), 16, hidden=(256, 128)),
        Case("deep", "4 address bits, [64, 32, 16]", many(800_000), 16, hidden=(64, 32, 16)),
        Case(
            "digits", "digits, [64]", many(200_000), 16, hidden=(64,), task="digits",
            finalist_seeds=9,
        ),
    )  # fmt: skip


def sizes_settings(episodes: int, seeds: int) -> Settings:
    """Return the settings of the runs against the number of units."""
    return Settings(address_bits=2, rules=RULES, episodes=episodes, batch_size=16, seeds=seeds)


FULL = Study(
    cases=cases(1.0),
    trials=24,
    finalists=4,
    fresh_seeds=10,
    published_episodes=800_000,
    published_seeds=3,
    scaling=Plan(
        sizes_settings(32_000, 3), widths=(8, 32, 128), depths=(1, 2, 3, 5),
        factors=(4, 2, 1, 0.5, 0.25), trained=True,
    ),
)  # fmt: skip
SHORT = Study(
    cases=cases(0.1),
    trials=8,
    finalists=2,
    fresh_seeds=4,
    published_episodes=80_000,
    published_seeds=2,
    scaling=Plan(
        sizes_settings(8_000, 2), widths=(8, 32, 128), depths=(1, 2, 4), factors=(2, 1),
        samples=4096, trained=True,
    ),
)  # fmt: skip
#: Shows in seconds that everything runs; its figures say nothing.
TINY = Study(
    cases=tuple(c for c in cases(0.002) if c.name in ("mux3-b16", "deep")),
    trials=3,
    finalists=1,
    fresh_seeds=2,
    published_episodes=60,
    published_seeds=1,
    scaling=Plan(
        sizes_settings(320, 2), widths=(4, 8), depths=(1, 2), factors=(1,), samples=2048,
        trained=True,
    ),
    remedies=REMEDIES[:2],
    bias_nets=((2, 2, 2, 1),),
)  # fmt: skip
