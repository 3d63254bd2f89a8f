from __future__ import annotations

from pathlib import Path

import pytest

from metasearch.errors import ConfigError
from metasearch.gateway.base import Caps
from metasearch.search.config import LOCAL, SearchConfig
from metasearch.search.config_file import (
    Given,
    load_config,
    preset_names,
    preset_text,
    recapped,
    to_toml,
)
from metasearch.types import Owner, Split


def _write(folder: Path, text: str) -> Path:
    path = folder / "search.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _error(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(_write(folder, text))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_empty_file_is_a_valid_search(tmp_path: Path) -> None:
    config = load_config(_write(tmp_path, ""))
    assert config == SearchConfig()
    assert config.domain.spec == "starter"


def test_options_win_over_file_over_preset_over_default(tmp_path: Path) -> None:
    path = _write(tmp_path, "[budget]\nusd = 3\nminutes = 5\n[search]\nseed = 4\n")
    config = load_config(path, preset="overnight", given=[Given("budget.usd", 1.5, "--usd")])
    assert config.budget.usd == 1.5  # the option
    assert config.budget.minutes == 5  # the file, over the preset's 600
    assert config.search.seed == 4
    assert config.search.designs == 100  # the preset
    assert config.search.smoke == 2  # the default


def test_a_layer_replaces_a_list_or_the_proposers_whole_but_merges_sizes(tmp_path: Path) -> None:
    text = "[search]\nproposers = ['recombine']\nstages = [5]\n[domain.sizes]\ntrain = 7\n"
    config = load_config(_write(tmp_path, text), preset="overnight")
    assert config.weights() == {"recombine": 1.0}
    assert config.search.stages == (5,)
    assert config.domain.sizes.by_split() == {
        Split.TRAIN: 7,
        Split.VALIDATION: 120,
        Split.TEST: 200,
    }


def test_an_unknown_key_names_file_line_key_and_the_near_one(tmp_path: Path) -> None:
    text = "# mine\n[search]\nseed = 1\n\ndesings = 12\n"
    message = _error(tmp_path, text)
    assert "search.toml:5: unknown key search.desings; did you mean search.designs?" in message


def test_a_key_in_the_wrong_table_is_sent_to_the_right_one(tmp_path: Path) -> None:
    assert "did you mean budget.usd?" in _error(tmp_path, "[search]\nusd = 2\n")


def test_an_unknown_table_suggests_the_near_one(tmp_path: Path) -> None:
    message = _error(tmp_path, "[search]\nseed = 1\n[bugdet]\nusd = 1\n")
    assert "search.toml:3: unknown key bugdet; did you mean budget?" in message


def test_an_unknown_key_that_is_like_nothing_lists_the_known_ones(tmp_path: Path) -> None:
    assert "known: sandbox.name, sandbox.parallel" in _error(tmp_path, "[sandbox]\nqqqq = 1\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[budget]\n\nusd = "ten"\n', ":3: budget.usd: a number of dollars above 0, such"),
        ("[budget]\nusd = -1\n", ":2: budget.usd: a number of dollars above 0, such"),
        ("[budget]\nusd = nan\n", ":2: budget.usd: a number of dollars above 0, such"),
        ("budget = 3\n", ":1: budget: it must be a table"),
        ('[search]\nstrategy = "evlove"\n', ":2: search.strategy: input should be 'evolve'"),
        ("[search]\nstages = [30, 10]\n", ":2: search.stages: stages must rise"),
        ("[search]\nproposers = {recombine = 0}\n", ":2: search.proposers: at least one"),
        ('[model]\nbase_url = "localhost"\n', ":2: model.base_url: 'localhost' is no address"),
        ("[domain]\nsizes = { trian = 3 }\n", ":2: unknown key domain.sizes.trian"),
        ("[domain.sizes]\ntrain = 0\n", ":2: domain.sizes.train: input should be greater"),
        ("[sandbox]\nwall_seconds = 1\n", ":1: sandbox: wall_seconds (1) is less than"),
        ('name = "a b"\n', ":1: name: use 1 to 64 letters"),
    ],
)
def test_a_wrong_value_names_file_line_and_key(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in _error(tmp_path, text)


def test_a_file_that_is_not_toml_names_the_line(tmp_path: Path) -> None:
    message = _error(tmp_path, "[search]\nstrategy = evolve\n")
    assert "search.toml:2: not valid TOML" in message


def test_more_mistakes_are_counted(tmp_path: Path) -> None:
    message = _error(tmp_path, "[budget]\nusd = 0\ntokens = 0\nmiuntes = 3\n")
    assert "budget.usd" in message
    assert message.endswith("(and 2 more)")


def test_a_wrong_option_is_named_as_it_was_given() -> None:
    with pytest.raises(
        ConfigError, match=r"^--usd: budget.usd: .*above 0, such as 5 or 0.50, not -3"
    ):
        load_config(given=[Given("budget.usd", -3.0, "--usd")])


def test_a_pasted_key_is_refused_and_not_repeated(tmp_path: Path) -> None:
    message = _error(tmp_path, '[model]\nkey_env = "sk-secret123"\n')
    assert "not the key itself" in message
    assert "secret" not in message


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such file; `metasearch init`"):
        load_config(tmp_path / "none.toml")


def test_an_unknown_preset_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="there are local, overnight, smoke"):
        load_config(preset="nightly")


