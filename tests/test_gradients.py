"""Exact and sampled statistics, estimators of other families, and `uwm gradients`."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nets import random_parameters, smooth_reward

import uwm
from uwm.analysis import (
    Arm,
    DisArm,
    Estimate,
    LeaveOneOut,
    OneSample,
    PerInputBaseline,
    count_activities,
    exact_gradient,
    exact_statistics,
    expected_reward,
    inputs_and_reward,
    rule_statistics,
    sampled_statistics,
    update_moments,
)
from uwm.cli import main
from uwm.experiments import Settings, gradients
from uwm.experiments.estimators import rule_or_estimator

Captured = pytest.CaptureFixture[str]
STRONG = ("ste", "weight_max", "reinforce", "unbiased_weight_max_posterior")


def small(sizes: tuple[int, ...] = (3, 4, 3, 1), scale: float = 1.0, **options: Any) -> Any:
    return random_parameters(uwm.Network(sizes, dtype="float64", **options), scale)


# Rewards that depend on the input, and tasks as tables


def test_a_reward_that_depends_on_the_input_is_a_mean_over_inputs() -> None:
    net, x = small(), np.random.default_rng(0).normal(size=(3, 3))
    strength = np.array([1.0, -2.0, 0.5])
    together = exact_gradient(net, x, lambda o: strength[:, None] * smooth_reward(o))
    alone = [
        exact_gradient(net, row, lambda o, s=s: s * smooth_reward(o))
        for row, s in zip(x, strength, strict=True)
    ]
    for ell, layer in enumerate(together):
        assert np.allclose(layer.weight, np.mean([g[ell].weight for g in alone], axis=0))
        assert np.allclose(layer.bias, np.mean([g[ell].bias for g in alone], axis=0))


def test_expected_reward_is_that_of_every_activity() -> None:
    net, x = small(), np.random.default_rng(0).normal(size=(2, 3))
    for row, found in zip(x, expected_reward(net, x, smooth_reward), strict=True):
        total = 0.0
        for k in range(2**8):
            bits = np.array([[k >> i & 1 for i in range(8)]], dtype=np.float64)
            h = [bits[:, :4], bits[:, 4:7], bits[:, 7:]]
            sample = net.clamp(row[None], h)
            factors = [
                np.where(a > 0, p, 1 - p) for a, p in zip(h, sample.probabilities, strict=True)
            ]
            total += float(np.prod(np.concatenate(factors, axis=1)) * smooth_reward(h[-1])[0])
        assert found == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize(
    ("task", "sizes", "output"),
    [
        (uwm.tasks.Multiplexer(2), [6, 2, 1], "bernoulli"),
        (uwm.tasks.Bandit(np.eye(3), [0, 2, 1]), [3, 2, 3], "softmax"),
        (uwm.tasks.Bandit(np.eye(2), [0, 1]), [2, 2, 1], "bernoulli"),
    ],
)
def test_the_table_of_a_task_is_what_the_task_pays(task: Any, sizes: Any, output: str) -> None:
    """Mean reward over many episodes against the expectation of the table."""
    net = uwm.Network(sizes, output=output, dtype="float64", seed=1)
    x, reward = inputs_and_reward(task)
    n = 100_000
    paid = task.reward(3, 0, net.forward(task.inputs(3, 0, n)))
    expected = expected_reward(net, x, reward).mean()
    assert abs(np.mean(paid) - expected) < 4 * np.std(paid) / math.sqrt(n)  # 4 sigma, seeds 1, 3


def test_other_tasks_have_no_table() -> None:
    with pytest.raises(TypeError, match="task must be one whose inputs are known, got an object"):
        inputs_and_reward(object())
    with pytest.raises(ValueError, match=r"inputs of the task must be at most 1048576, got 2\^37"):
        inputs_and_reward(uwm.tasks.Multiplexer(5))


# Several rules by one enumeration


def test_one_pass_for_many_rules_is_one_pass_for_each() -> None:
    net, x = small(), np.random.default_rng(0).normal(size=(2, 3))
    rules = [uwm.rule(name) for name in STRONG]
    seen: list[int] = []
    found = exact_statistics(
        net, rules, x, smooth_reward, progress=lambda done, total: seen.append(done)
    )
    assert found == [rule_statistics(net, rule, x, smooth_reward) for rule in rules]
    assert seen[-1] == count_activities(net, x) == 2 * 2**8


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = small(), np.ones((2, 3))
    whole = update_moments(net, [uwm.WeightMax()], x, smooth_reward)
    monkeypatch.setattr("uwm.analysis.exact.BLOCK", 7)
    cut = update_moments(net, [uwm.WeightMax()], x, smooth_reward)
    assert cut[0][1] == pytest.approx(whole[0][1], rel=1e-12)
    assert np.allclose(cut[0][0][0].weight, whole[0][0][0].weight, rtol=1e-12)
    g = exact_gradient(net, x, smooth_reward)
    monkeypatch.undo()
    assert np.allclose(g[0].weight, exact_gradient(net, x, smooth_reward)[0].weight, rtol=1e-12)


# Sampling


def near(found: Estimate, truth: float) -> bool:
    """Within twice the half of the 95% interval: 4.5 sigma of Student's t with 9 degrees."""
    return abs(found.value - truth) <= found.high - found.low


