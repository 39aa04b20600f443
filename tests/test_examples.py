"""The programs in examples/ run, and the network in one file computes what the engine computes."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import uwm

FOLDER = Path(__file__).parents[1] / "examples"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="tested away from the sources")


def load_one_file():
    spec = importlib.util.spec_from_file_location("one_file", FOLDER / "one_file.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_example_runs_and_says_something(path):
    if "import torch" in path.read_text(encoding="utf-8"):
        pytest.importorskip("torch")
    run = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() and not run.stderr


def test_one_file_is_at_most_100_lines_and_needs_numpy_only():
    lines = (FOLDER / "one_file.py").read_text().splitlines()
    assert len(lines) <= 100
    imports = [line for line in lines if line.startswith(("import", "from"))]
    assert imports == ["from itertools import pairwise", "import numpy as np"]


@pytest.mark.parametrize("sizes", [[3, 4, 1], [4, 6, 5, 1], [3, 5, 4, 3, 2]])
def test_one_file_computes_what_the_engine_computes(sizes):
    one_file = load_one_file()
    rng = np.random.default_rng(1)
    net = uwm.Network(sizes, dtype="float64", seed=5)
    network = [(layer.weight.copy(), layer.bias.copy()) for layer in net.layers]
    h = one_file.forward(network, rng.normal(size=(7, sizes[0])), rng)
    reward = rng.normal(size=7)
    rule = uwm.UnbiasedWeightMax("two_sided")
    sample = net.clamp(h[0], h[1:])

    T = one_file.unit_rewards(network, h, reward)
    for own, engine in zip(T, rule.unit_rewards(net, sample, reward), strict=True):
        np.testing.assert_allclose(own, engine, rtol=1e-11, atol=1e-14)

    gradient = rule.gradient(net, sample, reward)
    one_file.learn(network, h, T, rate=0.5)
    for (weight, bias), layer, g in zip(network, net.layers, gradient, strict=True):
        np.testing.assert_allclose(weight, layer.weight + 0.5 * g.weight, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(bias, layer.bias + 0.5 * g.bias, rtol=1e-12, atol=1e-15)
