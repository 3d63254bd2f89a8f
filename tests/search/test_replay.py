"""A replay repeats what is on record, refusals included, and leaves out what no record holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metasearch.archive import Archive
from metasearch.errors import ConfigError
from metasearch.sandbox.base import CallRefused
from metasearch.search import replay as module
from metasearch.search.config import SearchConfig
from metasearch.search.replay import Replay, replay
from metasearch.testing.fake_sandbox import FakeSandbox
from metasearch.types import (
    Design,
    Evaluation,
    Finish,
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

TASK = Task("t1", "What is 1 + 1?", 2, "int")
TASKS = {
    Split.TRAIN: [Task("t2", "What is 2 + 2?", 4, "int")],
    Split.VALIDATION: [TASK],
    Split.TEST: [Task("t3", "What is 3 + 3?", 6, "int")],
}


async def asking(inputs: dict[str, Any], ask: Any) -> Any:
    """Return what the model says; where it refuses, 2."""
    message = {"role": "user", "content": inputs["prompt"]}
    try:
        return (await ask({"messages": [message], "agent": "a"}))["text"]
    except CallRefused:
        return 2


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    async def fake(*_: object, **__: object) -> FakeSandbox:
        return FakeSandbox(asking)

    monkeypatch.setattr(module, "open_sandbox", fake)
    with Archive.open(tmp_path / "archive.db") as opened:
        yield opened


def call(text: str | None, error: str = "") -> ModelCall:
    request = ModelRequest("m", (Message("user", TASK.prompt),), 1024)
    reply = None
    if text is not None:
        reply = ModelReply(text, Finish.STOP, Usage(5, 0, 1), 0.0, 0.1)
    return ModelCall(0, "a", request.key(Stream(TASK.id)), request, reply, error)


async def replayed(archive: Archive, **changes: Any) -> Replay:
    """Replay a search of one evaluation."""
    section = {"spec": "gone.csv", **changes.pop("domain", {})}
    config = SearchConfig.model_validate({"domain": section, "model": {"name": "m"}})
    info = archive.create_search(
        id="s1", domain="gone", strategy="s", config=config.to_json(), seed=0, tasks=TASKS
    )
    design = Design("one")
    entry = archive.add_entry("s1", design=design, status="evaluated", proposer="seed")
    values: dict[str, Any] = {"outcome": Outcome.ANSWERED, "score": 1.0, "answer": "2", "calls": 1}
    one = Evaluation(design.id, TASK.id, Split.VALIDATION, 0, **{**values, **changes})
    archive.add_evaluation("s1", entry.id, one)
    return await replay(archive, info)


async def test_a_reply_is_taken_from_the_trace(archive: Archive) -> None:
    found = await replayed(archive, trace=(call("2"),))
    assert (found.evaluations, found.calls, found.differences) == (1, 1, ())
    (note,) = found.notes
    assert note.startswith("gone.csv is not here or has changed: scorer number")


async def test_a_refusal_is_repeated(archive: Archive) -> None:
    found = await replayed(archive, trace=(call(None, "status 400: no"),), answer=2)
    assert (found.calls, found.differences) == (0, ())


async def test_another_reply_is_a_difference(archive: Archive) -> None:
    (one,) = (await replayed(archive, trace=(call("3"),))).differences
    assert one.new is not None
    assert (one.old.score, one.new.score, one.new.answer) == (1.0, 0.0, "3")


async def test_a_call_that_no_record_holds_is_named(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNANSWERED_SECONDS", 0.01)
    (one,) = (await replayed(archive, trace=(call(None, "not answered"),))).differences
    assert one.new is None
    assert one.missing == (
        f"the record holds no reply to call {call(None).key[:12]} (number 0) of task 't1'"
    )


@pytest.mark.parametrize("outcome", [Outcome.INFRASTRUCTURE, Outcome.TIMED_OUT])
async def test_what_ended_by_its_moment_is_left_out(archive: Archive, outcome: Outcome) -> None:
    trace = (call(None, "not answered"),)
    found = await replayed(archive, trace=trace, outcome=outcome, score=0.0, answer=None)
    assert (found.evaluations, found.left_out, found.differences) == (0, 1, ())


async def test_an_own_scorer_that_is_gone_has_no_substitute(archive: Archive) -> None:
    with pytest.raises(ConfigError, match="cannot be scored here"):
        await replayed(archive, trace=(call("2"),), domain={"scorer": "mine.py"})
