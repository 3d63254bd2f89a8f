from __future__ import annotations

import json
from pathlib import Path

from metasearch.gateway.prices import load_prices
from tests.cli.conftest import Invoke


def test_the_table_is_dated_and_in_dollars_a_million(invoke: Invoke) -> None:
    page = invoke("prices")
    assert page.exit_code == 0
    row = next(line.split() for line in page.stdout.splitlines() if " gpt-4.1-mini " in line)
    assert row == ["gpt-4.1-mini", "0.4", "0.1", "1.6"]
    assert f"of {load_prices().date}. List prices" in page.stdout


def test_a_name_filters_and_a_dated_one_has_its_bases_price(invoke: Invoke) -> None:
    models = json.loads(invoke("prices", "GPT-5", "--json").stdout)["models"]
    assert set(models) == {"gpt-5", "gpt-5-mini", "gpt-5-nano"}
    dated = json.loads(invoke("prices", "gpt-4o-2024-08-06", "--json").stdout)["models"]
    assert dated["gpt-4o-2024-08-06"]["prompt"] == 2.5


def test_the_json_is_a_file_of_prices_itself(invoke: Invoke) -> None:
    Path("prices.json").write_text(invoke("prices", "--json").stdout)
    assert load_prices(Path("prices.json")).prices == load_prices().prices
    content = json.loads(Path("prices.json").read_text())
    content["models"]["mine"] = {"prompt": 0.1, "completion": 0.2}
    Path("prices.json").write_text(json.dumps(content))
    mine = invoke("prices", "mine", "--prices", "prices.json", "--json")
    expected = {"prompt": 0.1, "cached": 0.1, "completion": 0.2}
    assert json.loads(mine.stdout)["models"]["mine"] == expected


def test_an_unknown_model_is_exit_1_with_the_way_to_add_it(invoke: Invoke) -> None:
    unknown = invoke("prices", "nobodys")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    (line,) = unknown.stderr.splitlines()
    assert "has 'nobodys' in its name" in line
    assert '"nobodys": {"prompt": ' in line
    assert "--prices prices.json" in line


def test_a_configured_model_without_a_price_is_named(invoke: Invoke) -> None:
    Path("search.toml").write_text('[model]\nname = "secret"\n[meta_model]\nname = "gpt-5"\n')
    page = invoke("prices")
    assert page.exit_code == 0
    assert page.stderr.startswith("secret (model.name in search.toml) has no price: ")
    assert json.loads(invoke("prices", "--json").stdout)["unpriced"] == ["secret"]
    Path("search.toml").write_text(
        '[model]\nname = "secret"\n[budget]\nallow_unpriced = true\n',
    )
    assert invoke("prices").stderr == ""


def test_a_mistake_in_ones_own_file_names_file_and_key(invoke: Invoke) -> None:
    Path("mine.json").write_text('{"models": {"m": {"prompt": "free", "completion": 1}}}')
    wrong = invoke("prices", "--prices", "mine.json")
    assert wrong.exit_code == 2
    assert wrong.stderr == (
        "error: mine.json: 'm', prompt: 'free' is no price in dollars per 1,000,000 tokens\n"
    )
