"""`steer`: what it writes, what it refuses, what it lists."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metasearch.archive import Archive
from metasearch.search.steer import Steering
from tests.cli.archives import build
from tests.cli.conftest import Invoke

MINE = '"""Mine."""\n\n\nasync def solve(task):\n    return 42\n'


@pytest.fixture
def paused(tmp_path: Path) -> Path:
    path = tmp_path / "archive.db"
    build(path, status="paused")
    (tmp_path / "mine.py").write_text(MINE)
    return path


def test_all_that_was_asked_is_listed_with_what_came_of_it(invoke: Invoke, paused: Path) -> None:
    assert invoke("steer", "list").stderr == "nothing was asked of search demo\n"
    said = invoke("steer", "idea", "check\x1b[31m twice")
    assert (said.exit_code, said.stdout) == (0, "")
    assert "takes up idea 'check[31m twice' once it goes on: metasearch resume demo" in said.stderr
    assert invoke("steer", "inject", "mine.py", "--from", "best").exit_code == 0
    for word, number in (("pin", 4), ("ban", 3), ("unpin", 4), ("unban", 3)):
        assert f"takes up {word} #{number}" in invoke("steer", word, number).stderr
    with Archive.open(paused) as archive:
        archive.claim("demo")
        assert "with its next proposal" in invoke("steer", "pin", "best").stderr
        Steering(archive, "demo").take(4, reads_ideas=True)
        archive.release("demo")
    listed = json.loads(invoke("steer", "list", "--json").stdout)
    assert listed["kind"] == "steer"
    rows = [(one["action"], one["number"], one["taken_by_proposal"]) for one in listed["asked"]]
    assert rows == [
        ("idea", None, 4),
        ("design", None, None),
        ("pin", 4, 4),
        ("ban", 3, 4),
        ("unpin", 4, 4),
        ("unban", 3, 4),
        ("pin", 4, 4),
    ]
    first, second = listed["asked"][:2]
    assert (first["text"], first["entry"], first["validation"]) == ("check[31m twice", 4, 0.75)
    assert (second["design"], second["from"], second["entry"]) == ("mine", [4], None)
    assert "@" in first["by"]
    table = invoke("steer", "list").stdout
    assert "evaluated .75" in table
    assert "waits" in table


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["idea", " \n"], "the idea is empty"),
        (["idea", "x" * 2001], "has 2001 characters"),
        (["inject", "none.py"], "none.py cannot be read: No such file"),
        (["inject", "broken.py"], "broken.py is no design: line 1"),
        (["inject", "old.py"], "the design is there already, as #1"),
        (["inject", "mine.py", "--from", "nobody"], "nobody"),
        (["pin", "5"], "is invalid, so that nothing can be made from it"),
        (["unpin", "4"], "is not pinned; pinned are: none"),
        (["ban", "1"], "is a seed: winners are compared with it"),
        (["unban", "4"], "is not banned"),
    ],
)
def test_what_no_search_could_obey_is_refused_in_one_line(
    invoke: Invoke, paused: Path, arguments: list[str], told: str
) -> None:
    Path("broken.py").write_text("def solve(\n")
    with Archive.open(paused) as archive:
        design = archive.entry("demo", "1").design
        assert design is not None
        Path("old.py").write_text("# the same\n" + design.source)
        before = archive.events("demo")
        refused = invoke("steer", *arguments)
        assert refused.exit_code == 2
        assert told in refused.stderr
        assert refused.stderr.count("\n") == 1
        assert archive.events("demo") == before


def test_pins_and_bans_do_not_contradict_each_other(invoke: Invoke, paused: Path) -> None:
    for number in (0, 1, 2):
        assert invoke("steer", "pin", number).exit_code == 0
    assert "#0, #1, #2 are pinned; unpin one" in invoke("steer", "pin", 4).stderr
    assert "is pinned already" in invoke("steer", "pin", 2).stderr
    assert invoke("steer", "ban", 4).exit_code == 0
    assert "is banned already" in invoke("steer", "ban", 4).stderr
    assert "first: metasearch steer unban 4" in invoke("steer", "pin", 4).stderr


def test_a_search_that_cannot_obey_says_so(invoke: Invoke, tmp_path: Path) -> None:
    build(tmp_path / "archive.db")
    ended = invoke("steer", "pin", 4)
    assert ended.exit_code == 1
    assert ended.stderr == "search demo is finished; it makes no further proposal\n"
    assert invoke("steer", "list", "--archive", tmp_path / "none.db").exit_code == 4
