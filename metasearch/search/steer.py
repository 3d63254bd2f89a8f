"""Steering a search while it runs: ideas, designs, pinned parents and bans, asked for by a person.

What is asked for is a row of the search's log, so it reaches the process that runs the search from
any terminal, waits for a search that is paused, and stays: the rows are the audit trail. Each is
taken by one proposal, and that is a row, too. A search that goes on makes a proposal again with
what it had taken, and asks nothing of its meta agent that was not asked before.
"""

from __future__ import annotations

import datetime
import getpass
import json
import os
import secrets
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from metasearch.archive import Archive
from metasearch.search.member import Member
from metasearch.types import Design, Json

__all__ = [
    "BANNED",
    "MOST_PINS",
    "READS_NO_WORDS",
    "Action",
    "Course",
    "Steer",
    "Steering",
    "ask",
    "asked",
    "standing",
]

STEER, TAKEN = "steer", "steered"  # kinds of the events: what is asked for, and who has taken it
BANNED = "banned by the user"
READS_NO_WORDS = frozenset({"recombine"})  # proposers that ask no model
MOST_PINS = 3  # as many parents as a proposer is shown at most


class Action(StrEnum):
    """What a person may ask of a search."""

    IDEA = "idea"
    DESIGN = "design"
    PIN = "pin"
    UNPIN = "unpin"
    BAN = "ban"
    UNBAN = "unban"


ONCE = (Action.IDEA, Action.DESIGN)  # each for one proposal; the others hold until they are undone


@dataclass(frozen=True, slots=True)
class Steer:
    """One thing that was asked for.

    Attributes:
        token: its name in the log.
        by: user and host.
        text: of an idea.
        number: of the entry that is pinned or banned.
        design: that is to become an entry, made from the entries `parents`.
        taken: number of the proposal that it was for, or from which on it holds; None until then.
    """

    token: str
    at: datetime.datetime
    by: str
    action: Action
    text: str = ""
    number: int | None = None
    design: Design | None = None
    parents: tuple[int, ...] = ()
    taken: int | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """What a person asks of one proposal.

    Attributes:
        idea: for a proposer that reads words, "" for none.
        design: takes the proposal's place; None for none.
        parents: the entries that `design` was made from.
        pinned: numbers of the parents that come first.
        banned: numbers of the entries that nothing is to be made from.
    """

    idea: str = ""
    design: Design | None = None
    parents: tuple[int, ...] = ()
    pinned: tuple[int, ...] = ()
    banned: frozenset[int] = frozenset()


def ask(
    archive: Archive,
    search_id: str,
    action: Action,
    *,
    text: str = "",
    number: int | None = None,
    design: Design | None = None,
    parents: Sequence[int] = (),
) -> None:
    """Ask something of a search, whoever runs it and whether or not it runs; see `Steer`."""
    asked_for: dict[str, Json] = {
        "token": secrets.token_hex(4),
        "by": _who(),
        "action": str(action),
        "text": text,
        "number": number,
        "parents": list(parents),
    }
    if design is not None:
        asked_for |= {"source": design.source, "name": design.name, "idea": design.idea}
    archive.add_event(search_id, STEER, json.dumps(asked_for))


def asked(archive: Archive, search_id: str) -> list[Steer]:
    """Return all that was ever asked of a search, oldest first."""
    events = archive.events(search_id)
    taken: dict[str, int] = {}
    for event in events:
        if event.kind == TAKEN:
            told = json.loads(event.text)
            taken.setdefault(told["token"], told["proposal"])
    return [
        _steer(json.loads(event.text), event.at, taken) for event in events if event.kind == STEER
    ]


def standing(steers: Iterable[Steer], action: Action) -> tuple[int, ...]:
    """Return the entries that are pinned, or banned, by all of these steers, oldest first.

    Args:
        action: `PIN` or `BAN`.
    """
    undo = Action.UNPIN if action is Action.PIN else Action.UNBAN
    numbers: dict[int, None] = {}
    for one in steers:
        if one.number is not None and one.action is action:
            numbers[one.number] = None
        elif one.number is not None and one.action is undo:
            numbers.pop(one.number, None)
    return tuple(numbers)


@dataclass(frozen=True, slots=True)
class Steering:
    """The side of the process that runs the search."""

    archive: Archive
    search_id: str

    def take(self, number: int, *, reads_ideas: bool) -> Course:
        """Return what is asked of proposal `number`; what nobody has taken yet, it takes.

        Args:
            reads_ideas: whether the search has a proposer that words mean something to.
        """
        steers = asked(self.archive, self.search_id)
        has_one = any(one.taken == number and one.action in ONCE for one in steers)
        for place, one in enumerate(steers):
            fits = not has_one and (reads_ideas or one.action is Action.DESIGN)
            if one.taken is None and (one.action not in ONCE or fits):
                has_one = has_one or one.action in ONCE
                steers[place] = self._taken(one, number)
        own = [one for one in steers if one.taken == number and one.action in ONCE]
        held = [one for one in steers if one.taken is not None and one.taken <= number]
        return Course(
            idea=next((one.text for one in own if one.action is Action.IDEA), ""),
            design=next((one.design for one in own if one.design), None),
            parents=next((one.parents for one in own if one.design), ()),
            pinned=standing(held, Action.PIN),
            banned=frozenset(standing(held, Action.BAN)),
        )

    def ban(self, members: Iterable[Member]) -> None:
        """Keep the banned from winning and from being raced against; who no longer is, may again.

        It counts as stopped, also for the table: it was tried, and has a part in what luck can do.
        """
        banned = standing(asked(self.archive, self.search_id), Action.BAN)
        for one in members:
            if one.number in banned and one.status == "evaluated":
                self._set(one, "stopped", BANNED)
            elif one.number not in banned and (one.status, one.reason) == ("stopped", BANNED):
                self._set(one, "evaluated", "")

    def _set(self, member: Member, status: str, reason: str) -> None:
        self.archive.set_entry(member.entry_id, status=status, reason=reason)
        member.status, member.reason = status, reason

    def _taken(self, one: Steer, number: int) -> Steer:
        text = json.dumps({"token": one.token, "proposal": number})
        self.archive.add_event(self.search_id, TAKEN, text)
        return replace(one, taken=number)


def _steer(told: dict[str, Json], at: datetime.datetime, taken: dict[str, int]) -> Steer:
    design = None
    if "source" in told:
        design = Design(told["source"], told["name"], told["idea"])
    return Steer(
        token=told["token"],
        at=at,
        by=told["by"],
        action=Action(told["action"]),
        text=told["text"],
        number=told["number"],
        design=design,
        parents=tuple(told["parents"]),
        taken=taken.get(told["token"]),
    )


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = str(os.getuid()) if hasattr(os, "getuid") else "somebody"
    return f"{user}@{socket.gethostname()}"
