from __future__ import annotations

import json

from metasearch.export.card import Ancestor, Card, ModelUse, Scored

CARD = Card(
    design_id="abc123",
    name="vote",
    idea="Five vote.",
    search="s1",
    domain="sums",
    proposed=12,
    scores=(
        Scored(
            "validation", 40, 0.75, 0.6, 0.86, 0.0012, 345.6, 1.25, {"answered": 39, "blank": 1}
        ),
    ),
    models=(ModelUse("model-a", "2026-11-20", "2026-11-22", 0.15, 0.6, "2026-11-01"),),
    lineage=(
        Ancestor(0, "aaa", "cot", "Thinks.", "seed", "", 0.5),
        Ancestor(7, "abc123", "vote", "Five vote.", "recombine", "vote", 0.75),
    ),
    sandbox="wasm, 256 MiB a task",
    version="0.1.0",
    made="2026-11-22",
)


def test_the_card_says_how_good_how_sure_at_what_price_and_from_what():
    text = CARD.markdown()
    for said in (
        "| validation | 40 | 0.750 [0.600, 0.860] | 0.001200 | 346 | 1.2 |",
        "| validation | answered | 39 |",
        "| model-a | 2026-11-20 to 2026-11-22 | 0.15 | 0.6 | 2026-11-01 |",
        "| #0 | `aaa` | cot | seed | 0.500 | Thinks. |",
        "| #7 | `abc123` | vote | recombine vote | 0.750 | Five vote. |",
        "among 12 scored designs",
        "The test split was not opened",
        "- sandbox: wasm, 256 MiB a task",
        "- made by: metasearch 0.1.0",
        "Apache-2.0",
    ):
        assert said in text, said
    assert "runs programs" not in text


def test_what_is_not_known_is_said_so():
    text = Card("abc", "", "", models=(ModelUse("m"),)).markdown()
    assert "exported without an evaluation" in text
    assert "| m |  | not known | not known |  |" in text


def test_a_test_score_is_not_called_flattering():
    tested = Card("abc", "", "", scores=(Scored("test", 10, 0.5),))
    assert "not opened" not in tested.markdown()
    assert "| test | 10 | 0.500 |" in tested.markdown()


def test_the_warning_about_code_is_on_the_card():
    text = Card("abc", "x", "", runs_code=True).markdown()
    assert "runs programs that its model writes" in text
    assert "not a sandbox" in text


def test_a_strangers_text_stays_one_cell():
    evil = "Best | idea\n\n# Buy <script>now</script> [x](javascript:1) `code`"
    card = Card("abc", evil, evil, lineage=(Ancestor(0, "abc", evil, evil, "meta-agent"),))
    lines = card.markdown().splitlines()
    [row] = [line for line in lines if line.startswith("| #0")]
    assert row.replace(r"\|", "").count("|") == 7
    assert r"\<script\>" in row
    assert r"\[x\](javascript" in row
    assert [line for line in lines if line.startswith("# ")] == [lines[0]]


def test_json_holds_the_same_facts():
    held = json.loads(CARD.json())
    assert held["scores"][0]["outcomes"] == {"answered": 39, "blank": 1}
    assert held["lineage"][1]["operator"] == "vote"
    assert held["models"][0]["priced"] == "2026-11-01"
