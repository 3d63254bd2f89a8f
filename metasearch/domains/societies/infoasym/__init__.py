"""`infoasym`: a question whose facts are spread over people who have to talk.

Liu et al. 2024, "iAgents", arXiv:2406.14928 (InformativeBench). Two members ask and are asked;
each sees only the messages of its own half, on file with the host, and may open a session with a
friend to learn what that one has not told. Levels: `easy` (how many activities of the two must go
so that nothing overlaps), `medium` (the longest activity of all), `hard` (when all are free),
`needle` (the one thing that two people whom nobody knows both have in common, or in which they
differ).

Worth: `(raw - floor) / (1 - floor) * min(1, budget / bytes)`. `raw` in [0, 1] is the answer of
seat 0: exact (easy, needle), F1 of names (medium), overlap of slots (hard). `floor` is what the
exact answer from the store of seat 0 alone is worth on this very item, always below 1; the
analytic bound is 1. `budget` is twice the bytes that the exact and thrifty bot `ask-only` sends on
this item, and `bytes` are what the design's seats have sent. Of 3,000 items drawn as Liu et al.
have them the floors are .455, .748, .673 with a recording probability of .1 and .102, .918, .317
with .3; here, items that can be answered without talk are left out.

Cheating: reading the other's store (it is on the host; a member gets what its own query finds);
whole schedules in compressed blobs (bytes are counted, not characters); remembering items over
episodes (all numbers are drawn anew, and hidden ones have other names, activities, phrasing,
number of people); a blind guess is sometimes right on `easy` (one of few small numbers) and on a
needle that is in common (one of ten), so means over episodes are to be compared with those of the
bot `no-talk` and not with 0; disclosure is found by words and times, so a code hides it from
`privacy`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Final

from metasearch.domains.societies.base import DESIGN, Game, MakeBot, Scenario, loader
from metasearch.domains.societies.infoasym.bots import AskOnly, Busy, DumpAll, NoTalk
from metasearch.domains.societies.infoasym.items import LEVELS, Item, draw
from metasearch.domains.societies.infoasym.rules import Sessions
from metasearch.domains.societies.measures import invalid_rate
from metasearch.domains.societies.table import Log
from metasearch.errors import ConfigError
from metasearch.types import Json, Split

__all__ = ["InfoAsym", "load"]

NAMES: Final = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal")
HIDDEN_NAMES: Final = (
    "Ines",
    "Jonas",
    "Kira",
    "Lew",
    "Mona",
    "Nils",
    "Olga",
    "Pavel",
    "Rosa",
    "Tara",
)
BUDGET_FACTOR: Final = 2


class InfoAsym(Game):
    """Questions that nobody can answer alone.

    Args:
        levels: of which items are drawn, each as often.
    """

    name: ClassVar[str] = "infoasym"
    bots: ClassVar[Mapping[str, MakeBot]] = {
        "ask-only": AskOnly,
        "busy": Busy,
        "dump-all": DumpAll,
        "no-talk": NoTalk,
    }
    about: ClassVar[str] = """\
