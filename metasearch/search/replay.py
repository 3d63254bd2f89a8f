"""Re-scoring a search offline: every evaluation again, with the replies that are on record.

There is no client of any endpoint in here, so nothing can be asked and nothing be paid; the archive
is only read. A design meets the same questions, seeds and limits in the same kind of sandbox. What
it asks its model is looked up in the trace of that very evaluation, then in the record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from metasearch.archive import Archive, EntryInfo, SearchInfo
from metasearch.domains.base import Domain
from metasearch.domains.files import SUFFIXES
from metasearch.domains.scorers import SCORERS
from metasearch.domains.stored import from_stored
from metasearch.errors import ConfigError, MetasearchError
from metasearch.gateway.base import NotRecorded, Record, RequestRefused, Spent
from metasearch.sandbox.base import Limits, Sandbox, Worker
from metasearch.sandbox.choose import open_sandbox
from metasearch.search.config import SearchConfig
from metasearch.search.domain import load_domain
from metasearch.search.evaluate import UNANSWERED, Asking, Evaluator
from metasearch.types import (
    Design,
    Evaluation,
    Json,
    ModelCall,
    ModelReply,
    ModelRequest,
    Outcome,
    Owner,
    Split,
    Stream,
    Task,
)

__all__ = ["Difference", "Replay", "Verdict", "replay"]

# The answer to a call that had none either when it was made: the job was ended first, by another
# of its calls or by its clock. Replies come at once here, so what ends it does so well before.
UNANSWERED_SECONDS = 5.0
PARALLEL = 4

Progress = Callable[[int, int, int], None]


class Verdict(NamedTuple):
    """What an evaluation came to, as far as it must not change."""

    outcome: Outcome
    score: float
    answer: Json
    calls: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One evaluation that does not come to the same.

    Attributes:
        number: of the entry, with its design's `name`.
        new: None where a reply is `missing`, which says in words which one.
    """

    number: int
    name: str
    task_id: str
    split: Split
    repeat: int
    old: Verdict
    new: Verdict | None
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay has found.

    Attributes:
        evaluations: made again.
        left_out: those of no score by a fault of the infrastructure, and those that ran out of time
            while they waited for a reply: there is nothing to repeat.
        calls: answered from the record.
        notes: what a person should know about how it was scored.
    """

    evaluations: int
    left_out: int
    calls: int
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()


async def replay(
    archive: Archive,
    info: SearchInfo,
    *,
    sandbox: str | None = None,
    progress: Progress | None = None,
) -> Replay:
    """Run every evaluation of a search again, offline, and compare.

    Args:
        archive: is only read.
        sandbox: another than the search's own, "wasm" say; None is its own.
        progress: is told how many evaluations are done, of how many, and how many differ.

    Raises:
        ConfigError: the domain's file is gone, and no scorer of ours could take its place.
        SandboxUnavailable: designs cannot be run here.
    """
    config = SearchConfig.model_validate(info.config)
    tasks = {split: archive.tasks(info.id, split) for split in Split}
    domain, notes = _domain(config, info.domain, tasks)
    entries = [entry for entry in archive.entries(info.id) if entry.design and entry.summaries]
    async with AsyncExitStack() as stack:
        box = await open_sandbox(
            sandbox or config.sandbox.name,
            run=f"{info.id}-replay",
            parallel=config.sandbox.parallel,
            runtime=config.sandbox.runtime,
        )
        await stack.enter_async_context(box)
        recorder = archive.recorder(info.id)
        total = sum(sum(one.outcomes.values()) for e in entries for one in e.summaries.values())
        stage = _Stage(config, domain, box, recorder, tasks, total, progress)
        for entry in entries:
            await stage.play(
                entry, archive.evaluations(info.id, entry_id=entry.id, with_trace=True)
            )
    return Replay(
        stage.done - stage.left_out, stage.left_out, stage.calls, tuple(stage.found), notes
    )


@dataclass(slots=True)
class _Stage:
    """Everything that the evaluations of one search share."""

    config: SearchConfig
    domain: Domain
    sandbox: Sandbox
    record: Record
    tasks: Mapping[Split, list[Task]]
    total: int
    progress: Progress | None
    done: int = 0
    left_out: int = 0
    calls: int = 0
    found: list[Difference] = field(default_factory=list)
    _by_id: dict[str, Task] = field(default_factory=dict, init=False)
    _slots: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._by_id = {task.id: task for tasks in self.tasks.values() for task in tasks}
        self._slots = asyncio.Semaphore(self.config.sandbox.parallel or PARALLEL)

    async def play(self, entry: EntryInfo, evaluations: Iterable[Evaluation]) -> None:
        """Make an entry's evaluations again."""
        assert entry.design is not None
        worker = await self.sandbox.open(entry.design.source)
        try:
            await asyncio.gather(
                *(self._again(entry, entry.design, worker, one) for one in evaluations)
            )
        finally:
            await worker.close()

    async def _again(
        self, entry: EntryInfo, design: Design, worker: Worker, old: Evaluation
    ) -> None:
        if _is_of_its_moment(old):
            self.left_out += 1
        else:
            replies = _Replies(old.trace, self.record)
            difference = await self._compared(entry, design, worker, old, replies)
            self.calls += replies.answered
            if difference is not None:
                self.found.append(difference)
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total, len(self.found))

    async def _compared(
        self, entry: EntryInfo, design: Design, worker: Worker, old: Evaluation, replies: _Replies
    ) -> Difference | None:
        was = Verdict(old.outcome, old.score, old.answer, old.calls)
        same = Difference(
            entry.number, entry.name, old.task_id, old.split, old.repeat, was, new=None
        )
        task = self._by_id.get(old.task_id)
        if task is None:
            return replace(same, missing="the archive does not hold this task any more")
        try:
            new = await self._evaluator(old, replies).evaluate(
                worker, design, task, old.split, old.repeat
            )
        except NotRecorded as missing:
            return replace(same, missing=str(missing))
        now = Verdict(new.outcome, new.score, new.answer, new.calls)
        return None if now == was else replace(same, new=now)

    def _evaluator(self, old: Evaluation, replies: _Replies) -> Evaluator:
        model, search, box = self.config.model, self.config.search, self.config.sandbox
        # What the model was called then is in its calls: "local" is only the name of a choice.
        name = old.trace[0].request.model if old.trace else model.name or ""
        asking = Asking(
            model=name,
            max_tokens=model.max_tokens,
            temperature=model.temperature,
            calls_per_task=search.calls_per_task,
            tokens_per_task=search.tokens_per_task,
        )
        limits = Limits(
            active_seconds=box.active_seconds,
            wall_seconds=box.wall_seconds,
            memory_mib=box.memory_mib,
        )
        return Evaluator(replies, self.domain, asking, limits, self._slots)


