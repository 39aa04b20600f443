"""Tables, verdicts and plots from the results, and their places in claims.md."""

from __future__ import annotations

import dataclasses
import math
import re
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import figures
import numpy as np
import saturation
import searches
from plan import BLENDED, OURS, PEERS, RULES, UNBIASED, Case, Study
from store import series

import uwm
from uwm.experiments import Point, Scaling
from uwm.experiments.build import title_of_task
from uwm.experiments.cells import Row
from uwm.experiments.runs import KIND
from uwm.experiments.scaling.study import episodes_to
from uwm.experiments.spread import Spread, spread
from uwm.experiments.tuning.search import OBJECTIVES
from uwm.files import replace_file

if TYPE_CHECKING:
    from make import Results

TEMPLATE = Path(__file__).resolve().parent.parent / "claims.md"
MARKER = re.compile(r"(<!-- made: ([a-z0-9-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
TOLERANCE = 1e-9  # relative bias, in double precision
CURVE_POINTS = 50
TARGET = 0.5  # the mean reward whose first crossing counts
WIDTH = 110  # of a line of text


def write(study: Study, made: Results, home: Path) -> None:
    """Fill claims.md and draw the plots of all results that are there."""
    images = home / "claims" / "images"
    images.mkdir(parents=True, exist_ok=True)
    runs = {case.name: case_runs(study, made, case) for case in study.cases}
    there = [case for case in study.cases if runs[case.name]]
    rules = present(row.spec for row in made.store.rows(KIND, curves=False))
    blocks: dict[str, Any] = {"budget": budget(study)}
    if made.bias.rows:
        blocks["bias"] = bias_table(made)
        blocks["verdict-unbiased"] = verdict_unbiased(made)
    for case in there:
        blocks[f"case-{case.name}"] = case_table(case, runs[case.name], rules)
    if there:
        for metric, claim in (("mean_reward", "faster"), ("final_reward", "higher")):
            blocks[f"verdict-{claim}"] = "\n".join(
                verdict(there, runs, metric, other) for other in PEERS
            )
        blocks["verdict-blended"] = verdict_blended(there, runs)
        blocks["summary"] = summary(there, runs, rules)
        replace_file(images / "learning-curves.png", figures.curves(there, runs))
        blocks["curves"] = picture("learning-curves.png", "Learning curves of every case")
    if made.published.rows:
        found = published_runs(study, made)
        blocks["published"] = published_table(found)
        blocks["remedies"] = remedies_table(found)
        replace_file(images / "saturation.png", figures.along_training(found))
        replace_file(images / "remedies.png", figures.remedies(found))
        blocks["published-plot"] = picture("saturation.png", "Units along training")
        blocks["remedies-plot"] = picture("remedies.png", "Last tenth with every remedy")
    quiet = [row for row in made.quiet.rows.values() if row["episodes"] == study.published_episodes]
    if quiet:
        blocks["quiet"] = quiet_table(quiet)
    sizes = scaling_of(study, made)
    if whole(sizes):
        blocks["scaling"] = scaling_table(sizes)
        blocks["verdict-scales"] = verdict_scales(sizes)
        replace_file(images / "scaling.png", figures.scaling(sizes))
        blocks["scaling-plot"] = picture("scaling.png", "Noise, learning and cost against size")
    page = home / "claims.md"
    replace_file(page, fill(TEMPLATE.read_text(encoding="utf-8"), blocks).encode())


def fill(page: str, blocks: dict[str, Any]) -> str:
    """Put each block between its markers; a place without a block says that it is not made yet."""

    def put(found: re.Match[str]) -> str:
        block = blocks.get(found.group(2), "*Not made yet.*")
        return f"{found.group(1)}{block}\n{found.group(3)}"

    return MARKER.sub(put, page)


def present(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the rules that have rows: one that is younger than the runs has none."""
    names = {row["rule"] for row in rows}
    return [rule for rule in RULES if rule in names]


def wrapped(text: str, indent: str = "") -> str:
    """Return text in lines of at most WIDTH characters, all but the first indented."""
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False,
                         break_on_hyphens=False)  # fmt: skip


def picture(name: str, text: str) -> str:
    """Return the link to an image."""
    return f"![{text}](claims/images/{name})"


# Bias


def bias_net(sizes: tuple[int, ...], scale: float) -> uwm.Network:
    """Return a network in double precision whose weights are normal, with this deviation."""
    output = "bernoulli" if sizes[-1] == 1 else "softmax"
    net = uwm.Network(sizes, output=output, dtype="float64", seed=1)
    numbers = np.random.default_rng(0)
    for layer in net.layers:
        layer.weight = scale * numbers.standard_normal(layer.weight.shape)
        layer.bias = 0.5 * scale * numbers.standard_normal(layer.bias.shape)
    return net


def odd(output: Any) -> Any:
    """Return a reward for the first output unit."""
    return 2.0 * output[:, 0] - 1.0


def bias_table(made: Results) -> str:
    """Return the largest bias, and the noise, of each rule."""
    scales = sorted({float(row["scale"]) for row in made.bias.rows.values()})
    lines = [
        head(
            "rule",
            *(f"bias, weights {s:g}" for s in scales),
            *(f"noise, weights {s:g}" for s in scales),
        )
    ]
    for rule in RULES:
        cells = []
        for name in ("bias", "noise_to_signal"):
            for scale in scales:
                rows = [r for r in made.bias.rows.values()
                        if r["rule"] == rule and float(r["scale"]) == scale]  # fmt: skip
                worst = max(float(row[name]) for row in rows)
                cells.append(f"{worst:.2g}" if name == "bias" else f"{worst:.3g}")
        lines.append(line(code(rule), *cells))
    return "\n".join(lines)


def verdict_unbiased(made: Results) -> str:
    """Say which rules are unbiased to rounding."""
    worst = {
        rule: max(float(r["bias"]) for r in made.bias.rows.values() if r["rule"] == rule)
        for rule in RULES
    }
    good = [rule for rule in RULES if worst[rule] < TOLERANCE]
    biased = [rule for rule in RULES if rule not in good]
    missing = [rule for rule in UNBIASED if rule not in good]
    holds = "Holds" if not missing else f"Does not hold for {words(missing)}"
    return wrapped(
        f"**{holds}**: the largest relative bias of {words(good)} is"
        f" {max(worst[rule] for rule in good):.1g}. Of the others it goes up to "
        + ", ".join(f"{worst[rule]:.0%} ({code(rule)})" for rule in biased)
        + "."
    )


# Cases

CaseRuns = dict[str, dict[str, list[dict[str, Any]]]]


def case_runs(study: Study, made: Results, case: Case) -> CaseRuns:
    """Return the rows of the fresh seeds, by objective and rule; nothing if there are none."""
    tuned = searches.read(study, made.folder, case)
    found: CaseRuns = {}
    for objective in OBJECTIVES if tuned else ():
        settings = searches.best(tuned, objective, study.fresh_seeds)
        asked = searches.requests(case, settings, settings.rule_names, range(study.fresh_seeds))
        rows = made.store.find(request.cell.key for request in asked)
        found[objective] = {}
        for rule in settings.rule_names:
            keys = [request.cell.key for request in asked if request.rule == rule]
            if all(key in rows for key in keys):
                found[objective][rule] = [run_of(rows[key]) for key in keys]
    return found if found.get(OBJECTIVES[0]) else {}


def run_of(row: Row) -> dict[str, Any]:
    """Return a run's settings and results, its curve in CURVE_POINTS means."""
    result = dict(row.result or {})
    at, rewards = (np.array(result.pop(name)) for name in ("episodes", "rewards"))
    parts = np.array_split(rewards, min(CURVE_POINTS, len(rewards)))
    ends = np.cumsum([len(part) for part in parts]) - 1
    return {
        **row.spec,
        # Of runs that have more points than CURVE_POINTS.
        "episodes_to_target": episodes_to(TARGET, SimpleNamespace(episodes=at, rewards=rewards)),
        **result,
        "at": at[ends],
        "reward": np.array([part.mean() for part in parts]),
    }


def of(rows: list[dict[str, Any]], name: str) -> Spread:
    """Return the statistics of one column."""
    return spread([float(row[name]) for row in rows])


def case_table(case: Case, runs: CaseRuns, rules: list[str]) -> str:
    """Return a case's results, one line per rule."""
    tested = case.task == "digits"
    lines = [head("rule", "mean reward", "last tenth", "episodes to 0.5",
                  *(["test accuracy"] if tested else []),
                  "learning rates (by mean · by last tenth)", "baseline")]  # fmt: skip
    for rule in rules:
        if any(rule not in runs[objective] for objective in OBJECTIVES):
            lines.append(line(code(rule), "no result", *[""] * (4 + tested)))
            continue
        by_mean, by_last = (runs[objective][rule] for objective in OBJECTIVES)
        rates = [" ".join(f"{r:.2g}" for r in series(rows[0]["learning_rate"]))
                 for rows in (by_mean, by_last)]  # fmt: skip
        baselines = dict.fromkeys(rows[0]["baseline"] or "none" for rows in (by_mean, by_last))
        lines.append(
            line(
                code(rule),
                plus_minus(of(by_mean, "mean_reward")),
                plus_minus(of(by_last, "final_reward")),
                reached(by_mean),
                *([plus_minus(of(by_last, "test_accuracy"))] if tested else []),
                " · ".join(dict.fromkeys(rates)),
                " · ".join(baselines),
            )
        )
    return "\n".join(lines)


def reached(rows: list[dict[str, Any]]) -> str:
    """Return the median of the episodes to the target, and how many runs got there."""
    values = [float(row["episodes_to_target"]) for row in rows]
    count = sum(math.isfinite(value) for value in values)
    if count == 0:
        return "never"
    middle = float(np.median(values))
    shown = f"{middle:,.0f}" if math.isfinite(middle) else "never"
    return shown if count == len(values) else f"{shown} ({count} of {len(values)} runs)"


def summary(cases: list[Case], runs: dict[str, CaseRuns], rules: list[str]) -> str:
    """Return mean reward and last tenth of every rule in every case."""
    lines = [head("case", *(code(rule) for rule in rules))]
    for case in cases:
        cells = []
        for rule in rules:
            both = [of(runs[case.name][o][rule], o).mean
                    for o in OBJECTIVES if rule in runs[case.name][o]]  # fmt: skip
            cells.append(" · ".join(f"{value:.2f}" for value in both) or "-")
        lines.append(line(case.title, *cells))
    return "\n".join(lines)


def verdict(
    cases: list[Case], runs: dict[str, CaseRuns], metric: str, other: str, *, ours: str = OURS
) -> str:
    """Say where a rule is above another with 95% intervals that do not meet, and by how much."""
    found: dict[str, list[str]] = {"above": [], "open": [], "below": []}
    for case in cases:
        rows = runs[case.name][metric]
        if ours not in rows or other not in rows:
            continue
        a, b = of(rows[ours], metric), of(rows[other], metric)
        apart = abs(a.mean - b.mean) > a.margin + b.margin
        state = "open" if not apart else "above" if a.mean > b.mean else "below"
        found[state].append(f"{case.title} ({a.mean - b.mean:+.3f})")
    total = sum(len(each) for each in found.values())
    parts = [f"**Above `{other}`** in {len(found['above'])} of {total} cases"]
    parts[0] += f": {'; '.join(found['above'])}" if found["above"] else ""
    if found["open"]:
        parts.append(f"intervals overlap: {'; '.join(found['open'])}")
    if found["below"]:
        parts.append(f"**below**: {'; '.join(found['below'])}")
    sentences = [part[0].upper() + part[1:] if k else part for k, part in enumerate(parts)]
    return wrapped("- " + ". ".join(sentences) + ".", indent="  ")


def verdict_blended(cases: list[Case], runs: dict[str, CaseRuns]) -> str:
    """Say where the blended form is above the posterior-weighted one and above STE."""
    parts = []
    for metric, heading in (("mean_reward", "Mean reward"), ("final_reward", "Last tenth")):
        lines = [verdict(cases, runs, metric, other, ours=BLENDED) for other in (OURS, "ste")]
        parts.append(f"{heading}:\n\n" + "\n".join(lines))
    return "\n\n".join(parts)


def plus_minus(value: Spread) -> str:
    """Return a mean and half of its 95% interval."""
    return (
        f"{value.mean:.3f}"
        if math.isnan(value.margin)
        else f"{value.mean:.3f} ± {value.margin:.3f}"
    )


# The published setting

PublishedRuns = dict[str, dict[str, list[dict[str, Any]]]]


def published_runs(study: Study, made: Results) -> PublishedRuns:
    """Return the rows by remedy and rule."""
    found: PublishedRuns = {}
    for remedy in study.remedies:
        for rule in RULES:
            for seed in range(study.published_seeds):
                key = saturation.key_of(remedy, rule, seed, study.published_episodes)
                row = made.published.get(key)
                if row is not None:
                    found.setdefault(remedy.name, {}).setdefault(rule, []).append(row)
    return found


def published_table(found: PublishedRuns) -> str:
    """Return what the units do at the end of training in the published setting."""
    first = found[next(iter(found))]
    lines = [head("rule", "mean reward", "last tenth", "saturated", "stuck",
                  "entropy, bits", "mean weight", "update / rate")]  # fmt: skip
    for rule, rows in first.items():
        cells = []
        for name in saturation.SERIES[1:]:
            layers = [np.mean([series(row[f"{name}_{k}"])[-1] for row in rows])
                      for k in range(1, saturation.LAYERS + 1)]  # fmt: skip
            cells.append(" / ".join(f"{value:.2f}" for value in layers))
        lines.append(line(code(rule), plus_minus(of(rows, "mean_reward")),
                          plus_minus(of(rows, "final_reward")), *cells))  # fmt: skip
    return "\n".join(lines)


def quiet_table(rows: list[dict[str, Any]]) -> str:
    """Return the mean reward with the noise of each layer left out."""
    layers = (f"layer {k} quiet" for k in range(1, saturation.LAYERS + 1))
    lines = [head("rule", "as it is", *layers, "all quiet")]
    for rule in present(rows):
        of_rule = [row for row in rows if row["rule"] == rule]
        cells = (of(of_rule, name) for name in saturation.QUIET_VALUES)
        lines.append(line(code(rule), *(f"{cell.mean:.3f}" for cell in cells)))
    return "\n".join(lines)


def remedies_table(found: PublishedRuns) -> str:
    """Return mean reward and last tenth of every rule with every remedy."""
    rules = [rule for rule in RULES if any(rule in by_rule for by_rule in found.values())]
    lines = [head("setting", *(code(rule) for rule in rules))]
    for name, by_rule in found.items():
        cells = []
        for rule in rules:
            both = [of(by_rule[rule], o).mean for o in OBJECTIVES if rule in by_rule]
            cells.append(" · ".join(f"{value:.2f}" for value in both) or "-")
        lines.append(line(name, *cells))
    return "\n".join(lines)


# Scaling


def scaling_of(study: Study, made: Results) -> Scaling:
    """Return the points as `uwm.experiments.scaling` does."""
    types = {f.name: {"str": str, "int": int, "float": float}[str(f.type)]
             for f in dataclasses.fields(Point)}  # fmt: skip
    points = tuple(
        Point(**{name: kind(row[name]) for name, kind in types.items()})
        for row in made.points.rows.values()
    )
    return Scaling(study.scaling, title_of_task(study.scaling.settings), points)


def whole(found: Scaling) -> bool:
    """Whether every size has been measured, with every rule that has been at all."""
    rules = measured(found)
    return bool(rules) and all(
        set(sizes) <= set(found.of(rule, axis))
        for rule in rules
        for axis, sizes in (("width", found.plan.widths), ("depth", found.plan.depths))
    )


def measured(found: Scaling) -> list[str]:
    """Return the rules that have points."""
    return [rule for rule in RULES if any(point.rule == rule for point in found.points)]


def scaling_table(found: Scaling) -> str:
    """Return each rule's noise at the smallest and the largest size, and the fitted powers."""
    widths, depths = ((min(v), max(v)) for v in (found.plan.widths, found.plan.depths))
    lines = [head("rule", f"noise, {widths[0]} → {widths[1]} wide", "~ units to the",
                  "after training", f"noise, {depths[0]} → {depths[1]} deep", "~ units to the",
                  f"mean reward, {widths[0]} → {widths[1]} wide",
                  f"{depths[0]} → {depths[1]} deep")]  # fmt: skip
    for rule in measured(found):
        cells = []
        for axis, ends in (("width", widths), ("depth", depths)):
            points = found.of(rule, axis)
            cells.append(
                " → ".join(f"{np.mean([p.noise_to_signal for p in points[e]]):.4g}" for e in ends)
            )
            cells.append(power(found, rule, axis))
            if axis == "width":
                cells.append(power(found, rule, axis, "noise_to_signal_trained"))
        for axis, ends in (("width", widths), ("depth", depths)):
            points = found.of(rule, axis)
            cells.append(
                " → ".join(f"{np.mean([p.mean_reward for p in points[e]]):.3f}" for e in ends)
            )
        lines.append(line(code(rule), *cells))
    return "\n".join(lines)


def power(found: Scaling, rule: str, axis: str, quantity: str = "noise_to_signal") -> str:
    """Return a fitted exponent with its 95% interval."""
    fitted = found.exponent(rule, axis, quantity)
    slope = round(fitted.slope, 2) + 0  # no sign before a 0
    return "-" if math.isnan(slope) else f"{slope:.2f} ± {fitted.margin:.2f}"


def verdict_scales(found: Scaling) -> str:
    """Say how the noise of OURS and of REINFORCE grows with width."""
    widths = {
        w: np.mean([p.noise_to_signal for p in each]) for w, each in found.of(OURS, "width").items()
    }
    change = max(widths.values()) / min(widths.values()) - 1
    holds = "Holds" if change < 0.2 else "Does not hold"
    ends = found.of(OURS, "width")
    first, last = min(ends), max(ends)
    rewards = [spread([p.mean_reward for p in ends[w]]) for w in (first, last)]
    return wrapped(
        f"**{holds}** at initialisation: from {first} to {last} units per layer the noise-to-signal"
        f" of {code(OURS)} changes by {change:.0%} (units to the power"
        f" {power(found, OURS, 'width')})."
        f" That of `reinforce` grows as units to the power {power(found, 'reinforce', 'width')}."
        f" The mean reward of {code(OURS)} is {plus_minus(rewards[0])} with {first} units per layer"
        f" and {plus_minus(rewards[1])} with {last}."
    )


# Words


def budget(study: Study) -> str:
    """Return what was spent on every rule."""
    again = sorted({case.finalist_seeds for case in study.cases})
    words = wrapped(
        f"Every rule has had the same on every case. Each of its two searches took {study.trials}"
        f" trials of one seed. The best {study.finalists} ran again with"
        f" {' or, where runs are short, '.join(str(n) for n in again)} more seeds each. Then"
        f" {study.fresh_seeds} fresh seeds ran at the finalist that was best by mean reward, and"
        f" {study.fresh_seeds} at the one that was best by last tenth. Trials and fresh seeds of a"
        " case have equally many episodes:"
    )
    lines = [line(case.title, f"{case.episodes:,}") for case in study.cases]
    return "\n".join([words, "", head("case", "episodes of a run"), *lines])


def head(*cells: str) -> str:
    """Return a table's head."""
    return line(*cells) + "\n" + line(*["---"] + ["---:"] * (len(cells) - 1))


def line(*cells: str) -> str:
    """Return a table's line."""
    return "| " + " | ".join(cells) + " |"


def code(rule: str) -> str:
    """Return a rule's name as code."""
    return f"`{rule}`"


def words(rules: list[str]) -> str:
    """Return names joined as in a sentence."""
    return ", ".join(code(rule) for rule in rules)
