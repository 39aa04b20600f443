"""Each rule that the engine lists has its twin, its line for type checkers and its section."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import uwm
from uwm import _core, reference

ROOT = Path(__file__).parent.parent
CLASSES = [cls.__name__ for cls in _core.rule_classes()]


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_of_rules_is_known_to_type_checkers(name: str) -> None:
    path = Path(uwm.__file__).with_name("_rule_classes.pyi")
    line = f"class {name}(_BuiltIn)"
    assert line in path.read_text(encoding="utf-8"), f'{path.name} lacks the line "{line}: ..."'


def test_type_checkers_know_no_class_that_is_not_there() -> None:
    text = Path(uwm.__file__).with_name("_rule_classes.pyi").read_text(encoding="utf-8")
    assert re.findall(r"^class (\w+)\(_BuiltIn\)", text, re.M) == CLASSES


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_of_rules_is_public_and_has_a_twin(name: str) -> None:
    assert name in uwm.__all__
    assert getattr(uwm, name).__module__ == "uwm"
    twin = reference.rules.CLASSES.get(name)
    assert twin is not None, f"no file in python/uwm/reference/rules defines the class {name}"
    assert repr(twin()) == repr(getattr(uwm, name)()).replace("uwm.", "").replace("2.0", "2")


@pytest.mark.parametrize("name", uwm.RULES)
def test_every_rule_is_made_by_its_name(name: str) -> None:
    for module in (uwm, reference):
        made = module.rule(name)
        assert made.name == name
        assert type(made).__name__ in CLASSES


def test_a_name_that_is_no_rule_is_no_attribute_of_the_reference() -> None:
    with pytest.raises(AttributeError, match=r"uwm\.reference has no Backprop"):
        reference.Backprop  # noqa: B018


@pytest.mark.parametrize("name", uwm.RULES)
@pytest.mark.parametrize("page", ["docs/rules.md", "README.md"])
def test_every_rule_is_in_the_tables_of_the_manual(page: str, name: str) -> None:
    if not (ROOT / page).exists():
        pytest.skip("the manual is not here")
    text = (ROOT / page).read_text(encoding="utf-8")
    assert re.search(rf"^\|[^\n]*`{name}`", text, re.M), f"{page} has no row for {name}"


# Feedback alignment


def feedback(n: int, n_upper: int, layer: int) -> Any:
    """b_ji as the manual defines it, number by number."""
    words = uwm.philox(0, 0, 4, layer, n_upper, -(-n // 32))
    size = (2 / (n + n_upper)) ** 0.5
    negative = [[int(words[j, i // 32]) >> i % 32 & 1 for i in range(n)] for j in range(n_upper)]
    return size * (1 - 2.0 * np.array(negative))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("units", ["binary", "bipolar"])
@pytest.mark.parametrize("output", ["bernoulli", "softmax", "gaussian"])
def test_feedback_alignment_is_straight_through_where_the_weights_are_the_feedback(
    output: str, units: Any, dtype: Any
) -> None:
    sizes = [3, 40, 33, 2]
    net = uwm.Network(sizes, output=output, units=units, dtype=dtype, temperature=1.5)
    for ell in (1, 2):
        net.layers[ell].weight = feedback(sizes[ell], sizes[ell + 1], ell)
    sample = net.forward(np.random.default_rng(0).normal(size=(5, 3)))
    reward = np.linspace(-1, 1, 5)
    found = uwm.FeedbackAlignment().unit_rewards(net, sample, reward)
    through = uwm.StraightThrough().unit_rewards(net, sample, reward)
    for one, other in zip(found, through, strict=True):
        np.testing.assert_array_equal(one, other)


def test_feedback_does_not_depend_on_the_weights_the_seed_or_the_batch() -> None:
    x = np.ones((3, 4))
    kept = None
    for seed, batch in ((0, 3), (1, 1)):
        net = uwm.Network([4, 70, 1], seed=seed, dtype="float64")
        sample = net.clamp(x[:batch], [np.ones((batch, 70)), np.ones((batch, 1))])
        T = uwm.rule("feedback_alignment").unit_rewards(net, sample, np.ones(batch))[0][0]
        signs = np.sign(T)
        assert set(signs) == {-1.0, 1.0}
        kept = signs if kept is None else kept
        np.testing.assert_array_equal(signs, kept)


def test_the_blocks_of_the_page_on_adding_a_rule_are_the_files_themselves() -> None:
    page = ROOT / "docs/adding-a-rule.md"
    if not page.exists():
        pytest.skip("the manual is not here")
    shown = re.findall(r"^<!-- (\S+) -->\n```.*?\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)
    assert len(shown) == 5
    for path, code in shown:
        assert code in (ROOT / path).read_text(encoding="utf-8"), path