def _is_of_its_moment(old: Evaluation) -> bool:
    """Say whether an evaluation ended as it did by what no record holds."""
    waited = any(call.error == UNANSWERED for call in old.trace)
    timed_out = old.outcome is Outcome.TIMED_OUT and waited
    return old.outcome is Outcome.INFRASTRUCTURE or timed_out


class _Replies:
    """A `Gateway` that knows one evaluation's replies and asks nobody."""

    def __init__(self, trace: Iterable[ModelCall], record: Record) -> None:
        self._calls = {call.key: call for call in trace}
        self._record = record
        self.answered = 0

    async def ask(self, request: ModelRequest, stream: Stream, owner: Owner) -> ModelReply:
        del owner
        key = request.key(stream)
        call = self._calls.get(key)
        reply = call.reply if call is not None else None
        if reply is None:
            reply = self._record.find(key)
        if reply is not None:
            self.answered += 1
            return replace(reply, recorded=True)
        if call is not None and call.error not in ("", UNANSWERED):
            raise RequestRefused(call.error)
        if call is not None:
            await asyncio.sleep(UNANSWERED_SECONDS)
        which = f"call {key[:12]}" + ("" if call is None else f" (number {call.position})")
        raise NotRecorded(f"the record holds no reply to {which} of task {stream.scope!r}")

    async def check(self) -> None:
        """There is no endpoint."""

    def spent(self, owner: Owner | None = None) -> Spent:
        """Nothing is ever paid here."""
        del owner
        return Spent()

    def trouble(self) -> str:
        """Nothing can be down."""
        return ""

    async def recovered(self, tell: Callable[[str, float], None] | None = None) -> None:
        """There is nothing to wait for."""

    async def close(self) -> None:
        """There is nothing to close."""


def _domain(
    config: SearchConfig, name: str, tasks: Mapping[Split, list[Task]]
) -> tuple[Domain, tuple[str, ...]]:
    """Return the search's domain as it was; a task file may be gone, its tasks are kept."""
    section = config.domain
    is_table = section.spec.lower().endswith(tuple(set(SUFFIXES) - {".py"}))
    is_ours = section.scorer is None or section.scorer in SCORERS
    try:
        loaded = load_domain(config)
    except MetasearchError as error:
        if not (is_table and is_ours):
            raise ConfigError(f"the search's tasks cannot be scored here: {error}") from None
    else:
        known = {task.id: task for split in Split for task in loaded.tasks(split)}
        kept = [task for split in Split for task in tasks[split]]
        if not is_table or all(known.get(task.id) == task for task in kept):
            return loaded, ()
    stored = from_stored(name, tasks, section.scorer)
    return stored, (f"{section.spec} is not here or has changed: {stored.notes[0]}",)
