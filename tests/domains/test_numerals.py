from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasearch.domains.numerals import read_number, read_numbers


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("18", "", "18"),
        ("18.0", "", "18"),
        ("18.", "", "18"),
        ("18.00", "", "18"),
        (" 18\n", "", "18"),
        ("018", "", "18"),
        (".5", "", "0.5"),
        ("$18", "", "18"),
        ("18 dollars", "", "18"),
        ("USD18", "", "18"),
        ("The answer is 18 km.", "", "18"),
        ("50%", "", "50"),
        ("x=5", "", "5"),
        ("**5**", "", "5"),
        ("\\boxed{5}", "", "5"),
        ("১৮", "", "18"),  # Bengali
        ("٣٤", "", "34"),  # Arabic-Indic
        ("๑๒", "", "12"),  # Thai
        ("１，２３４", "", "1234"),  # full width
        ("答えは18個です", "", "18"),
        ("1,234,567", "", "1234567"),
        ("1 234", "", "1234"),
        ("1\u2009234", "", "1234"),  # thin space
        ("1\u00a0000", "", "1000"),
        ("1'234.50", "", "1234.5"),
        ("1’234", "", "1234"),
        ("١٬٢٣٤٫٥", "", "1234.5"),  # Arabic separators
        ("1.234", "", "1.234"),
        ("1.234", "de", "1234"),
        ("1.234.567", "es", "1234567"),
        ("1.234,5", "de", "1234.5"),
        ("1,234", "de", "1234"),
        ("18,5", "fr", "18.5"),
        ("18,0", "ru", "18"),
        ("-5", "", "-5"),
        ("\u22125", "", "-5"),
        ("- 5", "", "-5"),
        ("-$5", "", "-5"),
        ("\u2212$5.00", "", "-5"),
        ("it is -5", "", "-5"),
        ("5 = 5.0", "", "5"),
        ("1e3", "", "1000"),
        ("2.5E-2", "", "0.025"),
        ("25 m²", "", "25"),
        ("25 m2", "", "25"),
    ],
)
def test_reads_one_number(text: str, language: str, value: str):
    assert read_number(text, language) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        *("", "four", "五", "NaN", "Infinity", "-", ".", "5²", "½", "①", "10⁶"),
        *("5 or 6", "999 20", "1, 234", "3-5", "1/2", "2+2=4", "18:30", "1.2.3", "3 x 4"),
        *("1,00,000", "1,234,56", "1234,567", "1e5000", "1,5", "1_000", "2024 100", "5 - 5"),
    ],
)
def test_what_is_not_one_number_is_not_read(text: str):
    assert read_number(text) is None


def test_a_hyphen_inside_is_no_minus():
    assert read_numbers("3-5") == (Decimal(3), Decimal(5))
    assert read_number("room A-5") == 5


def test_numbers_come_in_order_and_once():
    assert read_numbers("7, 3 and 7.0 make -3") == (Decimal(7), Decimal(3), Decimal(-3))


@given(st.integers(-(10**30), 10**30))
def test_whole_numbers_survive_every_way_of_writing(value: int):
    for text in (
        str(value),
        f"{value:,}",
        f"{value:,}".replace(",", " "),
        f"${value}".replace("$-", "-$"),
    ):
        assert read_number(text) == value


@given(st.integers(10**3, 10**15))
def test_german_groups(value: int):
    assert read_number(f"{value:,}".replace(",", "."), "de") == value


@given(st.text(max_size=300), st.sampled_from(["", "de", "fr", "th"]))
def test_any_text_is_read_without_raising(text: str, language: str):
    assert all(number.is_finite() for number in read_numbers(text, language))
