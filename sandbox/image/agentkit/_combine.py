"""Waiting for several things at once, and making one answer of many."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Iterable
from typing import Any, TypeVar

__all__ = ["gather", "majority"]

T = TypeVar("T")


async def gather(*awaitables: Any) -> list[Any]:
    """Run awaitables (or one iterable of them) at the same time; results in order.

    The first exception cancels the rest and is raised.
    """
    tasks = [asyncio.ensure_future(each) for each in _each(awaitables)]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:  # cancelled from outside too: nothing may go on unseen
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _each(awaitables: tuple[Any, ...]) -> Iterable[Awaitable[Any]]:
    if len(awaitables) == 1 and not inspect.isawaitable(awaitables[0]):
        many: Iterable[Awaitable[Any]] = awaitables[0]
        return many
    return awaitables


def majority(values: Iterable[T]) -> T:
    """Return the most common value; the earliest wins a tie.

    Values are compared as text without case and outer spaces. None and blank do not vote;
    ValueError when nobody does.
    """
    votes: dict[str, int] = {}
    first: dict[str, T] = {}
    for value in values:
        name = "" if value is None else str(value).strip().casefold()
        if name:
            votes[name] = votes.get(name, 0) + 1
            first.setdefault(name, value)
    if not votes:
        raise ValueError("majority of no values")
    return first[max(votes, key=lambda name: votes[name])]
