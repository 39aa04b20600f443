"""The verdict of a comparison in words, about ten lines of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from uwm.analysis import Estimate
from uwm.experiments.statistics import FEWEST_SEEDS
from uwm.experiments.verdict import Standing, Verdict
from uwm.report.lost import spans

TESTS = {
    "wilcoxon": "Wilcoxon's signed-rank test",
    "t": "Student's paired t test (it trusts a normal distribution)",
}
QUANTITIES = {"mean_reward": ("mean reward", 3), "mean_return": ("mean return", 1)}
VERBS = {"chance": "earns", "a new network": "earns", "random actions": "earn"}
MOST_TIERS = 5
MOST_SPANS = 4


def verdict_lines(found: Verdict, *, tune: bool = True) -> list[str]:
    """Return the verdict line by line, none where no rule has a result.

    tune: whether `uwm tune` can search the rates of what was compared.
    """
    if not found.standings:
        return []
    words = _Words(found)
    return [*words.ranking(), *words.learning(), *words.rates(tune=tune)]


def verdict_json(judge: Callable[[], Verdict], *, tune: bool = True) -> dict[str, Any]:
    """Return the verdict as --json prints it: numbers, and under "text" the words.

    judge: returns the verdict. Without SciPy, which results as JSON do not need otherwise, the
    answer says under "missing" what to install.
    """
    try:
        found = judge()
    except ImportError as error:
        return {"missing": str(error)}
    return {**found.as_dict(), "text": verdict_lines(found, tune=tune)}


class _Words:
    """The three parts of the words, with numbers to the digits that suit the quantity."""

    def __init__(self, found: Verdict) -> None:
        self.found = found
        self.quantity, self.digits = QUANTITIES[found.quantity]

    def number(self, value: float) -> str:
        return f"{value:.{self.digits}f}".replace(
            "-0." + "0" * self.digits, "0." + "0" * self.digits
        )

    def score(self, estimate: Estimate) -> str:
        value = self.number(estimate.value)
        if math.isnan(estimate.low):
            return value
        return f"{value} [{self.number(estimate.low)}, {self.number(estimate.high)}]"

    def ranking(self) -> list[str]:
        """Say which rules are ahead of which."""
        found, places = self.found, self.found.standings
        interval = "" if all(math.isnan(s.score.low) for s in places) else " [95% interval]"
        head = f"Verdict: {self.quantity}, interquartile mean{interval} over seeds"
        if len(places) == 1:
            return [f"{head}: {places[0].rule} {self.score(places[0].score)}."]
        if not found.test:
            listed = ", ".join(f"{s.rule} {self.score(s.score)}" for s in places)
            return [f"{head}: {listed}.", self.too_few()]
        correction = ", Holm's correction" if len(found.pairs) > 1 else ""
        lines = [f"{head}; {TESTS[found.test]}{correction}, 5%."]
        tiers = found.tiers()
        for place, (first, *same) in enumerate(tiers[:MOST_TIERS], 1):
            line = f"  {place}. {first.rule} {self.score(first.score)}"
            if same:
                others = ", ".join(f"{s.rule} {self.score(s.score)}" for s in same)
                line += f"; not shown to be behind it: {others}"
            lines.append(line)
        rest = [s.rule for tier in tiers[MOST_TIERS:] for s in tier]
        if rest:
            lines.append(f"  Below these: {', '.join(rest)}.")
        if len(tiers) > 1:
            lines.append(
                "The first rule of a line is shown to be ahead of every rule below its line."
            )
        else:
            lines.append(f"No rule is shown to differ from {places[0].rule}.")
        return [*lines, *self.untested(), self.improvement()]

    def too_few(self) -> str:
        """Say that no test can be made."""
        seeds, needed = self.found.seeds, self.found.seeds_needed
        shared = "One seed says" if seeds == 1 else f"{seeds or 'No'} shared seeds say"
        return (
            f"{shared} nothing about which rule is better: a test takes {FEWEST_SEEDS} seeds"
            f" (Student's) or {needed} (Wilcoxon's, which trusts no distribution)."
        )

    def untested(self) -> list[str]:
        """Say which pairs have no test, and which rules lost seeds that diverged."""
        few = [p for p in self.found.pairs if math.isnan(p.p)]
        names = dict.fromkeys(name for p in few for name in (p.first, p.second))
        alone = [n for n in names if sum(n in (p.first, p.second) for p in few) > len(few) / 2]
        if not few:
            return []
        return [f"Too few seeds for a test: {', '.join(alone or names)}."]

    def improvement(self) -> str:
        """Say how likely a run of the first rule beats a run of the next."""
        first, second = self.found.standings[:2]
        chance = self.found.pair(first.rule, second.rule).improvement
        return (
            f"A run of {first.rule} beats a run of {second.rule} with probability"
            f" {chance.value:.2f} [{chance.low:.2f}, {chance.high:.2f}]."
        )

    def learning(self) -> list[str]:
        """Say what is earned without learning, and which runs earn no more."""
        found, chance = self.found, self.found.chance
        if chance is None:
            return []
        line = f"{chance.policy.capitalize()} {VERBS[chance.policy]} {self.number(chance.chance)}"
        if chance.error:
            line += f" ± {self.number(chance.error)}"
        if chance.constant is not None:
            line += f", the best constant action {self.number(chance.constant)}"
        judged = [s for s in found.standings if s.judged]
        if not judged:
            return [f"{line}. The curves are too short to say which runs learned."]
        nothing = [s for s in judged if s.at_chance]
        if not nothing:
            return [f"{line}. Every run earns more in its last tenth."]
        each = "; ".join(f"{s.rule} ({_seeds(s.at_chance, s.seeds)})" for s in nothing)
        return [f"{line}. No more than that within noise in the last tenth: {each}."]

    def rates(self, *, tune: bool) -> list[str]:
        """Say where rates look wrong, why, and what finds others."""
        if all(_stuck(s) for s in self.found.standings):
            return [self.none_learns(tune=tune)]
        said: dict[str, str] = {}
        for s in (*self.found.standings, *self.found.no_result):
            why = self.why(s)
            if why:
                said[s.rule] = f"{s.rule} {why}"
        if not said:
            return []
        return [
            "Rates may be wrong: " + "; ".join(said.values()) + "." + self.tune(said, tune=tune)
        ]

    def none_learns(self, *, tune: bool) -> str:
        """Say that no rule earns more than chance."""
        rules = [s.rule for s in (*self.found.standings, *self.found.no_result)]
        return "No rule earns more than that: rates may be wrong." + self.tune(rules, tune=tune)

    def tune(self, rules: Iterable[str], *, tune: bool) -> str:
        """Return the sentence on the command that finds the rates of rules without their own."""
        own = [rule for rule in rules if rule not in self.found.tuned]
        return f" uwm tune --rules {','.join(own)} searches their own." if tune and own else ""

    def why(self, s: Standing) -> str:
        """Return what is wrong with a rule's learning, empty if nothing is."""
        if s.diverged:
            return f"diverged ({_seeds(s.diverged, s.seeds + len(s.diverged))}), too high"
        if _stuck(s):
            return "earns no more than that where another rule does"
        if s.fell_back:
            return f"falls back from its best ({_seeds(s.fell_back, s.seeds)}), too high"
        if s.rise:
            before, last = (self.number(value) for value in s.rise)
            return f"still rises at the end ({before} to {last}), too low or the run too short"
        return ""


def _stuck(s: Standing) -> bool:
    return s.judged > 0 and len(s.at_chance) == s.judged


def _seeds(which: Sequence[int], total: int) -> str:
    if len(which) == total:
        return "every seed" if total > 1 else f"seed {which[0]}"
    listed = spans(list(which))
    if listed.count(",") >= MOST_SPANS:
        return f"{len(which)} of {total} seeds"
    return f"seed{'s' if len(which) > 1 else ''} {listed}"
