"""Settings as people write them: NumPy's numbers, any notation, and files of every kind."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from uwm.cli import main
from uwm.experiments import Plan, Search, Settings, gradients
from uwm.experiments.settings_file import read_settings

Captured = pytest.CaptureFixture[str]
SMALL = ["compare", "--address-bits", "1", "--hidden", "4", "--rules", "ste", "--seeds", "1"]
SMALL += ["--no-plot", "--quiet", "--json"]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_numpys_numbers_are_settings() -> None:
    made = Settings(
        address_bits=np.uint8(1),
        hidden=np.array([8]),
        rules=np.array(["ste"]),
        episodes=1e4,  # type: ignore[arg-type]
        batch_size=np.int64(4),
        learning_rate=np.float32(0.1),
        learning_rates={"ste": np.array([0.1, 0.2])},
        seeds=np.int64(3),
        baseline=np.float64(0.5),
        baselines={"ste": np.float32(0.5)},
    )
    plain = Settings(
        address_bits=1, hidden=(8,), rules=("ste",), episodes=10_000, batch_size=4,
        learning_rate=0.1, learning_rates={"ste": (0.1, 0.2)}, seeds=3, baseline=0.5,
        baselines={"ste": 0.5},
    )  # fmt: skip
    assert made == plain
    assert json.dumps(made.as_dict()) == json.dumps(plain.as_dict())


def test_numpys_numbers_are_searches_plans_and_studies() -> None:
    search = Search(Settings(), trials=np.int32(3), lowest_rate=np.float32(0.01), seed=1e3)
    assert (search.trials, search.lowest_rate, search.seed) == (3, 0.01, 1000)
    plan = Plan(Settings(), widths=np.array([4, 8]), depths=(), factors=np.array([1.0, 0.5]))
    assert (plan.widths, plan.factors) == ((4, 8), (1.0, 0.5))
    assert json.dumps([plan.widths, search.as_dict()])
    settings = Settings(address_bits=1, hidden=(3,), rules=("ste",))
    assert gradients(settings, ["ste"], samples=np.float64(1e3), scale=np.float32(1)).measurements


def test_episodes_1e2_is_a_whole_number(capsys: Captured) -> None:
    assert main([*SMALL, "--episodes", "1e2"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["episodes"] == 100
    Path("s.json").write_text('{"episodes": 1e2, "hidden": [4.0]}')
    assert main([*SMALL, "--settings", "s.json"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["episodes"] == 100
    assert main([*SMALL, "--episodes", "1e4.5"]) == 2
    assert "--episodes: must be a whole number, got '1e4.5'" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["compare", "tune", "scaling", "gradients"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--episodes", "1e4.5"], "--episodes: must be a whole number, got '1e4.5'"),
        (["--episodes", "1e400"], "must be a whole number"),
        (["--batch-size", "2.5"], "--batch-size: must be a whole number, got '2.5'"),
        (["--address-bits", "60"], "address_bits must be at most 16, got 60"),
        (["--batch-size", "1e15"], "batch_size must be at most 2,147,483,647, got 1000000000"),
    ],
)
def test_absurd_numbers_get_a_sentence(
    command: str, options: list[str], message: str, capsys: Captured
) -> None:
    assert main([command, *options]) == 2
    assert_one_line(capsys, command, message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seeds", "10000000000000000000"], "seeds must be at most 100,000, got 1000000000000"),
        (["--seeds", "1e19"], "seeds must be at most 100,000, got 1000000000000"),
        (["--hidden", "1e9,1e9"], "hidden, batch_size must fit into the memory, got 1"),
        (["--hidden", "1e12"], "need 1.6e+04 GB of memory, this machine has"),
        (["--jobs", "1e9"], "jobs must be at most 1,024"),
        (["--batch-size", "2e9"], "hidden, batch_size must fit into the memory, got "),
    ],
)  # fmt: skip
def test_absurd_sizes_get_a_sentence_before_anything_is_spent(
    options: list[str], message: str, capsys: Captured
) -> None:
    assert main([*SMALL, *options]) == 2
    if message.startswith("need"):
        assert "GB of memory" in capsys.readouterr().err
    else:
        assert_one_line(capsys, "compare", message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 100_000, "brackets are nested too deep"),
        (b'{"a":' * 100_000, "brackets are nested too deep"),
        (
            b'{"learning_rate": 1' + b"0" * 400 + b"}",
            "learning_rate must be a finite number, got 1e+400",
        ),
        (b'{"episodes": 1' + b"0" * 400 + b"}", "episodes must be at most 9,223,372,036,854"),
        (b'{"episodes": 1' + b"0" * 9000 + b"}", "not a JSON file"),
        (b'{"seeds": 10000000000000000000}', "seeds must be at most 100,000, got 1000000000000"),
        (b'{"learning_rate": NaN}', "not a JSON file: numbers must be finite, got NaN"),
        (b'{"learning_rate": -Infinity}', "numbers must be finite, got -Infinity"),
        (b'{"learning_rate": 1e400}', "learning_rate must be a finite number, got inf"),
        (b'{"seeds": 1, "seeds": 2}', "'seeds' is given twice"),
        (b'{"seeds": "3"}', "seeds must be a whole number, got '3'"),
        (b'{"seeds": null}', "seeds must be a whole number, got None"),
        (b'{"seeds": true}', "seeds must be a whole number, got True"),
        (b'{"seeds": 2.5}', "seeds must be a whole number, got 2.5"),
        (b'{"hidden": "64"}', "hidden must be a sequence, got '64'"),
        (b'{"hidden": [[4]]}', "hidden must be a whole number, got [4]"),
        (b'{"hidden": {"4": 1}}', "hidden must be a sequence, got {'4': 1}"),
        (b'{"hidden": [' + b"1," * 2000 + b"1]}", "hidden must be at most 1000 layers, got 2001"),
        (b'{"rules": [["ste"]]}', "rules must be names or uwm.Rule objects, got ['ste']"),
        (b'{"rules": "ste"}', "rules must be a sequence"),
        (b'{"task": 3}', "task must be a name, got 3"),
        (b'{"task": "a\\u0000.csv"}', "null"),
        (b'{"task": "\\ud800.csv"}', "csv"),
        (b'{"optimizer": ["adam"]}', "optimizer must be one of adam, sgd, got ['adam']"),
        (b'{"dtype": null}', "dtype must be one of float32, float64, got None"),
        (b'{"baselines": [1]}', "baselines must be baselines by rule, got [1]"),
        (b'{"learning_rates": {"ste": [0.1, "x"]}}', "learning_rate must be a number, got 'x'"),
        (b'{"rates_from": 3, "learning_rates": {"ste": 0.1}}', "rates_from must be words, got 3"),
        (b'{"seed": 3}', "settings must be known ones, got 'seed'; did you mean seeds?"),
        (b'{"lerning_rate": 3}', "got 'lerning_rate'; did you mean learning_rate?"),
        (
            b'{"xyzzy": 3}',
            "settings must be known ones, got 'xyzzy'; the settings are task, address_bits",
        ),
        (b'{"a\\nb": 3}', "settings must be known ones, got 'a\\nb'"),
        (b"[1]", "must be a JSON object of settings, got [1]"),
        (b"null", "must be a JSON object of settings, got None"),
        (b"", "not a JSON file"),
        (b"\x00\x01\xff", "not a JSON file: it is no UTF-8 text"),
        ('{"seeds": 1}'.encode("utf-16"), "it must be UTF-8, got UTF-16"),
        (b" " * 10_000_001, "it has more than 10,000,000 bytes"),
    ],
)
def test_a_wrong_settings_file_gets_one_line(
    content: bytes, message: str, capsys: Captured
) -> None:
    Path("s.json").write_bytes(content)
    options = ["--episodes", "8"] if b"episodes" not in content else []
    kept = [*SMALL, *options, "--settings", "s.json"]
    for name in ("hidden", "rules", "seeds"):  # or the option would win over the file
        if name.encode() in content:
            at = kept.index(f"--{name}")
            del kept[at : at + 2]
    if b"learning_rates" in content or b"task" in content:
        kept += ["--hidden", "4"]
    assert main(kept) == 2
    assert_one_line(capsys, "compare", message)


def test_a_directory_or_a_device_is_no_settings_file(capsys: Captured) -> None:
    Path("folder").mkdir()
    assert main([*SMALL, "--settings", "folder"]) == 2
    assert_one_line(capsys, "compare", "folder")
    if os.path.exists("/dev/zero"):
        assert main([*SMALL, "--settings", "/dev/zero"]) == 2
        assert_one_line(capsys, "compare", "more than 10,000,000 bytes")


def test_a_settings_file_may_begin_with_a_byte_order_mark() -> None:
    Path("s.json").write_bytes(b'\xef\xbb\xbf{"seeds": 2, "simd_level": "x86-64"}')
    assert read_settings("s.json") == {"seeds": 2}


def test_rates_of_another_task_say_what_they_were_found_on(capsys: Captured) -> None:
    tuned: dict[str, Any] = {
        "address_bits": 3, "hidden": [4], "batch_size": 1, "rules": ["ste"],
        "learning_rates": {"ste": 0.1}, "baselines": {"ste": "running-mean"},
        "rates_from": "uwm tune: the best of 8 trials",
    }  # fmt: skip
    Path("tuned.json").write_text(json.dumps(tuned))

    def source(*options: str) -> str:
        command = ["compare", "--settings", "tuned.json", "--seeds", "1", "--episodes", "8"]
        assert main([*command, "--no-plot", "--quiet", "--json", *options]) == 0
        found: str = json.loads(capsys.readouterr().out)["settings"]["rates_from"]
        return found

    assert source() == "uwm tune: the best of 8 trials"
    assert source("--address-bits", "3") == source()
    there = "uwm tune: the best of 8 trials; found with address_bits 3, here 2"
    assert source("--address-bits", "2") == there
    both = source("--hidden", "4", "--batch-size", "4", "--address-bits", "2")
    assert both == f"{there}; batch_size 1, here 4"
    assert source("--learning-rate", "0.1", "--baseline", "none") == ""


def assert_one_line(capsys: Captured, command: str, message: str) -> None:
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"uwm {command}: error: ")
    assert err.count("\n") == 1
    assert message in err
