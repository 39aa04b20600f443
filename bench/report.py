"""Tables and plots from the CSV files of a results folder.

python bench/report.py bench/results/<folder> [--image docs/images/bench.png]
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import peers
from peers.problem import RULES

# Okabe and Ito's colours, told apart by colour-blind readers; each series has its own marker too.
STYLES = {
    "uwm": ("#000000", "o"),
    "jax_scan": ("#0072B2", "s"),
    "torch_compiled": ("#D55E00", "^"),
    "torch_eager": ("#E69F00", "v"),
    "numpy_plain": ("#009E73", "D"),
    "uwm_reference": ("#CC79A7", "P"),
}
RULE_STYLES = {
    "reinforce": ("#009E73", "D"),
    "ste": ("#E69F00", "v"),
    "weight_max": ("#0072B2", "s"),
    "unbiased_weight_max_two_sided": ("#D55E00", "^"),
    "unbiased_weight_max_posterior": ("#000000", "o"),
}
SHORT_NAMES = {
    "reinforce": "REINFORCE",
    "ste": "STE",
    "weight_max": "Weight Max",
    "unbiased_weight_max_posterior": "unbiased,\nposterior",
    "unbiased_weight_max_two_sided": "unbiased,\ntwo-sided",
}

Key = tuple[str, str, str, str, int, int, str]


def medians(folder: Path) -> dict[Key, float]:
    """(experiment, peer, rule, hidden, batch, threads, quantity): median of the repeats."""
    values: dict[Key, list[float]] = defaultdict(list)
    with open(folder / "results.csv", newline="") as file:
        for r in csv.DictReader(file):
            where = (r["experiment"], r["peer"], r["rule"], r["hidden"])
            key = (*where, int(r["batch"]), int(r["threads"]), r["quantity"])
            values[key].append(float(r["value"]))
    return {key: statistics.median(v) for key, v in values.items()}


def layers(hidden: str) -> str:
    return f"[{hidden.replace('x', ', ')}]"


def cases(found: dict[Key, float]) -> list[tuple[str, int]]:
    """Sizes and batches of the experiment `step`, in the order measured."""
    return list(dict.fromkeys((k[3], k[4]) for k in found if k[0] == "step"))


def time_text(us: float) -> str:
    if us >= 1e6:
        return f"{us / 1e6:.3g} s"
    return f"{us / 1e3:.3g} ms" if us >= 1e3 else f"{us:.3g} µs"


def step_times(found: dict[Key, float], hidden: str, batch: int) -> dict[tuple[str, str], float]:
    """(peer, rule): microseconds."""
    return {
        (k[1], k[2]): v for k, v in found.items() if k[0] == "step" and k[3:5] == (hidden, batch)
    }


def step_table(found: dict[Key, float], hidden: str, batch: int) -> list[str]:
    times = step_times(found, hidden, batch)
    there = [p for p in peers.PEERS if any(k[0] == p for k in times)]
    lines = [
        f"### {layers(hidden)} hidden units, batch {batch}",
        "",
        "| rule | " + " | ".join(peers.PEERS[p][2] for p in there) + " |",
        "|---|" + "---:|" * len(there),
    ]
    for rule in RULES:
        cells = []
        for p in there:
            us, ours = times.get((p, rule)), times.get(("uwm", rule))
            if us is None:
                cells.append("-")
            elif p == "uwm" or ours is None:
                cells.append(f"**{time_text(us)}**")
            else:
                cells.append(f"{time_text(us)} ({us / ours:.3g}x)")
        lines.append(f"| `{rule}` | " + " | ".join(cells) + " |")
    return [*lines, ""]


def ratio_lines(found: dict[Key, float]) -> list[str]:
    """The price of being unbiased, and what a second thread brings."""
    lines = ["### Against Weight Max, and one thread against all", ""]
    lines += [
        "| hidden units | batch | posterior / Weight Max | two-sided / Weight Max |",
        "|---|---:|---:|---:|",
    ]
    for hidden, batch in cases(found):
        t = {rule: v for (p, rule), v in step_times(found, hidden, batch).items() if p == "uwm"}
        if {"weight_max", *RULES[3:]} <= set(t):
            posterior, two_sided = (t[r] / t["weight_max"] for r in RULES[3:])
            lines.append(f"| {layers(hidden)} | {batch} | {posterior:.3g} | {two_sided:.3g} |")
    shared = {k: v for k, v in found.items() if k[0] == "threads"}
    most = max((k[5] for k in shared), default=1)
    lines += [
        "",
        f"| hidden units | batch | rule | {most} threads faster by |",
        "|---|---:|---|---:|",
    ]
    for k, one in shared.items():
        if k[5] == 1 and most > 1:
            many = shared[k[0], k[1], k[2], k[3], k[4], most, k[6]]
            lines.append(f"| {layers(k[3])} | {k[4]} | `{k[2]}` | {one / many:.2f}x |")
    return [*lines, ""]


def other_lines(found: dict[Key, float]) -> list[str]:
    lines = ["### Other figures", "", "| what | value |", "|---|---:|"]
    for k, v in found.items():
        if k[0] == "multiplexer" and k[6] == "us_per_step":
            lines.append(f"| multiplexer run, batch 1, one core, `{k[2]}` | {v:.3g} µs a step |")
        elif k[0] == "multiplexer":
            lines.append(f"| … its mean reward | {v:.3f} |")
        elif k[0] == "memory" and k[6].startswith("peak_less"):
            what = f"{layers(k[3])}, batch {k[4]}, `{k[2]}`"
            lines.append(f"| memory beyond parameters and moments, {what} | {v:.1f} MiB |")
        elif k[0] == "import":
            what = "NumPy" if k[6].startswith("numpy") else "uwm, NumPy being there"
            lines.append(f"| import of {what} | {v:.0f} ms |")
        elif k[0] == "wheel":
            lines.append(f"| wheel | {v:.2f} MB |")
    return [*lines, ""]


def kernel_lines(folder: Path) -> list[str]:
    """The table that the C++ microbenchmarks have written beside, if they have."""
    path = folder / "kernels.csv"
    if not path.exists():
        return []
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [
        "### Kernels, one core",
        "",
        "| level | kernel | units | batch | 10⁹ items/s | of peak arithmetic | of memory rate |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for r in rows:
        rate, peak, memory = (
            float(r[k]) for k in ("items_per_second", "share_of_peak", "share_of_memory")
        )
        lines.append(
            f"| {r['level']} | {r['kernel']} | {r['units']} | {r['batch']} | {rate / 1e9:.3g} | "
            f"{peak:.0%} | {memory:.0%} |"
        )
    return [*lines, ""]


def write_table(folder: Path) -> None:
    """table.md from results.csv, environment.json and, if there, kernels.csv."""
    found = medians(folder)
    about: dict[str, Any] = json.loads((folder / "environment.json").read_text())
    versions = about["versions"]
    told = ", ".join(f"{k} {v}" for k, v in versions.items() if " " not in k and k != "simd_level")
    lines = [
        f"# {about['processor']}, {about['date'][:10]}",
        "",
        f"{about['cores']} cores, {about['threads']} threads, kernels for "
        f"{versions.get('simd_level', '?')}, Python {about['python']}, {told}. Medians; in "
        "brackets how many times as long as uwm.",
        "",
    ]
    for hidden, batch in cases(found):
        lines += step_table(found, hidden, batch)
    lines += ratio_lines(found) + other_lines(found) + kernel_lines(folder)
    if about["notes"]:
        lines += ["### Notes", "", *(f"- {note}" for note in about["notes"]), ""]
    (folder / "table.md").write_text("\n".join(lines).rstrip() + "\n")


def write_plots(folder: Path, image: Path | None) -> None:
    """steps.png, scaling.png and kernels.png, as far as there is something to show."""
    try:
        import matplotlib
    except ImportError:
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot

    plt: Any = matplotlib.pyplot
    plt.rcParams.update({"font.size": 10, "axes.grid": True, "grid.alpha": 0.3})
    found = medians(folder)
    if cases(found):
        figure = plot_steps(plt, found)
        for path in filter(None, (folder / "steps.png", image)):
            path.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(path, dpi=130)
        plt.close(figure)
    if any(k[0] == "width" for k in found):
        figure = plot_scaling(plt, found)
        figure.savefig(folder / "scaling.png", dpi=130)
        plt.close(figure)
    if (folder / "kernels.csv").exists():
        figure = plot_kernels(plt, folder / "kernels.csv")
        figure.savefig(folder / "kernels.png", dpi=130)
        plt.close(figure)


def plot_steps(plt: Any, found: dict[Key, float]) -> Any:
    """Training steps per second, a panel per case."""
    panels = cases(found)
    columns = 2 if len(panels) > 1 else 1
    rows = (len(panels) + columns - 1) // columns
    figure, axes = plt.subplots(
        rows, columns, figsize=(11, 3.6 * rows + 0.6), squeeze=False, layout="constrained"
    )
    there = [p for p in STYLES if any(k[0] == "step" and k[1] == p for k in found)]
    for axis, (hidden, batch) in zip(axes.flat, panels, strict=False):
        times = step_times(found, hidden, batch)
        for n, p in enumerate(there):
            colour, marker = STYLES[p]
            points = [(x, 1e6 / times[p, r]) for x, r in enumerate(RULES) if (p, r) in times]
            offset = 0.11 * (n - (len(there) - 1) / 2)
            axis.plot(
                [x + offset for x, _ in points],
                [y for _, y in points],
                linestyle="none",
                marker=marker,
                markersize=8 if p == "uwm" else 6.5,
                color=colour,
                label=peers.PEERS[p][2],
            )
        axis.set_yscale("log")
        axis.set_xticks(range(len(RULES)), [SHORT_NAMES[r] for r in RULES])
        axis.grid(False, axis="x")
        axis.set_title(f"{layers(hidden)} units, batch {batch}")
        axis.set_ylabel("training steps per second")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    return figure


def first_width(k: Key) -> int:
    return int(k[3].split("x")[0])


def batch_size(k: Key) -> int:
    return k[4]


def n_layers(k: Key) -> int:
    return len(k[3].split("x"))


def plot_scaling(plt: Any, found: dict[Key, float]) -> Any:
    """Time per step against width, batch and depth."""
    titles: dict[str, tuple[str, Callable[[Key], int]]] = {
        "width": (
            "units per hidden layer (two layers, batch 16)",
            lambda k: int(k[3].split("x")[0]),
        ),
        "batch": ("batch size ([256, 256] units)", batch_size),
        "depth": ("hidden layers (256 units each, batch 64)", n_layers),
    }
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
    for axis, (experiment, (title, place)) in zip(axes, titles.items(), strict=True):
        for rule, (colour, marker) in RULE_STYLES.items():
            points = sorted(
                (place(k), v) for k, v in found.items() if k[0] == experiment and k[2] == rule
            )
            if points:
                xs, ys = zip(*points, strict=True)
                name = SHORT_NAMES[rule].replace("\n", " ")
                axis.plot(xs, ys, marker=marker, color=colour, label=name, markersize=5)
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
        axis.set_xlabel(title)
        axis.set_ylabel("µs per training step")
    axes[0].legend(frameon=False)
    return figure


def plot_kernels(plt: Any, path: Path) -> Any:
    """Share of the roof that each kernel reaches: the larger of its two shares."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    levels = list(dict.fromkeys(r["level"] for r in rows))
    kernels = list(dict.fromkeys(r["kernel"] for r in rows))
    figure, axes = plt.subplots(
        1,
        len(levels),
        figsize=(6 * len(levels), 4.6),
        squeeze=False,
        sharey=True,
        layout="constrained",
    )
    colours = {"1": "#0072B2", "16": "#E69F00", "256": "#000000"}
    markers = {"256": "o", "1024": "^"}
    for axis, level in zip(axes.flat, levels, strict=True):
        for r in rows:
            if r["level"] != level:
                continue
            share = 100 * max(float(r["share_of_peak"]), float(r["share_of_memory"]))
            axis.plot(
                share,
                kernels.index(r["kernel"]),
                marker=markers.get(r["units"], "s"),
                color=colours.get(r["batch"], "#009E73"),
                linestyle="none",
                markersize=7,
                alpha=0.85,
            )
        axis.set_yticks(range(len(kernels)), kernels)
        axis.set_xlim(0, 110)
        axis.set_xlabel("% of the measured roof (arithmetic or memory)")
        axis.set_title(level)
    axes.flat[0].invert_yaxis()
    for batch, colour in colours.items():
        axes.flat[0].plot([], [], "o", color=colour, label=f"batch {batch}")
    for units, marker in markers.items():
        axes.flat[0].plot([], [], marker, color="0.5", label=f"{units} units")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Writes the table and the plots of a results folder."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--image", type=Path, help="also write the plot of the training steps here")
    arguments = parser.parse_args()
    write_table(arguments.folder)
    write_plots(arguments.folder, arguments.image)


if __name__ == "__main__":
    main()