@pytest.mark.parametrize("known", [True, False])
def test_sampling_finds_what_enumeration_finds(known: bool) -> None:
    task = uwm.tasks.Multiplexer(1)
    net = small((3, 4, 3, 1), scale=1.5, seed=7).astype("float32")
    before = net.step
    x, reward = inputs_and_reward(task)
    rules = [uwm.rule(name) for name in STRONG]
    exact = exact_statistics(net, rules, x, lambda o: reward(o) - 0.2)
    sampled = sampled_statistics(
        net,
        rules,
        task,
        samples=60_000,
        seed=5,
        baseline=0.2,
        gradient=exact_gradient(net, x, reward) if known else None,
    )
    assert net.step == before
    for truth, found in zip(exact, sampled, strict=True):
        assert (found.samples, found.gradient) == (
            60_000,
            "exact" if known else "unbiased_weight_max_posterior",
        )
        for ell in range(3):
            assert near(found.noise_to_signal[ell], truth.noise_to_signal[ell])
            assert near(found.gradient_norm[ell], truth.gradient_norm[ell]) or known
            if truth.relative_bias[ell] > 0.2:
                assert near(found.relative_bias[ell], truth.relative_bias[ell])
                assert near(found.cosine[ell], truth.cosine[ell])
            elif truth.relative_bias[ell] < 1e-9:
                assert found.relative_bias[ell].low == 0


def test_too_few_samples_are_said_to_be() -> None:
    task = uwm.tasks.Multiplexer(2)
    found = sampled_statistics(uwm.Network([6, 64, 1]), [uwm.Reinforce()], task, samples=20, seed=4)
    assert math.isnan(found[0].noise_to_signal[0].value)


def test_sampling_with_wrong_arguments() -> None:
    task, net = uwm.tasks.Multiplexer(1), uwm.Network([3, 2, 1])
    with pytest.raises(ValueError, match=r"^samples must be at least 20, got 19"):
        sampled_statistics(net, [uwm.Reinforce()], task, samples=19)
    with pytest.raises(ValueError, match=r"the task's 6 inputs, got 3"):
        sampled_statistics(net, [uwm.Reinforce()], uwm.tasks.Multiplexer(2))
    with pytest.raises(ValueError, match=r"the task's 1 outputs, got 2"):
        sampled_statistics(uwm.Network([3, 2]), [uwm.Reinforce()], task)
    with pytest.raises(ValueError, match=r"^net must have a Bernoulli output for arm, got softmax"):
        bandit = uwm.tasks.Bandit(np.eye(3), [0, 1, 2])
        sampled_statistics(uwm.Network([3, 2, 3], output="softmax"), [Arm()], bandit)
    with pytest.raises(ValueError, match=r"^samples must be at least 2, got 1"):
        LeaveOneOut(1)


def test_noise_against_width() -> None:
    """3-bit multiplexer at initialisation: 10.4 for any width, REINFORCE as the root of it."""
    noise = {}
    for n in (8, 64):
        net = uwm.Network([11, n, n, 1], seed=0)
        rules = [uwm.UnbiasedWeightMax(), uwm.Reinforce()]
        found = sampled_statistics(net, rules, uwm.tasks.Multiplexer(3), samples=2**14)
        noise[n] = [f.noise_to_signal[0].value for f in found]
    assert noise[64][0] == pytest.approx(noise[8][0], rel=0.2)
    assert noise[64][1] / noise[8][1] == pytest.approx(math.sqrt(8), rel=0.2)


# Estimators of other families

PEERS = [
    Arm(),
    DisArm(),
    LeaveOneOut(3),
    PerInputBaseline(passes=4),
    PerInputBaseline(uwm.UnbiasedWeightMax(), passes=2),
]


