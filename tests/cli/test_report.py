"""`metasearch report` as a person or a script meets it, on every kind of archive."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from metasearch.archive import Archive
from metasearch.types import Outcome, Split
from tests.cli.archives import SECRET, build
from tests.cli.conftest import Invoke
from tests.report.rows import TASKS, Written


@pytest.mark.usefixtures("archive")
def test_each_format_goes_to_stdout_and_alone(invoke: Invoke) -> None:
    markdown = invoke("report")
    assert markdown.exit_code == 0, markdown.stderr
    assert markdown.stdout.startswith("# Report of search demo\n")
    assert markdown.stderr == ""
    assert "corrected p = .004" in markdown.stdout
    assert "metasearch export 4 --as file" in markdown.stdout
    page = invoke("report", "demo", "--format", "html").stdout
    assert page.startswith("<!doctype html>")
    facts = json.loads(invoke("report", "dem", "--format", "json").stdout)
    assert (facts["schema"], facts["kind"], facts["winner"]["number"]) == (1, "report", 4)
    for text in (markdown.stdout, page, json.dumps(facts)):
        assert SECRET not in text, "a report shows no task and no gold answer"
        assert not set(text) & {"\x1b", "\x07"}


@pytest.mark.usefixtures("archive")
def test_the_ending_of_the_file_is_the_format(invoke: Invoke, tmp_path: Path) -> None:
    for name, start in (
        ("r.html", "<!doctype"),
        ("r.md", "# Report"),
        ("r.json", "{"),
        ("r", "# R"),
    ):
        result = invoke("report", "-o", tmp_path / name)
        assert (result.exit_code, result.stdout) == (0, "")
        assert f"written: {tmp_path / name}" in result.stderr
        assert (tmp_path / name).read_text().startswith(start)
    refused = invoke("report", "-o", tmp_path / "none" / "r.md")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("error: ")
    assert invoke("report", "nobody").exit_code == 2
    assert not list(tmp_path.glob(".*part"))


@pytest.mark.usefixtures("archive")
def test_the_table_of_a_run_names_the_command(invoke: Invoke) -> None:
    assert "metasearch report demo -o report.html" in invoke("top").stdout


def nothing(search: Written) -> None:
    del search


def only_pending(search: Written) -> None:
    search.entry("direct", [1.0] * 3, proposer="seed", status="pending")
    search.archive.set_status("s", "paused", "interrupted")


def only_seeds(search: Written) -> None:
    search.entry("direct", 20, proposer="seed")
    search.entry("other", 25, proposer="seed")
    search.archive.set_status("s", "stopped", "the budget of $1 is spent")


def no_seed(search: Written) -> None:
    search.entry("new", 20)
    search.archive.set_status("s", "finished")


def a_worse_winner(search: Written) -> None:
    base = search.entry("direct", 35, proposer="seed")
    new = search.entry("new", 12)
    for number, right in ((base, 18), (new, 4)):
        search.evaluate(number, right, split=Split.TEST)
    search.archive.add_event("s", "test-opened", "for 0 and 1")
    search.archive.set_status("s", "finished")


def only_failures(search: Written) -> None:
    for reason in ("", "line 1: bad", "no code"):
        search.entry("bad", status="invalid", reason=reason)
    search.entry("none", status="failed")
    search.archive.set_status("s", "failed", "no proposer works")


def all_infrastructure(search: Written) -> None:
    number = search.entry("direct", proposer="seed", status="pending")
    search.evaluate(number, 0, outcome=Outcome.INFRASTRUCTURE)


def all_stopped(search: Written) -> None:
    search.entry("direct", 20, proposer="seed")
    for i in range(3):
        search.entry(f"n{i}", [0.0] * 10, status="stopped", reason="behind 0 after 10 tasks")
    search.archive.set_status("s", "finished")


def equal_scores(search: Written) -> None:
    search.entry("direct", TASKS, proposer="seed")
    for i in range(6):
        search.entry(f"n{i}", TASKS)
    search.archive.set_status("s", "finished")


def a_test_that_was_broken_off(search: Written) -> None:
    search.entry("direct", 20, proposer="seed")
    number = search.entry("new", 30)
    search.archive.add_event("s", "test-opened", "for 0 and 1")
    search.evaluate(number, [1.0] * 4, split=Split.TEST)
    search.archive.set_status("s", "paused", "interrupted")


def opened_twice(search: Written) -> None:
    a_worse_winner(search)
    search.archive.add_event("s", "test-opened", "for 0 and 2")


Make = Callable[[Written], None]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (nothing, "No design has met all validation tasks yet"),
        (only_pending, "The search is paused and has not come to its end: interrupted"),
        (only_seeds, "Of the baselines #1 other leads with .62"),
        (no_seed, "no baseline was evaluated to compare it with"),
        (a_worse_winner, "No gain: #1 new is worse than the baseline #0 direct on the sealed test"),
        (only_failures, "no proposer works"),
        (all_infrastructure, "infrastructure"),
        (all_stopped, "No new design has met all validation tasks"),
        (equal_scores, "It cannot be told whether"),
        (a_test_that_was_broken_off, "The sealed test was opened and is not complete"),
        (opened_twice, "It was opened 2 times"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_report_of_a_poor_search_is_honest_and_never_a_crash(
    invoke: Invoke, tmp_path: Path, make: Make, said: str
) -> None:
    with Archive.open(tmp_path / "archive.db") as archive:
        make(Written(archive))
    markdown = invoke("report")
    assert markdown.exit_code == 0, markdown.output
    assert said in markdown.stdout
    assert invoke("report", "--format", "html").exit_code == 0
    facts = json.loads(invoke("report", "--format", "json").stdout)
    has_winner = make in (
        no_seed,
        a_worse_winner,
        equal_scores,
        a_test_that_was_broken_off,
        opened_twice,
    )
    assert (facts["winner"] is not None) is has_winner


def test_a_search_that_was_killed_is_called_so(invoke: Invoke, tmp_path: Path) -> None:
    build(tmp_path / "archive.db", status="running")
    page = invoke("report").stdout
    assert "The search was interrupted" in page
    assert "metasearch resume demo" in page


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", '{"lines": 3}', '{"lines": ["<b>x</b>"]}'])
def test_a_preflight_is_told_and_a_broken_line_of_the_log_harms_nothing(
    invoke: Invoke, tmp_path: Path, text: str
) -> None:
    with Archive.open(tmp_path / "archive.db") as archive:
        Written(archive).entry("direct", 20, proposer="seed")
        archive.add_event("s", "preflight", text)
    page = invoke("report").stdout
    assert page.startswith("# Report of search s")
    assert ("The preflight: \\<b\\>x\\</b\\>" in page) is ("<b>" in text)