def test_files_that_the_configuration_names_lie_beside_it(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text("")
    (tmp_path / "own").mkdir()
    path = _write(tmp_path, '[domain]\nspec = "mine.jsonl"\n[search]\nseeds = "own"\n')
    assert load_config(path).domain.spec == str(tmp_path / "mine.jsonl")
    assert load_config(path).search.seeds == str(tmp_path / "own")


@pytest.mark.parametrize("name", preset_names())
def test_a_printed_configuration_reads_back_equal(tmp_path: Path, name: str) -> None:
    config = load_config(preset=name)
    assert load_config(_write(tmp_path, to_toml(config))) == config
    assert SearchConfig.model_validate(config.to_json()) == config


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_explains_itself(name: str) -> None:
    assert preset_text(name).startswith("# ")


def test_the_meta_model_is_the_model_but_for_what_it_sets(tmp_path: Path) -> None:
    text = '[model]\nname = "a"\ntimeout = 7\nmax_field_chars = 9\n[meta_model]\nname = "b"\n'
    config = load_config(_write(tmp_path, text))
    kept = SearchConfig.model_validate(config.to_json())  # as the archive gives it back
    written = load_config(_write(tmp_path, to_toml(config)))
    for one in (config, kept, written):
        assert one.designer().name == "b"
        assert one.designer().timeout == 7


def test_caps_of_answers_do_not_cut_a_designs_source(tmp_path: Path) -> None:
    text = '[model]\nname = "a"\nmax_tokens = 64\nmax_field_chars = 9\n'
    writer = load_config(_write(tmp_path, text)).designer()
    assert writer.max_tokens >= 4096
    assert writer.max_field_chars is None
    text += "[meta_model]\nmax_tokens = 77\n"
    assert load_config(_write(tmp_path, text)).designer().max_tokens == 77


def test_a_small_local_model_leaves_most_designs_to_recombine() -> None:
    local = load_config(given=[Given("model.name", LOCAL, "--model")]).weights()
    remote = load_config(given=[Given("model.name", "gpt", "--model")]).weights()
    assert local["recombine"] > 0.5 > local["meta-agent"]
    assert remote["meta-agent"] > 0.5


def test_stages_end_with_the_whole_split() -> None:
    search = SearchConfig().search
    assert search.stage_sizes(100) == (10, 15, 22, 33, 50, 75, 100)
    assert search.stage_sizes(30) == (10, 15, 22, 30)
    assert search.stage_sizes(5) == (5,)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('usd = "5 dollars"', '"5 dollars"'),
        ("usd = 0", "not 0;"),
        ("usd = true", "not true"),
        ("usd = 1e400", "not Infinity"),
        ("usd = 1e13", "not 1"),
        ("tokens = -3", "not -3"),
        ("tokens = 2.5", "not 2.5"),
        ("calls = nan", "not NaN"),
        ('minutes = "1 h"', '"1 h"'),
        ("proposing = { usd = 0 }", "budget.proposing.usd"),
    ],
)
def test_a_cap_that_is_no_amount_is_refused_in_one_line(
    tmp_path: Path, line: str, shown: str
) -> None:
    error = _error(tmp_path, f"[budget]\n{line}\n")
    assert shown in error
    assert "above 0, such as" in error
    assert "\n" not in error


def test_single_owners_may_have_caps_of_their_own(tmp_path: Path) -> None:
    text = "[budget]\nusd = 5\n[budget.proposing]\nusd = 1\n[budget.evaluating]\ncalls = 9\n"
    budget = load_config(_write(tmp_path, text)).budget
    assert budget.owner_caps() == {
        Owner.PROPOSER: Caps(dollars=1.0),
        Owner.EVALUATION: Caps(calls=9),
    }
    assert SearchConfig().budget.owner_caps() == {}


def test_new_caps_for_a_kept_search_are_checked_like_any() -> None:
    kept = load_config(given=[Given("budget.usd", 1, "--usd")]).to_json()
    assert recapped(kept, [Given("budget.tokens", 9, "--tokens")]).budget.usd == 1
    with pytest.raises(ConfigError, match=r"^--usd: budget.usd: .*not NaN"):
        recapped(kept, [Given("budget.usd", float("nan"), "--usd")])
