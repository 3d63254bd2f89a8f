"""What a user would notice: containers started twice for one design, kept too long, or shared."""

from __future__ import annotations

import asyncio

import pytest

from metasearch.sandbox.base import Job, JobResult
from metasearch.search.workers import KEPT, Workers
from metasearch.testing.fake_sandbox import FakeSandbox, FakeWorker
from metasearch.types import Design, Json


class Counting(FakeSandbox):
    """Knows which of its workers live."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.living: list[str] = []

    async def open(self, source: str) -> FakeWorker:
        """Open one and write it down."""
        self.opened.append(source)
        self.living.append(source)
        return _Counted(source, self)


class _Counted(FakeWorker):
    def __init__(self, source: str, sandbox: Counting) -> None:
        super().__init__(source, None)
        self._source_text, self._counting = source, sandbox

    async def close(self) -> None:
        """Close it, which takes a while as it does with a container."""
        await asyncio.sleep(0)
        self._counting.living.remove(self._source_text)
        await super().close()


def design(number: int) -> Design:
    return Design(f'"""Answers {number}."""\ndef solve(task):\n    return {number}\n', f"d{number}")


async def test_the_stages_of_one_design_share_a_worker_and_its_end_closes_it() -> None:
    sandbox = Counting()
    workers = Workers(sandbox)
    for _stage in range(3):
        async with workers.use(design(1)):
            assert len(sandbox.living) == 1
    assert len(sandbox.opened) == 1
    workers.let_go(design(1))
    await workers.close()
    assert sandbox.living == []


async def test_no_worker_serves_two_designs() -> None:
    sandbox = Counting()
    workers = Workers(sandbox)
    async with workers.use(design(1)) as first:
        pass
    async with workers.use(design(2)) as second:
        assert first is not second
    assert sandbox.opened == [design(1).source, design(2).source]
    await workers.close()


async def test_two_uses_at_once_get_two_and_one_is_kept() -> None:
    sandbox = Counting()
    workers = Workers(sandbox)
    async with workers.use(design(1)) as first, workers.use(design(1)) as second:
        assert first is not second
    await asyncio.sleep(0.01)
    assert len(sandbox.living) == 1
    await workers.close()
    assert sandbox.living == []


async def test_only_so_many_wait_and_the_longest_idle_goes_first() -> None:
    sandbox = Counting()
    workers = Workers(sandbox)
    for number in range(KEPT + 3):
        async with workers.use(design(number)):
            pass
    await asyncio.sleep(0.01)
    assert sandbox.living == [design(number).source for number in range(3, KEPT + 3)]
    await workers.close()
    assert sandbox.living == []


async def test_a_use_that_fails_leaves_nothing_open_behind_close() -> None:
    sandbox = Counting()
    workers = Workers(sandbox)
    with pytest.raises(RuntimeError, match="in the middle"):
        async with workers.use(design(1)):
            raise RuntimeError("in the middle")
    await workers.close()
    assert sandbox.living == []


async def test_a_kept_worker_still_runs_jobs() -> None:
    async def no_call(body: dict[str, Json]) -> dict[str, Json]:
        raise AssertionError(body)

    results: list[JobResult] = []
    workers = Workers(FakeSandbox())
    for _stage in range(2):
        async with workers.use(design(7)) as worker:
            results.append(await worker.run(Job({"prompt": "?"}), no_call))
    assert [result.answer for result in results] == [7, 7]
    await workers.close()
