"""Philox 4x32-10 against the published known answers, and what is made of its words."""

from __future__ import annotations

import numpy as np
import pytest

from uwm.reference import Network, philox
from uwm.reference.random import normals, philox4x32, uniforms

# From the known-answer file of Random123, the generator's own library (Salmon et al., SC 2011)
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0"),
]
ANSWERS = [
    "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    "408f276d 41c83b0e a20bc7c6 6d5451fd",
    "d16cfe09 94fdcceb 5001e420 24126ea1",
]


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("given", "answer"), list(zip(KNOWN, ANSWERS, strict=True)))
def test_known_answers(given: tuple[str, str], answer: str) -> None:
    k0, k1 = words(given[1])
    found = philox4x32(np.array(words(given[0]), dtype=np.uint32), (k0, k1))
    assert found.tolist() == words(answer)


def test_layout_of_the_counter() -> None:
    seed, step, stream, layer = 0x299F31D0A4093822, 0x1234_9ABCDEF0, 2, 5
    found = philox(seed, step, stream, layer, 3, 10)
    counter = np.array([2, 1, 0x9ABCDEF0, 2 << 28 | 5 << 16 | 0x1234], dtype=np.uint32)
    block = philox4x32(counter, (0xA4093822, 0x299F31D0))
    assert found[1, 8:10].tolist() == block[:2].tolist()


def test_a_draw_depends_on_its_place_only() -> None:
    large = philox(7, 3, 0, 1, 5, 9)
    assert np.array_equal(philox(7, 3, 0, 1, 2, 4), large[:2, :4])
    for other in [(8, 3, 0, 1), (7, 4, 0, 1), (7, 3, 1, 1), (7, 3, 0, 2)]:
        assert not np.any(philox(*other, 5, 9) == large)


def test_uniforms_lie_strictly_between_0_and_1() -> None:
    ends = uniforms(np.array([0, 2**32 - 1], dtype=np.uint32))
    assert ends[0] == 2.0**-33 and ends[1] == 1 - 2.0**-33


def test_normals_have_the_moments_of_normals() -> None:
    draws = normals(1, 2, 0, 3, 2000, 101)
    assert draws.shape == (2000, 101)
    n = draws.size
    assert abs(draws.mean()) < 4 / np.sqrt(n)
    assert abs(draws.var() - 1) < 4 * np.sqrt(2 / n)
    assert abs((draws**4).mean() - 3) < 4 * np.sqrt(96 / n)
    assert abs((draws[:, 0] * draws[:, 1]).mean()) < 4 / np.sqrt(2000)


def test_normals_are_the_documented_pairs() -> None:
    u = uniforms(philox(1, 2, 0, 3, 1, 8))[0]
    found = normals(1, 2, 0, 3, 1, 7)[0]
    for k in (0, 2, 4):
        radius, angle = np.sqrt(-2 * np.log(u[k])), 2 * np.pi * u[k + 1]
        assert found[k] == radius * np.cos(angle) and found[k + 1] == radius * np.sin(angle)


@pytest.mark.parametrize(
    "arguments", [(-1, 0, 0, 0, 1, 1), (0, 2**48, 0, 0, 1, 1), (0, 0, 16, 0, 1, 1)]
)
def test_out_of_range(arguments: tuple[int, int, int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="must be at "):
        philox(*arguments)


def test_initial_weights_with_a_gain_are_glorot_uniform() -> None:
    net = Network([300, 200, 1], seed=11, initial_gain=1)
    weight, bound = net.layers[0].weight, np.sqrt(6 / 500)
    assert np.all(np.abs(weight) < bound) and np.abs(weight).max() > 0.999 * bound
    assert abs(weight.var() / (bound**2 / 3) - 1) < 0.02
    assert weight[2, 5] == bound * (2 * uniforms(philox(11, 0, 1, 0, 3, 6))[2, 5] - 1)
    assert not net.layers[0].bias.any()


def test_activations_fire_with_their_probabilities() -> None:
    net = Network([2, 3, 4], output="softmax", seed=3)
    net.layers[0].bias[:] = [-2, 0, 1]
    net.layers[1].bias[:] = [0, 1, 2, -1]
    sample = net.forward(np.ones((20000, 2)))
    for ell in range(2):
        expected = sample.probabilities[ell].mean(axis=0)
        error = sample.activations[ell].mean(axis=0) - expected
        assert np.all(np.abs(error) < 4 * np.sqrt(expected * (1 - expected) / 20000))
