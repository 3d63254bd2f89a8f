"""Sessions of two, within one another: who speaks, searches its store, opens a session, answers."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from metasearch.domains.societies.decisions import Fields, Invalid, OneOf, Text, Whole
from metasearch.domains.societies.infoasym.items import Item
from metasearch.domains.societies.infoasym.stores import search, stores
from metasearch.domains.societies.table import Ask, Play, Table
from metasearch.types import Json

__all__ = ["DEPTH", "MESSAGE_BYTES", "SEARCHES", "SUB_TURNS", "TURNS", "Query", "Sessions", "cut"]

MESSAGE_BYTES: Final = 500
TURNS: Final = 10  # messages of the main session, as in Liu et al. 2024
SUB_TURNS: Final = 4  # messages of a session opened within another
DEPTH: Final = 2  # sessions open within the main one, one within the other
SUB_SESSIONS: Final = 12  # in one episode
SEARCHES: Final = 24  # of one member in one episode
LATEST: Final = 10**6
RULES: Final = (
    "You can read only your own store of messages. Sometimes you talk with another member, in "
    "turns; what you send costs by the byte, and what you give away without need is counted. "
    "Seat 0 of the main session has a question and gives the one answer."
)


class Query:
    """A search of one's own store; every field may be left out."""

    def read(self, value: Json) -> dict[str, Json]:
        """Return it with all of its fields."""
        if not isinstance(value, dict):
            raise Invalid("a query is an object with sender, keyword, window")
        window = value.get("window") or [0, LATEST]
        if not isinstance(window, list) or len(window) != 2:
            raise Invalid("a window is a list of the first and the last number")
        return {
            "sender": Text(60).read(value.get("sender") or ""),
            "keyword": Text(60).read(value.get("keyword") or ""),
            "window": [Whole(0, LATEST).read(one) for one in window],
        }

    def told(self) -> Json:
        """Say it."""
        fields = {"sender": "str", "keyword": "str", "window": "[first, last]"}
        return {"type": "object", "fields": fields, "optional": True}


REPLY: Final = OneOf(
    (
        Text(MESSAGE_BYTES),
        Fields({"answer": OneOf((Text(1_000), Whole(-(10**9), 10**9)))}),
        Fields({"open_session": Text(60)}),
        Fields({"query": Query()}),
    )
)


def cut(text: str) -> str:
    """Return what of a message is delivered: its first 500 bytes, no half character."""
    return text.encode("utf-8", "replace")[:MESSAGE_BYTES].decode("utf-8", "ignore")


@dataclass(slots=True)
class _Session:
    """Two who talk; `pair[0]` has opened it."""

    pair: tuple[int, int]
    left: int
    speaker: int
    inbox: dict[int, list[dict[str, Json]]] = field(default_factory=dict)

    def other(self, seat: int) -> int:
        return self.pair[1] if seat == self.pair[0] else self.pair[0]


class Sessions:
    """One item, played: the main session of seats 0 and `half`, and those opened within it.

    Args:
        constants: of `items.draw`, with a `seed` of the stores' phrasing.
    """

    def __init__(self, constants: Mapping[str, Json]) -> None:
        self.item = Item.of(constants)
        self.seats = len(self.item.names)
        self._stores = stores(self.item, random.Random(constants["seed"]))
        self._searches = [0] * self.seats
        self._found: list[Json] = [None] * self.seats
        self._opened = 0

    def play(self, table: Table) -> Play:
        """Let them talk until seat 0 answers, or can no more."""
        for seat in range(self.seats):
            table.tell("rules", [seat], text=RULES, you=self.item.names[seat])
        stack = [_Session((0, self.item.half), TURNS, 0)]
        while True:
            session = stack[-1]
            seat = session.speaker
            [reply] = yield [self._ask(seat, session, len(stack) - 1)]
            asked = reply if isinstance(reply, dict) else {}
            if "query" in asked and self._searches[seat] < SEARCHES:
                self._searches[seat] += 1
                self._found[seat] = search(self._stores[seat], asked["query"])
            elif len(stack) == 1 and seat == 0 and ("answer" in asked or session.left == 0):
                table.note("answer", value=asked.get("answer"))
                return
            elif opened := self._open(seat, asked.get("open_session"), stack):
                stack.append(opened)
            else:
                self._say(table, session, str(asked.get("answer", "")) if asked else reply)
                if len(stack) > 1 and (session.left == 0 or "answer" in asked):
                    self._close(stack)

    def contacts(self, seat: int) -> list[int]:
        """Return with whom a member can open a session: the others of its half."""
        return [other for other in self.item.side(seat) if other != seat]

    def _ask(self, seat: int, session: _Session, depth: int) -> Ask:
        names = self.item.names
        about = {
            "question": self.item.question if seat == 0 else None,
            "with": names[session.other(seat)],
            "depth": depth,
            "turns_left": session.left,
            "inbox": session.inbox.pop(seat, []),
            "contacts": [names[other] for other in self.contacts(seat)],
            "messages_on_file": len(self._stores[seat]),
            "searches_left": SEARCHES - self._searches[seat],
            "result": self._found[seat],
        }
        self._found[seat] = None
        return Ask(seat, "turn", about, REPLY, "")

    def _open(self, seat: int, name: Json, stack: Sequence[_Session]) -> _Session | None:
        """Return the session that a member opens, None where it opens none or may not."""
        others = [other for other in self.contacts(seat) if self.item.names[other] == name]
        if not others or len(stack) > DEPTH or self._opened == SUB_SESSIONS:
            return None
        if any({seat, others[0]} == set(session.pair) for session in stack):
            return None
        self._opened += 1
        return _Session((seat, others[0]), SUB_TURNS, seat)

    def _say(self, table: Table, session: _Session, said: str) -> None:
        seat, names = session.speaker, self.item.names
        text, other = cut(said), session.other(seat)
        table.tell("message", [other], speaker=names[seat], text=text, seat=seat)
        session.inbox.setdefault(other, []).append({"from": names[seat], "text": text})
        session.speaker = other
        session.left -= 1

    def _close(self, stack: list[_Session]) -> None:
        """Go back to the session before; who opened this one takes along what it was told."""
        closed = stack.pop()
        opener = closed.pair[0]
        unread = closed.inbox.get(opener, [])
        stack[-1].inbox[opener] = stack[-1].inbox.get(opener, []) + unread
