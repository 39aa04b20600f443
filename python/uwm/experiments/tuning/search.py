"""What a search tries: the space, the budget, and what is held fixed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from uwm.checks import MOST_SEED, finite, instance, one_of, sequence, whole_number
from uwm.experiments.settings import MOST_SEEDS, Settings

MOST_TRIALS = 100_000
FIRST_SEED = 1_000_000  # of the trials: a comparison's seeds, from 0, are fresh ones
TUNABLE = ("learning_rate", "baseline")
OBJECTIVES = ("mean_reward", "final_reward")
BASELINES = ("none", "running-mean")


@dataclass(frozen=True)
class Search:
    """What to search, and how hard; every rule gets the same.

    settings: what is held fixed, the rules, and the episodes and seeds of a trial. Its learning
    rates and baseline, where they lie in the space searched, are the first trial of every rule.
    trials: of each rule. finalists: how many of them are run again, with finalist_seeds further
    seeds, which decide; 0 for none. They are taken in turn from the best by mean and by final
    reward. tuned: which of "learning_rate" (one per layer) and "baseline" (none or a
    running mean) to search. objective: "mean_reward" or "final_reward", averaged over the seeds.
    lowest_rate, highest_rate: the range of the rates, on a logarithmic scale.
    seed: of the search itself.

    Raises ValueError or TypeError for values that make no sense.

    >>> Search(Settings(hidden=(8,)), trials=16).parameters
    ('learning_rate_1', 'learning_rate_2', 'baseline')
    """

    settings: Settings
    trials: int = 32
    finalists: int = 4
    finalist_seeds: int = 3
    tuned: Sequence[str] = TUNABLE
    objective: str = "mean_reward"
    lowest_rate: float = 1e-4
    highest_rate: float = 1e-1
    seed: int = 0

    def __post_init__(self) -> None:
        instance("settings", self.settings, Settings, "uwm.experiments.Settings")
        checked: dict[str, object] = {
            "trials": whole_number("trials", self.trials, 1, MOST_TRIALS),
            "finalists": whole_number("finalists", self.finalists, 0, MOST_TRIALS),
            "finalist_seeds": whole_number("finalist_seeds", self.finalist_seeds, 1, MOST_SEEDS),
            "seed": whole_number("seed", self.seed, 0, MOST_SEED),
            "lowest_rate": finite("lowest_rate", self.lowest_rate),
            "highest_rate": finite("highest_rate", self.highest_rate),
            "tuned": sequence("tuned", self.tuned),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        if not self.tuned:
            raise ValueError(f"tuned must be some of {', '.join(TUNABLE)}, got nothing")
        for name in self.tuned:
            one_of("tuned", name, TUNABLE)
        one_of("objective", self.objective, OBJECTIVES)
        if not 0 < self.lowest_rate < self.highest_rate:
            raise ValueError(
                "lowest_rate must be above 0 and below highest_rate, got"
                f" {self.lowest_rate} and {self.highest_rate}"
            )

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of what is searched."""
        layers = range(1, len(self.settings.hidden) + 2)
        rates = [f"learning_rate_{k}" for k in layers] if "learning_rate" in self.tuned else []
        return (*rates, *(["baseline"] if "baseline" in self.tuned else []))

    def describe(self) -> str:
        """Return the budget in one line."""
        seeds = self.settings.seeds
        each = f"{seeds} seeds each" if seeds > 1 else "one seed each"
        again = f", the best {self.finalists} again with {self.finalist_seeds} more"
        return (
            f"the best of {self.trials} trials of {self.settings.episodes:,} episodes, {each}"
            f"{again if self.finalists else ''}, by {self.objective.replace('_', ' ')}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return all that a trial's result depends on, as JSON can hold it."""
        fixed = self.settings.as_dict()
        for name in ("rules", "learning_rates", "baselines", "rates_from"):
            del fixed[name]
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        own["tune"] = list(own.pop("tuned"))
        return {**own, "settings": fixed}

    def apply(self, rule: str, choice: dict[str, float | str]) -> Settings:
        """Return the settings with what a trial chose for a rule."""
        rates, baselines = dict(self.settings.learning_rates), dict(self.settings.baselines)
        if "learning_rate" in self.tuned:
            rates[rule] = tuple(float(v) for k, v in choice.items() if k != "baseline")
        if "baseline" in self.tuned:
            baselines[rule] = None if choice["baseline"] == "none" else str(choice["baseline"])
        return dataclasses.replace(self.settings, learning_rates=rates, baselines=baselines)
