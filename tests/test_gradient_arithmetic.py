"""Gradients add and scale, so that averages, clipping and accumulation take a line each."""

from typing import Any

import numpy as np
import pytest

import uwm
import uwm.reference

X = np.random.default_rng(0).normal(size=(12, 3))
REWARD = np.random.default_rng(1).normal(size=12)


def parts(lib: Any) -> tuple[Any, Any, Any]:
    net = lib.Network([3, 5, 2], output="softmax", dtype="float64", seed=1)
    return net, lib.UnbiasedWeightMax(), net.forward(X)


@pytest.mark.parametrize("lib", [uwm, uwm.reference])
def test_the_mean_of_parts_is_the_gradient_of_the_whole(lib: Any) -> None:
    net, rule, sample = parts(lib)
    whole = rule.gradient(net, sample, REWARD)
    pieces = []
    for rows in (slice(0, 4), slice(4, 8), slice(8, 12)):
        part = net.clamp(X[rows], [a[rows] for a in sample.activations])
        pieces.append(rule.gradient(net, part, REWARD[rows]))
    mean = sum(pieces) / 3
    assert isinstance(mean, uwm.Gradient) and (whole - mean).norm() < 1e-12
    total = pieces[0]
    for piece in pieces[1:]:
        total += piece
    assert (total - 3 * whole).norm() < 1e-12
    assert (pieces[0] + (-pieces[0])).norm() == 0


def test_clipping_and_steps() -> None:
    net, rule, sample = parts(uwm)
    g = rule.gradient(net, sample, REWARD)
    flat = np.concatenate([a.ravel() for layer in g for a in (layer.weight, layer.bias)])
    assert g.norm() == pytest.approx(np.linalg.norm(flat))
    assert g.clip(1e-3).norm() == pytest.approx(1e-3)
    assert (g.clip(1e9) - g).norm() == 0
    before = net.layers[0].bias.copy()
    uwm.SGD(1.0).step(net, 0.5 * g)
    np.testing.assert_allclose(net.layers[0].bias - before, 0.5 * g[0].bias)
    assert isinstance(g, list) and len(g) == 2 and g[0].weight.dtype == np.float64


def test_large_and_small_numbers_keep_their_length() -> None:
    for size in (1e300, 1e-300, 5e-324):
        g = uwm.Gradient([uwm.LayerGradient(np.full((1, 3), size), np.full(1, size))])
        assert g.norm() == pytest.approx(2 * size, rel=1e-12)
    huge = uwm.Gradient([uwm.LayerGradient(np.full((1, 1), 1.5e308), np.zeros(1))])
    assert huge.clip(1.0)[0].weight[0, 0] == pytest.approx(1.0)


def test_the_dtype_stays() -> None:
    net = uwm.Network([3, 1])
    g = uwm.Reinforce().gradient(net, net.forward(X), REWARD)
    for made in (g + g, 0.5 * g, g / 3, -g, g.clip(0.1), sum([g, g])):
        assert made[0].weight.dtype == np.float32


def test_errors() -> None:
    net, rule, sample = parts(uwm)
    g = rule.gradient(net, sample, REWARD)
    other = uwm.Gradient([uwm.LayerGradient(np.zeros((1, 3)), np.zeros(1))])
    for call, error, words in [
        (lambda: g + other, ValueError, "same shapes"),
        (lambda: g + 1, TypeError, "adds to a Gradient"),
        (lambda: g - "x", TypeError, "adds to a Gradient"),
        (lambda: g * "x", TypeError, "factor of a gradient must be a number"),
        (lambda: g * float("nan"), ValueError, "factor of a gradient"),
        (lambda: g / 0, ZeroDivisionError, "must not be 0"),
        (lambda: g.clip(-1), ValueError, "max_norm must be at least 0"),
        (lambda: uwm.Gradient([1.0]), TypeError, "must have .weight and .bias"),
        (lambda: g + float("inf") * g, ValueError, "factor"),
    ]:
        with pytest.raises(error, match=words):
            call()
    bad = uwm.Gradient([uwm.LayerGradient(np.full((1, 1), np.nan), np.zeros(1))])
    with pytest.raises(ValueError, match="finite"):
        bad.clip(1.0)


def test_logs_tell_episodes_and_make_tables_and_pictures() -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("matplotlib").use("agg")
    for lib in (uwm, uwm.reference):
        task = lib.tasks.Multiplexer(1)
        log = lib.train(
            lib.Network([3, 4, 1]), lib.Reinforce(), lib.Adam(), task,
            steps=25, batch_size=4, record_every=10,
        )  # fmt: skip
        assert log.episodes == 100
        frame = log.to_frame()
        assert frame.step.tolist() == [10, 20, 25] and frame.episode.tolist() == [40, 80, 100]
        np.testing.assert_array_equal(frame.reward, log.rewards)
        line = log.plot().get_lines()[0]
        np.testing.assert_array_equal(line.get_xdata(), [40, 80, 100])
        assert log.plot(line.axes) is line.axes
