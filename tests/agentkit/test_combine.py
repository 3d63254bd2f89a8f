from __future__ import annotations

import asyncio

import pytest


async def test_gather_takes_one_iterable_or_many() -> None:
    from agentkit import gather

    async def value(n: int) -> int:
        await asyncio.sleep(0.01 * (3 - n))
        return n

    assert await gather(value(0), value(1)) == [0, 1]
    assert await gather(value(n) for n in range(3)) == [0, 1, 2]
    assert await gather([]) == []


async def test_the_first_exception_cancels_the_rest() -> None:
    from agentkit import gather

    ended = []

    async def long() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")

    async def fails() -> None:
        await asyncio.sleep(0.01)
        raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        await gather(long(), fails(), long())
    assert ended == ["cancelled", "cancelled"]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (["a", "b", "a"], "a"),
        (["b", "a"], "b"),
        (["a", "b", "b", "a"], "a"),
        (["Paris", " paris ", "Rome"], "Paris"),
        ([None, "", "  ", "x"], "x"),
        ([42, "42", 7], 42),
    ],
)
def test_the_majority(values: list[object], wanted: object) -> None:
    from agentkit import majority

    assert majority(values) == wanted


def test_nobody_votes() -> None:
    from agentkit import majority

    with pytest.raises(ValueError, match="no values"):
        majority([None, " "])


def test_memory_forgets_and_finds() -> None:
    from agentkit import Memory

    memory = Memory(limit=3)
    for note in ("red apple", "green pear", "red wine", "blue sky"):
        memory.add(note)
    assert memory.last(2) == ["red wine", "blue sky"]
    assert memory.search("RED wine glass", n=2) == ["red wine"]
    assert str(memory) == "green pear\n\nred wine\n\nblue sky"
    assert memory.last(0) == []
