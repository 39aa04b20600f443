"""The files of a comparison of agents: settings.json, episodes.csv and learning-curves.png."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import uwm
from uwm.experiments.reinforcement import AgentComparison
from uwm.files import locked, make_folder, replace_file
from uwm.formats import csv_text, write_json
from uwm.report.figures.of_agents import agent_curves
from uwm.report.folders import SETTINGS, draw

EPISODES, PLOT = "episodes.csv", "learning-curves.png"
HEADER = ["rule", "seed", "episode", "return", "length", "steps"]


def write(comparison: AgentComparison, folder: Path, plot: bool) -> list[Path]:
    """Write settings.json, episodes.csv and learning-curves.png; return their paths."""
    make_folder(folder)
    with locked(folder):
        (folder / PLOT).unlink(missing_ok=True)
        write_json(folder / SETTINGS, described(comparison))
        rows: list[list[object]] = [
            [run.rule, run.seed, k + 1, *numbers]
            for run in comparison.runs
            for k, numbers in enumerate(
                zip(
                    run.log.returns.tolist(),
                    run.log.lengths.tolist(),
                    run.log.steps.tolist(),
                    strict=True,
                )
            )
        ]
        replace_file(folder / EPISODES, csv_text(HEADER, rows).encode())
    paths = [folder / SETTINGS, folder / EPISODES]
    if plot and comparison.runs:
        paths += draw(folder / PLOT, lambda: agent_curves(comparison))
    return paths


def described(comparison: AgentComparison) -> dict[str, Any]:
    """Return what was run, as JSON can hold it."""
    return {
        "version": uwm.__version__,
        "simd_level": uwm.simd_level(),
        **comparison.as_dict(),
        "unfinished": [run.as_dict() for run in comparison.unfinished],
    }