People in two halves; one of each half (seat 0, the asker, and one other) have a session with \
each other, and can open sessions with friends of their own half. Each member sees only its own \
store of messages. Seat 0 gets a question about facts of both halves and gives the one answer.
Request "turn": `question` (text; None for all but seat 0), `with` (name of the one you talk \
with), `depth` (0: the main session), `turns_left` (messages in this session), `inbox` [{from, \
text}], `contacts` (names that you can open a session with), `messages_on_file`, `searches_left`, \
`result` (of your last query: {found: [{at, from, to, text}], more}, else None).
Reply with one of: a text (a message, cut at 500 bytes); {"query": {"sender": name, "keyword": \
text, "window": [first, last]}} (each may be left out; 20 messages at most are found at once; you \
are asked again at once, `result` holds them); {"open_session": name} (you speak first there; it \
ends after 4 messages or with {"answer": text}, which is delivered as its last message; then you \
go on where you were); {"answer": text or number} in the main session, seat 0 only: ends the \
episode.
A stored fact looks like `I have "Yoga" from 7:00 to 8:30.` or `My pet: "parrot".`, in other \
words elsewhere; the name is always in double quotes. What somebody has never told is in its own \
store as a message to itself. Answers: a number; names parted by commas; spans like 9:30-11:00, \
15:00-16:30; one thing.
Event "message": speaker, text (as in `inbox`).
Partners that are not of the design ask and answer in the words of the question and read spans \
like 9:00-10:30 and names in double quotes.
Score: how right the answer is beyond what your own store gives, times budget / bytes sent where \
that is below 1; the budget is twice what a thrifty exact exchange takes."""

    def __init__(self, levels: tuple[str, ...] = LEVELS) -> None:
        self.levels = levels

    @classmethod
    def of(cls, argument: str, options: Mapping[str, Json]) -> InfoAsym:
        """Return the game of one level, or of all four where `argument` is ""."""
        if argument and argument not in LEVELS:
            raise ConfigError(
                f"infoasym has no level {argument!r}, only {', '.join(LEVELS)}; or none for all"
            )
        cls.refuse(options=options)
        return cls((argument,) if argument else LEVELS)

    def scenario(self, split: Split, setting: str, rng: random.Random) -> Scenario:
        """Draw an item, who sits where, and what a thrifty exact exchange costs."""
        is_hidden = split is Split.TEST
        constants = draw(rng, rng.choice(self.levels), hidden=is_hidden)
        count = len(constants["names"])
        constants["names"] = rng.sample(HIDDEN_NAMES if is_hidden else NAMES, count)
        constants["seed"] = rng.getrandbits(31)
        drawn = Scenario(setting, _seats(setting, count, rng), constants)
        return replace(drawn, constants={**constants, "budget": self._budget(drawn)})

    def _budget(self, drawn: Scenario) -> int:
        alone = replace(drawn, seats=(DESIGN,) * len(drawn.seats))
        return BUDGET_FACTOR * sum(_sent(self.rehearse(alone, AskOnly)))

    def environment(self, scenario: Scenario) -> Sessions:
        """Return the sessions about one item."""
        return Sessions(scenario.constants)

    def metrics(self, log: Log) -> dict[str, float]:
        """Return all measures of an episode.

        `raw`, `floor` and `gain` in [0, 1]; `bytes` of the design's seats and of `all`; `messages`,
        `sessions`, `searches`; `privacy`: the share of facts that the other half does not need and
        was told all the same, in [0, 1], lower is better; `invalid_rate`.
        """
        item, scenario = Item.of(log[0]["constants"]), Scenario.of(log[0])
        value = next((event["value"] for event in log if event["kind"] == "answer"), None)
        raw, floor = item.grade(value), item.alone()
        sent = _sent(log)
        acts = [event["value"] for event in log if event["kind"] == "act"]
        opened = [act for act in acts if isinstance(act, dict) and "open_session" in act]
        queries = [act for act in acts if isinstance(act, dict) and "query" in act]
        return {
            "raw": raw,
            "floor": floor,
            "gain": max(0.0, (raw - floor) / (1 - floor)) if floor < 1 else raw,
            "bytes": float(sum(sent[seat] for seat in scenario.focal)),
            "bytes_all": float(sum(sent)),
            "messages": float(sum(event["kind"] == "message" for event in log)),
            "sessions": 1.0 + len(opened),
            "searches": float(len(queries)),
            "privacy": _disclosed(item, log),
            "invalid_rate": invalid_rate(log, scenario.focal),
        }

    def score(self, log: Log) -> float:
        """Return the gain over the floor, less where more bytes were sent than the budget."""
        measured = self.metrics(log)
        budget = float(log[0]["constants"]["budget"])
        return measured["gain"] * min(1.0, budget / max(1.0, measured["bytes"]))


def _seats(setting: str, count: int, rng: random.Random) -> tuple[str, ...]:
    half = count // 2
    if setting == "self":
        return (DESIGN,) * count
    if setting == "shock":
        return (DESIGN,) * half + ("busy",) * half
    if rng.random() < 1 / 3:  # the design is asked, and does not know the question
        return ("ask-only",) * half + (DESIGN,) * half
    return (DESIGN,) * half + (rng.choice(("ask-only", "dump-all")),) * half


def _sent(log: Log) -> list[int]:
    """Return the bytes of each seat's messages."""
    sent = [0] * len(log[0]["seats"])
    for event in log:
        if event["kind"] == "message":
            sent[event["seat"]] += len(event["text"].encode())
    return sent


def _disclosed(item: Item, log: Log) -> float:
    private = [fact for fact in item.facts if item.is_private(fact)]
    leaked = 0
    for fact in private:
        side = item.side(fact.owner)
        heard = (
            event["text"].lower()
            for event in log
            if event["kind"] == "message" and event["seat"] in side and event["to"][0] not in side
        )
        leaked += any(all(mark in text for mark in fact.marks) for text in heard)
    return leaked / len(private) if private else 0.0


load = loader(InfoAsym)
