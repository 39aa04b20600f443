"""Is a rule unbiased? By enumeration of every activity, on every kind of network."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from nets import (
    BIASED,
    SHAPES,
    UNBIASED,
    network_and_input,
    smooth_reward,
)

from uwm.analysis import is_unbiased, relative_bias


def points(sizes: tuple[int, ...], output: str) -> int:
    """Fewer points per axis for a Gaussian output in two dimensions: a step of 0.25 sigma."""
    return 80 if output == "gaussian" and sizes[-1] == 2 else 200


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("units", ["binary", "bipolar"])
@pytest.mark.parametrize(("sizes", "output"), SHAPES)
def test_unbiased_rules_have_no_bias(
    maker: ModuleType, sizes: tuple[int, ...], output: str, units: str, scale: float
) -> None:
    net, x = network_and_input(maker, sizes, output, units, scale)
    n = points(sizes, output)
    for name in UNBIASED:
        bias = relative_bias(net, maker.rule(name), x, smooth_reward, quadrature=n)
        assert len(bias) == len(sizes) - 1
        assert all(b < 1e-9 for b in bias), (name, bias)


@pytest.mark.parametrize("name", BIASED)
@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("units", ["binary", "bipolar"])
@pytest.mark.parametrize(("sizes", "output"), [s for s in SHAPES if len(s[0]) >= 4])
def test_biased_rules_are_seen_to_be_biased(
    maker: ModuleType, sizes: tuple[int, ...], output: str, units: str, scale: float, name: str
) -> None:
    net, x = network_and_input(maker, sizes, output, units, scale)
    n = points(sizes, output)
    bias = relative_bias(net, maker.rule(name), x, smooth_reward, quadrature=n)
    assert bias[-1] < 1e-9  # at the output every rule is REINFORCE
    assert bias[0] > 1e-7
    assert not is_unbiased(net, maker.rule(name), x, smooth_reward, quadrature=n)


@pytest.mark.parametrize("name", UNBIASED)
def test_wide_layers_and_a_batch(maker: ModuleType, name: str) -> None:
    net, _ = network_and_input(maker, (4, 4, 6, 1), "bernoulli", "binary", 1.0)
    x = np.random.default_rng(2).choice([-1.0, 1.0], size=(3, 4))
    assert is_unbiased(net, maker.rule(name), x, smooth_reward)


def test_a_rule_of_ones_own(maker: ModuleType) -> None:
    """REINFORCE with half the reward for hidden units is biased by a half there, and only there."""

    class Half(maker.Rule):  # type: ignore[name-defined,misc]
        def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
            R, (*hidden, last) = np.asarray(reward)[:, None], net.sizes[1:]
            return [*(np.tile(0.5 * R, (1, n)) for n in hidden), np.tile(R, (1, last))]

    net, x = network_and_input(maker, (3, 3, 2), "softmax", "binary", 1.0)
    assert np.allclose(relative_bias(net, Half(), x, smooth_reward), [0.5, 0.0], atol=1e-12)


def test_a_baseline_adds_no_bias(maker: ModuleType) -> None:
    net, x = network_and_input(maker, (3, 3, 3, 1), "bernoulli", "binary", 1.0)
    for name in UNBIASED:
        assert is_unbiased(net, maker.rule(name), x, lambda output: smooth_reward(output) - 7.0)
