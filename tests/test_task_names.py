"""A task has one name everywhere: on the command line, in settings, messages and the manual."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import uwm
from uwm.cli import main
from uwm.experiments import Settings, compare, gradients
from uwm.tasks import TASKS, builtin, resolve, task_info

MANUAL = Path(__file__).parents[1] / "docs" / "experiments.md"


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", ["compare", "tune", "scaling", "gradients"])
def test_help_names_every_built_in_task(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([command, "--help"])
    told = " ".join(capsys.readouterr().out.split())
    about = told[told.index("--task TASK ") :][:200]
    assert all(name in about for name in TASKS)


def test_an_unknown_task_is_told_the_names_there_are() -> None:
    with pytest.raises(ValueError) as error:
        compare(Settings(task="digit"))
    assert str(error.value) == (
        f"task must be {', '.join(TASKS)}, the path of a .csv or .npz file, or file.py:Class,"
        " got 'digit' (did you mean digits?)"
    )


def test_the_manual_names_every_built_in_task() -> None:
    rows = [line for line in MANUAL.read_text().splitlines() if line.startswith("| `")]
    assert all(any(row.startswith(f"| `{name}` |") for row in rows) for name in TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_a_built_in_task_is_made_from_its_name(name: str) -> None:
    if name == "digits":
        pytest.importorskip("sklearn")
    assert isinstance(resolve(name), uwm.Task)
    assert "{" not in task_info(name).title.format(address_bits=3)


def test_a_setting_that_the_task_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="settings of digits must be none, got address_bits"):
        resolve("digits", address_bits=2)
    with pytest.raises(TypeError, match="settings of multiplexer must be address_bits, got adress"):
        resolve("multiplexer", adress_bits=2)


def test_an_unknown_task_has_no_info() -> None:
    with pytest.raises(ValueError, match="task must be one of multiplexer, digits, got 'bandit'"):
        task_info("bandit")


class Coins(uwm.Task):
    """Bet on heads where the input says so."""

    n_inputs, n_outputs = 1, 1

    def inputs(self, seed: int, step: int, batch_size: int) -> Any:
        return np.where(np.arange(batch_size) % 2, 1.0, -1.0)[:, None]

    def reward(self, seed: int, step: int, sample: uwm.Sample) -> Any:
        return 1.0 * (sample.output[:, 0] == (sample.inputs[:, 0] > 0))

    def inputs_and_reward(self) -> Any:
        x = np.array([[-1.0], [1.0]])
        return x, lambda output: 1.0 * (output[:, 0][None, :] == (x > 0))


def test_one_line_in_the_list_makes_a_task_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    info = uwm.tasks.TaskInfo("coins", "bets", "Coins", make=Coins, suits={"hidden": (4,)})
    monkeypatch.setitem(builtin._INFOS, "coins", info)
    for module in ("tasks.builtin", "tasks.by_name", "experiments.settings", "experiments.build",
                   "cli.options", "cli.gradients"):  # fmt: skip
        monkeypatch.setattr(f"uwm.{module}.TASKS", (*TASKS, "coins"))
    few = ["--task", "coins", "--rules", "ste", "--quiet", "--no-plot", "--episodes", "32"]
    assert main(["compare", *few, "--seeds", "1"]) == 0
    assert "Coins" in capsys.readouterr().out
    assert main(["gradients", *few, "--hidden", "3", "--json"]) == 0
    assert '"enumerated"' in capsys.readouterr().out
    main(["compare", "--help"])
    assert "coins" in capsys.readouterr().out


def test_a_task_of_ones_own_is_enumerated_if_it_lists_its_inputs() -> None:
    Path("mine.py").write_text(Path(__file__).read_text())
    settings = Settings(task="mine.py:Coins", hidden=(3,), rules=("ste",))
    found = gradients(settings, ["ste", "reinforce"])
    assert {m.method for m in found.measurements} == {"enumerated"}
    sampled = gradients(settings, ["reinforce"], method="sampled", samples=2**14)
    both = [study.select(layer=0, rule="reinforce")[0] for study in (found, sampled)]
    low, high = both[1].noise_to_signal.low, both[1].noise_to_signal.high
    assert low * 0.9 < both[0].noise_to_signal.value < high * 1.1


class Wider(Coins):
    def inputs_and_reward(self) -> Any:
        return np.ones((2, 3)), lambda output: output[:, 0]


class Uncallable(Coins):
    def inputs_and_reward(self) -> Any:
        return np.ones((2, 1)), [1.0, 0.0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Wider", "x of inputs_and_reward must have shape (rows, 1), got (2, 3)"),
        ("Uncallable", "reward of inputs_and_reward must be callable, got [1.0, 0.0]"),
    ],
)
def test_what_a_task_lists_wrongly_is_told(name: str, message: str) -> None:
    Path("mine.py").write_text(Path(__file__).read_text())
    settings = Settings(task=f"mine.py:{name}", hidden=(3,), rules=("ste",))
    with pytest.raises((ValueError, TypeError)) as error:
        gradients(settings, ["ste"])
    assert message in str(error.value)
