"""Numbers in any notation and of any kind, as people and NumPy write them."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from uwm.checks import finite, one_line, one_of, parse_whole, sequence, shortened, whole_number


@pytest.mark.parametrize(
    "value",
    [3, 3.0, np.int64(3), np.uint8(3), np.float32(3), np.array(3), np.array(3.0), Fraction(6, 2)],
)
def test_whole_numbers_of_any_kind_become_an_int(value: Any) -> None:
    made = whole_number("n", value, 1)
    assert type(made) is int
    assert made == 3


@pytest.mark.parametrize(
    "value", ["3", None, True, np.True_, 3 + 0j, [3], np.array([3]), b"3", 1.5, np.float32(0.5)]
)
def test_what_is_no_whole_number_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError, match="n must be a whole number, got "):
        whole_number("n", value, 1)


@pytest.mark.parametrize("value", [10**19, 1e19, 0, -1.0])
def test_whole_numbers_out_of_range_are_value_errors(value: Any) -> None:
    with pytest.raises(ValueError, match="n must be "):
        whole_number("n", value, 1)


def test_a_huge_number_is_told_in_one_short_line() -> None:
    with pytest.raises(ValueError, match=r"n must be at most 5, got 1e\+9999$"):
        whole_number("n", 10**9999, 1, 5)
    with pytest.raises(ValueError, match=r"x must be a finite number, got 1e\+400$"):
        finite("x", 10**400)


def test_numpys_numbers_become_those_that_json_holds() -> None:
    values = [finite("x", v) for v in (np.float32(0.1), np.float64(0.1), np.int8(3), np.array(0.5))]
    assert json.dumps(values) == "[0.1, 0.1, 3, 0.5]"
    for wrong in ("0.1", None, True, Decimal("0.1"), 1j):
        with pytest.raises(TypeError, match="x must be a number, got "):
            finite("x", wrong)


@pytest.mark.parametrize(
    ("text", "number"),
    [("10000", 10**4), ("1e4", 10**4), ("100_000", 10**5), ("1E5", 10**5), ("2.5e3", 2500),
     ("-3", -3), (" 7 ", 7), ("3.0", 3)],
)  # fmt: skip
def test_whole_numbers_as_people_type_them(text: str, number: int) -> None:
    assert parse_whole(text) == number


@pytest.mark.parametrize("text", ["1e4.5", "1.5", "", "x", "nan", "inf", "1e999999999", "1,5"])
def test_what_is_no_whole_number_gets_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="must be a whole number, got "):
        parse_whole(text)


def test_arrays_are_sequences_and_text_is_not() -> None:
    assert sequence("hidden", np.array([8, 4])) == (8, 4)
    assert sequence("hidden", range(2)) == (0, 1)
    for wrong in ("ab", b"ab", 3, {1}, np.zeros((2, 2))):
        with pytest.raises(TypeError, match="hidden must be a sequence"):
            sequence("hidden", wrong)


def test_a_misspelt_name_gets_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"must be one of adam, sgd, got 'adm' \(did you mean"):
        one_of("optimizer", "adm", ("adam", "sgd"))


def test_text_for_messages() -> None:
    assert one_line("a\nb\x1b[1m\udce9 ü😀\u202e") == "a\\nb\\x1b[1m\\udce9 ü😀\\u202e"
    assert shortened("x" * 99, 11) == "x" * 5 + "…" + "x" * 5