def scores(net: Any, estimator: Any, x: Any, n: int) -> np.ndarray[Any, Any]:
    """(mean of n estimates - exact gradient) / standard error, of every parameter."""
    exact = exact_gradient(net, x, smooth_reward)
    sample = net.forward(np.tile(x, (n, 1)))
    layers = estimator.updates(net, sample, lambda s: smooth_reward(s.output))
    found = []
    for terms, g in zip(layers, exact, strict=True):
        weight = sum(u.delta[:, :, None] * u.below[:, None, :] for u in terms)
        bias = sum(u.delta for u in terms)
        for each, truth in ((weight, g.weight), (bias, g.bias)):
            error = each.std(axis=0, ddof=1) / math.sqrt(n)
            found.append(((each.mean(axis=0) - truth) / error).ravel())
    return np.concatenate(found)


@pytest.mark.parametrize("units", ["binary", "bipolar"])
@pytest.mark.parametrize("estimator", PEERS, ids=lambda e: e.name)
def test_peers_are_unbiased(estimator: Any, units: str) -> None:
    """40,000 estimates, seed 11: each of 34 parameters within 4.5 standard errors of the truth."""
    net = small((2, 3, 3, 2), scale=1.5, units=units, temperature=[1.3, 1.0, 0.7], seed=11)
    z = scores(net, estimator, np.array([1.0, -0.5]), 40_000)
    assert np.abs(z).max() < 4.5
    assert 0.4 < np.mean(z**2) < 2.0


def test_the_same_test_sees_a_bias() -> None:
    net = small((2, 3, 3, 2), scale=1.5, temperature=[1.3, 1.0, 0.7], seed=11)
    z = scores(net, OneSample(uwm.StraightThrough()), np.array([1.0, -0.5]), 40_000)
    assert np.abs(z).max() > 10


@pytest.mark.parametrize("logit", [-3.0, -0.4, 0.0, 0.9, 4.0])
def test_disarm_is_arm_with_the_uniform_number_averaged_out(logit: float) -> None:
    u = (np.arange(200_000) + 0.5) / 200_000
    p = 1 / (1 + math.exp(-logit))
    fired, other = u < p, 1 - u < p
    z = np.full_like(u, logit)
    arm, disarm = Arm()._factor(z, u, fired, other), DisArm()._factor(z, u, fired, other)
    for pair in ((True, False), (False, True), (True, True), (False, False)):
        chosen = (fired == pair[0]) & (other == pair[1])
        if chosen.any():
            assert disarm[chosen].mean() == pytest.approx(arm[chosen].mean(), abs=1e-5)


def test_costs_are_stated() -> None:
    net = uwm.Network([3, 4, 4, 1])
    costs = {e.name: e.evaluations(net) for e in PEERS}
    assert costs == {
        "arm": 4,
        "disarm": 4,
        "leave_one_out_3": 3,
        "reinforce_per_input": 1,
        "unbiased_weight_max_per_input": 1,
    }


# The study and its command


def test_a_study_enumerates_rules_and_samples_the_others() -> None:
    study = gradients(
        Settings(address_bits=1, hidden=(3, 2), rules=("ste",), episodes=2000, learning_rate=0.05),
        ["ste", "unbiased_weight_max_posterior", "disarm"],
        samples=2000,
        checkpoints=2,
    )
    assert list(study.rewards) == [0, 1000, 2000]
    assert study.layers == (0, 1)
    for m in study.measurements:
        assert m.gradient == "exact"
        assert m.method == ("sampled" if m.rule == "disarm" else "enumerated")
        assert m.evaluations == (4 if m.rule == "disarm" else 1)
        if m.rule == "unbiased_weight_max_posterior":
            assert m.relative_bias.value < 1e-9


def test_a_task_with_too_many_inputs_to_list_is_sampled() -> None:
    settings = Settings(address_bits=5, hidden=(2,), rules=("ste",))
    (found, _) = gradients(settings, ["ste"], samples=1000).measurements
    assert (found.method, found.gradient) == ("sampled", "unbiased_weight_max_posterior")


def test_a_network_is_not_changed() -> None:
    net = uwm.Network([3, 3, 1], seed=3)
    before = net.layers[0].weight.copy()
    settings = Settings(address_bits=1, hidden=(3,), rules=("ste",), episodes=100)
    gradients(settings, ["ste"], network=net, checkpoints=1)
    assert np.array_equal(net.layers[0].weight, before)
    assert net.step == 0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


SMALL = ["gradients", "--address-bits", "1", "--hidden", "3,2", "--quiet"]


