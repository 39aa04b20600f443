"""`--output` chooses what the output units draw, in every command and in settings files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import uwm
from uwm.cli import main
from uwm.experiments import Settings, compare, gradients
from uwm.experiments.build import new_network, new_task
from uwm.outputs import OUTPUTS, parse, spelled

Captured = pytest.CaptureFixture[str]

MINE = """
import numpy as np, uwm

class Reach(uwm.Task):
    n_inputs, n_outputs = 1, 2
    def inputs(self, seed, step, batch_size):
        return np.ones((batch_size, 1))
    def reward(self, seed, step, sample):
        return -np.square(sample.output - 0.5).sum(axis=1)

class Steer(Reach):
    output_kinds = ("gaussian", "bernoulli")
"""
FEW = ["--quiet", "--episodes", "32", "--rules", "ste"]
COMMANDS: dict[str, list[str]] = {
    "compare": ["compare", *FEW, "--hidden", "4", "--seeds", "1", "--no-plot"],
    "tune": ["tune", *FEW, "--hidden", "4", "--trials", "2", "--finalists", "0"],
    "scaling": ["scaling", *FEW, "--widths", "4", "--depths", "none", "--samples", "2048",
                "--seeds", "1", "--factors", "1", "--no-plot"],
    "gradients": ["gradients", *FEW, "--hidden", "3", "--samples", "2048", "--no-plot"],
}  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(MINE)
    Path("two.csv").write_text("a,b,label\n" + "0,1,no\n1,0,yes\n" * 6)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_a_gaussian_output(command: str, capsys: Captured) -> None:
    options = ["--task", "mine.py:Reach", "--output", "gaussian:0.3"]
    assert main([*COMMANDS[command], *options, "--json", "--out", "out"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    found = json.loads(out)
    assert found.get("settings", found)["output"] == "gaussian:0.3"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--output softmax", "output must be bernoulli for the task Multiplexer, got softmax"),
        ("--output gaussian", "output must be bernoulli for the task Multiplexer, got gaussian"),
        ("--task two.csv --output gaussian:2",
         "output must be softmax or bernoulli for the task two.csv, got gaussian"),
        ("--task mine.py:Steer --output softmax",
         "output must be gaussian or bernoulli for the task Steer, got softmax"),
        ("--output gauss", "output must be one of bernoulli, softmax, gaussian:SIGMA, got 'gauss'"),
        ("--output softmax:2", "softmax, gaussian:SIGMA, got 'softmax:2'"),
        ("--output gaussian:wide", "sigma of the output must be a number, got 'wide'"),
        ("--output gaussian:0", "sigma must be above 0, got 0.0"),
    ],
)  # fmt: skip
def test_a_wrong_output_is_one_clear_error(
    command: str, options: str, message: str, capsys: Captured
) -> None:
    assert main([*COMMANDS[command], *options.split()]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_a_settings_file_names_the_output(capsys: Captured) -> None:
    Path("s.json").write_text(json.dumps({"task": "mine.py:Reach", "output": "gaussian:0.3"}))
    assert main([*COMMANDS["compare"], "--settings", "s.json", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["output"] == "gaussian:0.3"
    Path("s.json").write_text(json.dumps({"output": 3}))
    assert main([*COMMANDS["compare"], "--settings", "s.json"]) == 2
    assert "output must be None, a name or an output" in capsys.readouterr().err


def test_the_task_says_what_is_usual() -> None:
    def output(task: str, **more: str) -> uwm.Network:
        settings = Settings.for_task(task, hidden=(3,), **more)
        return new_network(settings, new_task(settings), 0)

    assert output("multiplexer").output == "bernoulli"
    assert output("two.csv").output == "softmax"
    assert output("mine.py:Reach").output == "softmax"
    assert output("mine.py:Steer").output == uwm.Gaussian(1.0)
    assert output("two.csv", output="bernoulli").sizes == (2, 3, 1)
    assert output("mine.py:Reach", output="bernoulli").sizes == (1, 3, 2)


def test_settings_take_an_output_of_python() -> None:
    assert Settings(output=uwm.Gaussian(0.5)) == Settings(output="gaussian:0.5")
    assert "output gaussian:0.5" in Settings(output=uwm.Gaussian(0.5)).describe()
    assert Settings().as_dict()["output"] is None


@pytest.mark.parametrize("output", [*OUTPUTS, uwm.Gaussian(0.1), uwm.Gaussian(1 / 3)])
def test_an_output_is_what_its_text_says(output: str | uwm.Output) -> None:
    made = parse(output) if isinstance(output, str) else output
    assert parse(spelled(made)) == made


def test_two_classes_and_one_bernoulli_unit_learn_and_are_tested() -> None:
    found = compare(
        Settings(task="two.csv", output="bernoulli", hidden=(4,), rules=("ste",), episodes=400,
                 batch_size=4, seeds=1)
    )  # fmt: skip
    assert found.runs[0].test_accuracy is not None


def test_the_output_of_a_given_network_is_not_another() -> None:
    net = uwm.Network([1, 3, 2], output=uwm.Gaussian(0.5))
    settings = Settings(task="mine.py:Reach", hidden=(3,), rules=("ste",), output="gaussian:2")
    with pytest.raises(ValueError, match="output must be the network's gaussian:0"):
        gradients(settings, ["ste"], network=net)
    uwm.save("net", net)
    few = ["gradients", "--task", "mine.py:Reach", "--rules", "ste", "--samples", "2048", "--quiet"]
    assert main([*few, "--network", "net", "--no-plot"]) == 0
    assert main([*few, "--network", "net", "--output", "bernoulli"]) == 2
