"""The vote of the archive's best, counted from what they answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from metasearch.archive import Archive
from metasearch.report.markdown import markdown
from metasearch.report.pages import pages
from metasearch.report.reckon import reckon
from metasearch.report.vote import VOTERS, count, voters
from metasearch.types import FRESH, Evaluation, Json, Outcome, Split
from tests.report.rows import TASKS, Written


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive.db") as opened:
        yield opened


@pytest.mark.parametrize(
    ("costs", "price", "chosen"),
    [
        ((1, 1, 1, 1), 3, (0, 1, 2)),
        ((5, 1, 1, 1), 3, (1, 2, 3)),  # the best alone costs too much
        ((2, 1, 1, 0.5), 3.5, (0, 1, 3)),  # and so does the third beside it
        ((1, 1, 1), 2, ()),
        ((1, 1), 9, ()),
        ((), 9, ()),
    ],
)
def test_the_best_that_together_cost_no_more_vote(
    costs: Sequence[float], price: float, chosen: tuple[int, ...]
) -> None:
    assert voters(list(enumerate(costs)), price) == chosen


def say(search: Written, name: str, answers: Sequence[Json], *, repeat: int = 0) -> int:
    """Add an entry that gives these answers to the first tasks; "a" is right, None no answer."""
    number = search.entry(name)
    entry = search.archive.entry(search.name, str(number))
    assert entry.design is not None
    for task, answer in zip(search.tasks[Split.VALIDATION], answers, strict=False):
        outcome = Outcome.WRONG_FORMAT if answer is None else Outcome.ANSWERED
        right = isinstance(answer, str) and answer.strip().lower() == "a"
        found = Evaluation(
            entry.design.id, task.id, Split.VALIDATION, repeat, outcome, float(right), answer
        )
        search.archive.add_evaluation(search.name, entry.id, found)
    return number


def test_the_majority_answers_a_tie_goes_to_the_best_and_no_answer_has_no_vote(
    archive: Archive,
) -> None:
    search = Written(archive)
    said = [("a", "x", "y", None, "a"), ("A ", "a", "a", None, "b"), ("z", "a", "w", "a", "b")]
    for place, answers in enumerate(said):
        say(search, f"d{place}", answers)
    say(search, "fresh", ("a",), repeat=FRESH)
    entries = archive.entries("s")
    found = count(archive, "s", entries[:VOTERS], 3.0)
    assert list(found.scores.values()) == [1.0, 1.0, 0.0, 1.0, 0.0]
    assert (found.voters, found.cost) == ((0, 1, 2), 3.0)
    turned = count(archive, "s", [entries[1], entries[0], entries[2]], 3.0)
    assert list(turned.scores.values())[2] == 1.0, "three answers, so the first one's"
    assert count(archive, "s", [entries[0], entries[3]], 1.0).scores == {}, "no fresh sample"


def test_nobody_votes_on_episodes(archive: Archive) -> None:
    search = Written(archive)
    for name in ("one", "two", "three", "four"):
        say(search, name, [{"log": [name]}] * TASKS)
    assert count(archive, "s", archive.entries("s")[:VOTERS], 0.0) is None
    found = reckon(archive, "s")
    assert (found.unlearnt.vote, found.unlearnt.is_too_dear) == (None, False)
    assert "vote" not in markdown(pages(found))


def test_a_report_holds_the_winner_against_the_vote_and_the_first_designs(
    archive: Archive,
) -> None:
    search = Written(archive, search={"in_flight": 2})
    for place in range(3):
        search.entry(f"base {place}", 20 + place, proposer="seed", dollars=0.001)
    early = search.entry("early", 25, dollars=0.009)
    search.entry("early, too", 24, dollars=0.009)
    best = search.entry("best", 30, dollars=0.003)
    found = reckon(archive, "s")
    assert found.winner is not None
    assert found.winner.number == best
    unlearnt = found.unlearnt
    assert unlearnt.vote is not None
    assert unlearnt.against is not None
    assert unlearnt.vote.voters == (2, 1, 0)
    assert unlearnt.vote.cost == pytest.approx(0.003)
    assert unlearnt.against.mean_b == 22 / TASKS, "all said the same, so the best of them counts"
    assert (unlearnt.early, unlearnt.best_early and unlearnt.best_early.number) == (2, early)
    assert found.to_json()["unlearnt"]["vote"]["voters"] == [2, 1, 0]
