"""An archive on disk, one search in it, and short ways to put things there."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from metasearch.archive import Archive, EntryInfo, SearchInfo
from metasearch.types import (
    Design,
    Evaluation,
    Finish,
    Json,
    Message,
    ModelCall,
    ModelReply,
    ModelRequest,
    Outcome,
    Split,
    Stream,
    Task,
    Usage,
)
from tests.postgres import Server

VALIDATION = tuple(Task(f"t{number}", f"What is {number} + 1?", number + 1) for number in range(6))
TRAIN = (Task("t90", "What is 90 + 1?", 91),)
TEST = (Task("t70", "What is 70 + 1?", 71),)
TASKS: Mapping[Split, Sequence[Task]] = {
    Split.TRAIN: TRAIN,
    Split.VALIDATION: VALIDATION,
    Split.TEST: TEST,
}


@dataclass
class HandClock:
    """A clock that stands still until it is moved."""

    now: datetime.datetime = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)

    def __call__(self) -> datetime.datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += datetime.timedelta(seconds=seconds)


@dataclass
class Desk:
    """One search of one archive, and what tests write into it."""

    archive: Archive
    search: SearchInfo
    made: int = field(default=0)

    @property
    def id(self) -> str:
        return self.search.id

    def entry(self, name: str = "", **options: Json) -> EntryInfo:
        self.made += 1
        source = f'"""Design {self.made}."""\n'
        settings = {"design": Design(source, name, "an idea"), "status": "evaluated"}
        return self.archive.add_entry(self.id, **{**settings, "proposer": "meta-agent", **options})

    def evaluate(self, entry: EntryInfo, scores: Sequence[float], **changes: Json) -> None:
        for task, score in zip(VALIDATION, scores, strict=False):
            self.archive.add_evaluation(
                self.id, entry.id, evaluation(entry, task_id=task.id, score=score, **changes)
            )


def evaluation(entry: EntryInfo, **changes: Json) -> Evaluation:
    assert entry.design is not None
    made = Evaluation(
        design_id=entry.design.id,
        task_id="t0",
        split=Split.VALIDATION,
        repeat=0,
        outcome=Outcome.ANSWERED,
        score=1.0,
        answer=1,
        usage=Usage(100, 20, 30),
        dollars=0.001,
        seconds=2.0,
        active_seconds=0.5,
    )
    return replace(made, **changes)


def call(position: int = 0, said: str = "4", **changes: Json) -> ModelCall:
    """Return a paid call; calls of equal position are one and the same."""
    request = ModelRequest(
        model="model-a",
        messages=(Message("system", "You are terse."), Message("user", f"Question {position}?")),
        max_tokens=50,
        temperature=0.5,
        schema={"type": "object"},
    )
    reply = ModelReply(said, Finish.STOP, Usage(10, 4, 3), 0.00021, 0.25)
    made = ModelCall(position, "solver", request.key(Stream("t0", 0, position)), request, reply)
    return replace(made, **changes)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def file(place: str) -> Path:
    return Path(place)


@pytest.fixture
def archive(place: str, clock: HandClock) -> Iterator[Archive]:
    with Archive.open(place, clock=clock) as opened:
        yield opened


def opened_desk(archive: Archive) -> Desk:
    search = archive.create_search(
        id="s1", domain="sums", strategy="evolve", config={"seed": 7}, seed=7, tasks=TASKS
    )
    return Desk(archive, search)


@pytest.fixture
def desk(archive: Archive) -> Desk:
    return opened_desk(archive)


@pytest.fixture
def server_desk(server: Server, blank_database: str, clock: HandClock) -> Iterator[Desk]:
    """The same on PostgreSQL alone, for what only a server can do wrong."""
    name = server.database(blank_database)
    with Archive.open(server.url(name), clock=clock) as opened:
        yield opened_desk(opened)
    server.drop(name)