def test_command_shows_a_table_and_writes_its_files(folder: Path, capsys: Captured) -> None:
    assert (
        main([*SMALL, "--rules", "ste,unbiased_weight_max_posterior,arm", "--samples", "2000"]) == 0
    )
    out = capsys.readouterr().out
    for word in ("Multiplexer, 1 address bits", "noise-to-signal", "relative bias", "cosine", "["):
        assert word in out
    files = {"gradients.csv", "gradients.png", "settings.json", "results.sqlite"}
    assert {path.name for path in (folder / "uwm-gradients").iterdir()} == files
    with open("uwm-gradients/gradients.csv") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 3 * 3
    exact = [row for row in rows if row["rule"] == "unbiased_weight_max_posterior"]
    assert all(float(row["relative_bias"]) < 1e-9 for row in exact)


def test_json_of_a_saved_network_along_training(folder: Path, capsys: Captured) -> None:
    uwm.save("net.safetensors", uwm.Network([3, 4, 1], units="bipolar", seed=5))
    command = ["gradients", "--network", "net.safetensors", "--checkpoints", "2", "--episodes"]
    command += ["500", "--rules", "ste", "--json", "--no-plot", "--quiet", "--train-with", "ste"]
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["settings"]["sizes"] == [3, 4, 1]
    assert found["settings"]["units"] == "bipolar"
    assert [point["episode"] for point in found["rewards"]] == [0, 250, 500]
    names = {"episode", "layer", "rule", "relative_bias_low", "noise_to_signal", "noise_per_reward"}
    assert all(names <= set(m) for m in found["measurements"])
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["measurements"] == found["measurements"]


def test_a_rule_of_ones_own_from_a_file(folder: Path, capsys: Captured) -> None:
    Path("mine.py").write_text(
        "import numpy as np, uwm\n"
        "class Half(uwm.Rule):\n"
        "    def unit_rewards(self, net, sample, reward):\n"
        "        shares = [0.5] * (len(net.layers) - 1) + [1.0]\n"
        "        units = zip(shares, net.sizes[1:])\n"
        "        return [np.outer(share * reward, np.ones(n)) for share, n in units]\n"
        "class Needy(uwm.Rule):\n"
        "    def __init__(self, a): ...\n"
        "x = 1\n"
    )
    assert main([*SMALL, "--rules", "mine.py:Half", "--json", "--no-plot"]) == 0
    for m in json.loads(capsys.readouterr().out)["measurements"]:
        assert m["relative_bias"] == pytest.approx(0.5 if m["layer"] < 2 else 0.0)
    assert rule_or_estimator("uwm:WeightMax").name == "weight_max"
    for name, message in (
        ("mine.py:x", "has no class 'x'"),
        ("mine.py:Needy", "without arguments"),
    ):
        assert main([*SMALL, "--rules", name]) == 2
        assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rules", "nope"], "rules must be some of reinforce, ste, weight_max"),
        (["--rules", "ste,ste"], "rules must differ, got 'ste' twice"),
        (["--rules", "nope.py:A"], "nope.py: No such file"),
        (["--rules", "nope:A"], "No module named 'nope'"),
        (["--network", "nope.safetensors"], "nope.safetensors"),
        (["--network", "net.safetensors"], "--hidden and --network exclude each other"),
        (["--exact", "--hidden", "30,30"], "activities to enumerate must be at most 16777216"),
        (["--exact", "--sampled"], "not allowed with argument"),
        (["--exact", "--address-bits", "5"], "all inputs together, got more: sample"),
        (["--samples", "3"], "samples must be at least 20, got 3"),
        (["--checkpoints", "-1"], "checkpoints must be at least 0, got -1"),
        (["--scale", "0"], "scale must be above 0, got 0.0"),
        (["--train-with", "arm"], "train_with must be a learning rule, got 'arm'"),
        (["--seed", "-1"], "first_seed must be at least 0"),
    ],
)
def test_one_line_for_every_mistake(
    folder: Path, options: list[str], message: str, capsys: Captured
) -> None:
    uwm.save("net.safetensors", uwm.Network([3, 4, 1]))
    assert main([*SMALL, *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("uwm gradients: error: ")
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize(
    ("sizes", "output", "message"),
    [
        ([3, 2, 1], "gaussian", "output must be bernoulli for the task Multiplexer, got gaussian"),
        ([3, 2, 2], "softmax", "the task's 1 outputs, got 2"),
        ([4, 2, 1], "bernoulli", "no multiplexer has the network's 4 inputs"),
    ],
)
def test_a_network_that_does_not_fit_the_task(
    folder: Path, sizes: list[int], output: str, message: str, capsys: Captured
) -> None:
    uwm.save("net.safetensors", uwm.Network(sizes, output=output))
    assert main(["gradients", "--network", "net.safetensors", "--quiet"]) == 2
    assert message in capsys.readouterr().err
