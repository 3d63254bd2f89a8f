"""Members that need no model: they send everything, nothing, or only what is asked for."""

from __future__ import annotations

import random
import re
from abc import ABC, abstractmethod
from typing import Final, NamedTuple

import metasearch.domains.societies.infoasym.schedule as schedule
from metasearch.domains.societies.infoasym.items import SPAN, clock, read_names, read_spans
from metasearch.domains.societies.infoasym.schedule import SLEEP, Activity
from metasearch.domains.societies.table import Event
from metasearch.types import Json

__all__ = ["AskOnly", "Busy", "DumpAll", "NoTalk"]

FACT: Final = re.compile(r'(?:(\w[\w -]*): )?"([^"]+)"(?: (\d{1,2}:\d\d-\d{1,2}:\d\d))?')
TOPICS: Final = ("overlap", "longest", "free", "common", "differ")
CHUNK_CHARACTERS: Final = 450  # a message may have 500 bytes
END: Final = "END"
SHORT_CHARACTERS: Final = 80
BUSY_TURNS: Final = 2
LATEST: Final = 10**6


class _Known(NamedTuple):
    owner: str
    what: str
    slots: frozenset[int] = frozenset()


def _read(text: str, owner: str) -> list[_Known]:
    """Return the facts of a message: `Ann: "Yoga" 9:00-10:30`, or less of it."""
    found = [_Known(who or owner, what, read_spans(span)) for who, what, span in FACT.findall(text)]
    if found:
        return found
    spans = SPAN.findall(text)
    if "free" in text and spans:
        return [_Known(owner, "", frozenset(range(schedule.SLOTS)) - read_spans(text))]
    if spans:
        texts = [f"{a}:{b}-{c}:{d}" for a, b, c, d in spans]
        return [_Known(owner, f"#{number}", read_spans(one)) for number, one in enumerate(texts)]
    if any(mark in text for mark in ".?!") or len(text) > SHORT_CHARACTERS:
        return []  # a sentence, not a thing
    return [_Known(owner, name) for name in read_names(text) if name != END.casefold()]


def _topic(text: str) -> str:
    return next((topic for topic in TOPICS if topic in text), "")


def _texts(slots: frozenset[int]) -> str:
    return ", ".join(f"{clock(start)}-{clock(end)}" for start, end in schedule.spans(slots))


def _solve(topic: str, known: list[_Known], me: str, other: str, mine: set[str]) -> str:
    """Return the answer to a question from what is known."""
    acts = [
        (one.owner, Activity(one.what, min(one.slots), max(one.slots) + 1))
        for one in known
        if one.slots
    ]
    if topic == "overlap":
        return str(schedule.deletions(act for owner, act in acts if owner in (me, other)))
    if topic == "longest":
        return ", ".join(sorted(schedule.longest(act for _, act in acts)))
    if topic == "free":
        busy: frozenset[int] = frozenset().union(*(one.slots for one in known))
        return _texts(frozenset(range(schedule.SLOTS)) - busy)
    ours = {one.what.casefold() for one in known if one.owner in mine}
    theirs = {one.what.casefold() for one in known if one.owner not in mine}
    hits = sorted(theirs & ours if topic == "common" else theirs - ours)
    return hits[0] if hits else min(ours, default="")


class _Reader(ABC):
    """Reads its whole store before it speaks."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.me = ""
        self.known: list[_Known] = []
        self.untold: list[_Known] = []
        self.inbox: list[tuple[str, str]] = []
        self.contacts: list[str] = []
        self._read_to = 0

    def observe(self, event: Event) -> None:
        """Take up its name."""
        if event["kind"] == "rules":
            self.me = event["you"]

    def act(self, request: dict[str, Json]) -> Json:
        """Take up what was heard and found, read on, then speak."""
        self.inbox += [(one["from"], one["text"]) for one in request["inbox"]]
        self.contacts = request["contacts"]
        for row in (request["result"] or {"found": []})["found"]:
            facts = [_Known(row["from"], one.what, one.slots) for one in self._facts(row["text"])]
            self.known += facts
            self._read_to = row["at"] + 1
            if row["from"] == row["to"] == self.me:
                self.untold += facts
        if self._read_to < request["messages_on_file"]:
            return {"query": {"window": [self._read_to, LATEST]}}
        return self.speak(request)

    def _facts(self, text: str) -> list[_Known]:
        """Return the fact of a stored message; it has its name in quotes."""
        quoted = re.findall(r'"([^"]+)"', text)
        return [_Known("", name, read_spans(text)) for name in quoted]

    @abstractmethod
    def speak(self, request: dict[str, Json]) -> Json:
        """Decide, all of the store being read."""

    def answer(self, request: dict[str, Json]) -> Json:
        """Answer the question from all that is known."""
        mine = {self.me, *self.contacts}
        topic = _topic(request["question"])
        return {"answer": _solve(topic, self.known, self.me, request["with"], mine)}


class NoTalk(_Reader):
    """Answers from its own store, says nothing: the floor."""

    def speak(self, request: dict[str, Json]) -> Json:
        """Answer at once, or say nothing."""
        if request["question"] is not None and request["depth"] == 0:
            return self.answer(request)
        return ""


class DumpAll(_Reader):
    """Sends everything it knows to everybody: always right, never cheap, never discreet."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.outbox: list[str] | None = None
        self.asked: list[str] = []
        self.is_done = False

    def speak(self, request: dict[str, Json]) -> Json:
        """Send all that is left to send; answer when the other half has sent all."""
        if request["depth"] > 0:
            return self.with_friend(request)
        heard = self.learn(request)
        self.is_done = self.is_done or any(text.endswith(END) for text in heard)
        if friend := self.friend_to_ask():
            return {"open_session": friend}
        if request["question"] is not None and self.is_done:
            return self.answer(request)
        if self.outbox is None:
            mine = {self.me, *self.contacts}
            self.outbox = self.chunks([one for one in self.known if one.owner in mine])
        return self.outbox.pop(0) if self.outbox else ""

    def with_friend(self, request: dict[str, Json]) -> Json:
        """Ask a friend for what it has not told yet, or tell it."""
        heard = self.learn(request)
        if self.asked and request["with"] == self.asked[-1]:
            return {"answer": ""} if heard else "Tell me all."
        return {"answer": " ".join(self.chunks(self.untold))}

    def learn(self, request: dict[str, Json]) -> list[str]:
        """Take up all facts heard since; return what the one spoken with has said."""
        heard, self.inbox = self.inbox, []
        for owner, text in heard:
            if not text.endswith("?") or not _topic(text):  # else it is a question
                self.known += [fact for fact in _read(text, owner) if fact not in self.known]
        return [text for owner, text in heard if owner == request["with"]]

    def friend_to_ask(self) -> str:
        """Return the next friend to open a session with, "" where all have been asked."""
        left = [name for name in self.contacts if name not in self.asked]
        self.asked += left[:1]
        return left[0] if left else ""

    def chunks(self, facts: list[_Known]) -> list[str]:
        """Return messages that hold all of these facts, the last one ending with END."""
        lines = [f'{one.owner}: "{one.what}" {_texts(one.slots)}'.strip() + ";" for one in facts]
        found = [""]
        for line in [*lines, END]:
            if len(found[-1]) + len(line) >= CHUNK_CHARACTERS:
                found.append("")
            found[-1] = f"{found[-1]} {line}".strip()
        return found


