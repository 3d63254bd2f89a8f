import datetime
import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasearch.errors import ConfigError
from metasearch.gateway.prices import Price, load_prices
from metasearch.types import Usage


def table(folder: Path, content: object) -> Path:
    path = folder / "prices.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_the_shipped_table_is_dated_and_its_prices_are_sane() -> None:
    prices = load_prices()
    looked_up = datetime.date.fromisoformat(prices.date)
    assert datetime.date(2026, 11, 22) <= looked_up <= datetime.datetime.now(datetime.UTC).date()
    assert "check them" in prices.note
    for name, price in prices.prices.items():
        # For 1,000,000 tokens: one that was meant for 1,000 would be below a tenth of a cent.
        assert 0 < price.cached <= price.prompt <= price.completion, name
        assert price.listed()["prompt"] > 0.001, name
        assert price.listed()["completion"] < 1000, name


def test_a_price_is_exact(tmp_path: Path) -> None:
    entry = {"prompt": 0.15, "cached": 0.075, "completion": 0.6}
    price = load_prices(table(tmp_path, {"models": {"m": entry}})).price("m")
    # 1,000 prompt tokens, 400 of them cached, 10 new: 90 + 30 + 6 microdollars.
    assert price.of(Usage(1000, 400, 10)) == 126_000_000


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**6), st.integers(0, 10**9))
def test_no_usage_within_its_bound_costs_more_than_the_worst(
    prompt: int, cached: int, completion: int, unit: int
) -> None:
    price = Price(unit, unit // 2, 4 * unit)
    usage = Usage(prompt, cached, completion)
    assert 0 <= price.of(usage) <= price.worst(prompt, completion)


@given(st.decimals(min_value=0, max_value=1000, places=6))
def test_dollars_a_million_become_picodollars_a_token(dollars: Fraction) -> None:
    from metasearch.gateway.prices import _pico

    assert _pico(float(dollars), "") == Fraction(str(float(dollars))) * 10**6


@pytest.mark.parametrize(
    ("asked", "found"),
    [("gpt-4o-mini", True), ("gpt-4o-mini-2024-07-18", True), ("gpt-4o-audio", False), ("", False)],
)
def test_a_dated_model_has_its_base_models_price(asked: str, found: bool) -> None:
    prices = load_prices()
    assert (prices.find(asked) == prices.find("gpt-4o-mini")) == found


def test_an_unknown_model_is_refused_unless_allowed() -> None:
    prices = load_prices()
    with pytest.raises(ConfigError, match=r"'nobodys-model'.*--prices.*--allow-unpriced"):
        prices.price("nobodys-model")
    assert prices.price("nobodys-model", allow_unpriced=True).of(Usage(10, 0, 10)) == 0


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("not json", "is not JSON"),
        ([], "models"),
        ({"models": {"m": {"prompt": 1}}}, "lacks .completion"),
        ({"models": {"m": 0.5}}, "not 0.5"),
        ({"models": {"m": {"prompt": -1, "completion": 1}}}, "prompt"),
        ({"models": {"m": {"prompt": "1", "completion": 1}}}, "prompt"),
        ({"models": {"m": {"prompt": 1, "completion": 1, "promt": 2}}}, "not .promt"),
    ],
)
def test_a_malformed_table_says_what_is_wrong(
    content: object, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load_prices(table(tmp_path, content))


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.json"):
        load_prices(tmp_path / "none.json")