class AskOnly(DumpAll):
    """Asks the other half for just what the question needs, and tells no more than that."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.topic = ""
        self.request = ""

    def speak(self, request: dict[str, Json]) -> Json:
        """Ask, or answer what is asked."""
        if request["depth"] > 0:
            return self.with_friend(request)
        if request["question"] is not None:
            return self.ask(request)
        self.request = " ".join(self.learn(request)) or self.request
        self.topic = _topic(self.request)
        if not self.topic:  # someone who does not ask is given all
            self.inbox = [(request["with"], self.request)]
            return super().speak(request)
        if self.topic != "overlap" and (friend := self.friend_to_ask()):
            return {"open_session": friend}
        return self.part(self.known)

    def ask(self, request: dict[str, Json]) -> Json:
        """Ask until something comes back, then answer."""
        self.topic = _topic(request["question"])
        heard = " ".join(self.learn(request))
        if ': "' in heard and END not in heard and request["turns_left"] > 1:
            return ""  # somebody who tells all, and has not done yet
        if any(one.owner not in {self.me, *self.contacts} for one in self.known):
            return self.answer(request)
        if self.topic != "overlap" and (friend := self.friend_to_ask()):
            return {"open_session": friend}
        return {
            "overlap": "What times may overlap, of your own activities but sleep?",
            "longest": "What is longest of yours but sleep?",
            "free": "When is anybody of yours not free?",
        }.get(self.topic) or ", ".join(one.what for one in self.known) + f": {self.topic}?"

    def with_friend(self, request: dict[str, Json]) -> Json:
        """Ask a friend in one word for what it has not told yet, or tell it."""
        heard = self.learn(request)
        if not (self.asked and request["with"] == self.asked[-1]):
            self.topic = _topic(" ".join(heard))
            if self.topic in ("common", "differ"):
                return {"answer": ", ".join(f'"{one.what}"' for one in self.untold)}
            return {"answer": self.part(self.untold) if self.untold else ""}
        return {"answer": ""} if heard else f"{self.topic}?"

    def part(self, known: list[_Known]) -> str:
        """Return what the other half needs of these facts."""
        if self.topic == "overlap":
            own = [one for one in known if one.owner == self.me and one.what != SLEEP]
            return ", ".join(_texts(one.slots) for one in own)
        if self.topic == "free":
            return _texts(frozenset().union(*(one.slots for one in known)))
        if self.topic == "longest":
            acts = [one for one in known if one.what != SLEEP]
            most = max((len(one.slots) for one in acts), default=0)
            best = {one.what: one for one in acts if len(one.slots) == most}
            return ", ".join(f'"{one.what}" {_texts(one.slots)}' for one in best.values())
        named = {one.what for one in known if one.what.casefold() in self.request.casefold()}
        every = {one.what for one in known}
        wanted = (named if self.topic == "common" else every - named) if named else every
        return ", ".join(f'"{what}"' for what in sorted(wanted))


class Busy(AskOnly):
    """Puts the asker off twice, then is as helpful as `AskOnly`."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.put_off = 0

    def speak(self, request: dict[str, Json]) -> Json:
        """Put off who asks, then help."""
        is_asked = request["question"] is None and request["depth"] == 0
        if is_asked and self.put_off < BUSY_TURNS and self.inbox:
            self.put_off += 1
            self.inbox = []
            return "I am in a hurry, please ask me again."
        return super().speak(request)
