"""One question whose facts are spread over several people: who knows what, and what is right."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import metasearch.domains.societies.infoasym.schedule as schedule
from metasearch.domains.societies.infoasym.schedule import SLEEP, Activity
from metasearch.types import Json

__all__ = ["LEVELS", "NEEDLE", "Fact", "Item", "clock", "draw", "read_names", "read_spans"]

NEEDLE: Final = "needle"
LEVELS: Final = ("easy", "medium", "hard", NEEDLE)
RECORDING: Final = {"easy": 0.3, "medium": 0.1, "hard": 0.3}
MOST_DRAWS: Final = 1_000  # until an item cannot be answered without talk
SPAN: Final = re.compile(r"(\d{1,2}):(\d\d)\s*(?:-|–|to|until)\s*(\d{1,2}):(\d\d)")

PERSONA: Final[Mapping[str, tuple[str, ...]]] = {
    "pet": ("parrot", "tortoise", "hamster", "greyhound", "goldfish"),
    "home town": ("Lisbon", "Oslo", "Kyoto", "Quito", "Tunis"),
    "instrument": ("cello", "trumpet", "accordion", "harp", "banjo"),
    "sport": ("fencing", "rowing", "badminton", "climbing", "judo"),
    "favourite dish": ("risotto", "goulash", "ramen", "paella", "falafel"),
    "job": ("baker", "surveyor", "nurse", "locksmith", "librarian"),
    "feared thing": ("spiders", "thunder", "heights", "snakes", "lifts"),
    "vehicle": ("tricycle", "van", "scooter", "canoe", "tandem"),
    "collection": ("stamps", "fossils", "teapots", "postcards", "coins"),
    "lucky number": ("seven", "eleven", "thirteen", "nineteen", "forty-two"),
}
HIDDEN_PERSONA: Final[Mapping[str, tuple[str, ...]]] = {
    "garden plant": ("dahlia", "fern", "quince", "lavender", "thistle"),
    "first language": ("Basque", "Tamil", "Finnish", "Zulu", "Welsh"),
    "dance": ("tango", "foxtrot", "polka", "samba", "bolero"),
    "drink": ("cocoa", "cider", "matcha", "lemonade", "kefir"),
    "study": ("geology", "law", "theology", "botany", "optics"),
    "holiday place": ("Crete", "Iceland", "Madeira", "Zanzibar", "Corfu"),
    "hobby": ("origami", "weaving", "astronomy", "juggling", "calligraphy"),
    "board game": ("go", "backgammon", "checkers", "mahjong", "dominoes"),
    "wool colour": ("crimson", "ochre", "teal", "indigo", "ivory"),
    "season": ("spring", "summer", "autumn", "winter", "monsoon"),
}
QUESTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "easy": (
        "How many activities of you and {other}, sleep excepted, have to be deleted at least so "
        "that no two of your and {other}'s activities overlap? Answer with the number.",
        "Put your own day and {other}'s on one calendar: at least how many entries (never sleep) "
        "must be struck out until none overlap? Say how many.",
    ),
    "medium": (
        "Which activity of all of you lasts longest, sleep excepted: yours, {other}'s, your and "
        "{other}'s friends'? Answer with its name.",
        "Among you, {other} and the friends of both, name the longest entry in anybody's day; "
        "sleep does not count.",
    ),
    "hard": (
        "When are all of you free at once today: you, {other}, and the friends of both? Answer "
        "with all spans between 0:00 and 24:00, like 9:30-11:00, 15:00-16:30.",
        "List every span between 0:00 and 24:00 that is free for everybody, that is you, {other} "
        "and both sides' friends, like 9:30-11:00, 15:00-16:30.",
    ),
    "common": (
        "Your friend {friend} and the friend of {other} have exactly one thing in common. Which? "
        "Answer with the thing.",
        "One single thing is in common between {friend}, your friend, and {other}'s friend. Name "
        "it.",
    ),
    "differ": (
        "Your friend {friend} and the friend of {other} are alike but for one thing, in which they "
        "differ. Answer with what is true of {other}'s friend.",
        "{friend}, your friend, and {other}'s friend differ in a single thing. Name the one of "
        "{other}'s friend.",
    ),
}


class Fact(NamedTuple):
    """Something true of one person.

    Attributes:
        owner: whose seat.
        marks: what a text must contain, in small letters, to give it away.
        told: whether the owner has told it to the friend who is asked; else only the owner knows.
        what: `Activity`, or a persona's (attribute, value).
    """

    owner: int
    marks: tuple[str, ...]
    told: bool
    what: Activity | tuple[str, str]


def clock(slot: int) -> str:
    """Return a slot's beginning as a time: 19 is "9:30"."""
    return f"{slot // 2}:{'30' if slot % 2 else '00'}"


def read_spans(text: str) -> frozenset[int]:
    """Return the slots that are wholly or partly in the spans of a text, like "9:30-11:00"."""
    slots: set[int] = set()
    for first_hour, first, last_hour, last in SPAN.findall(text):
        start = int(first_hour) * 2 + int(first) // 30
        end = int(last_hour) * 2 + -(-int(last) // 30)
        slots.update(range(start, min(end, schedule.SLOTS)))
    return frozenset(slots)


def read_names(text: str) -> frozenset[str]:
    """Return the names of a list, parted by commas, semicolons or lines, in small letters."""
    parts = re.split(r"[,;\n]", text)
    return frozenset(part.strip(" \t.\"'").casefold() for part in parts) - {""}


@dataclass(frozen=True, slots=True)
class Item:
    """A question and all facts.

    Seats `0` and `half` are asked and asking: 0 has the question, `half` is the one whom it can
    ask; the seats behind each of them are its friends.

    Attributes:
        level: "easy", "medium", "hard" or "needle".
        names: of all seats.
        facts: of everybody.
        wording: which of the two phrasings.
        turn: "common" or "differ", of a needle; otherwise the level.
    """

    level: str
    names: tuple[str, ...]
    facts: tuple[Fact, ...]
    wording: int
    turn: str

    @classmethod
    def of(cls, constants: Mapping[str, Json]) -> Item:
        """Return the item that a scenario's constants describe."""
        level = constants["level"]
        facts = []
        for owner, held in enumerate(constants["facts"]):
            for what, told in zip(held, constants["told"][owner], strict=True):
                if level == NEEDLE:
                    facts.append(Fact(owner, (what[1].lower(),), told, (what[0], what[1])))
                else:
                    one = Activity(*what)
                    marks = (one.name.lower(), clock(one.start))
                    facts.append(Fact(owner, marks, told, one))
        names = tuple(constants["names"])
        return cls(level, names, tuple(facts), constants["wording"], constants["turn"])

    @property
    def half(self) -> int:
        """The seat that can be asked."""
        return len(self.names) // 2

    @property
    def question(self) -> str:
        """What seat 0 is asked."""
        text = QUESTIONS[self.turn][self.wording]
        return text.format(other=self.names[self.half], friend=self.names[1])

    def side(self, seat: int) -> range:
        """Return the seats of one's own half."""
        return range(self.half) if seat < self.half else range(self.half, len(self.names))

    def answer(self, facts: Iterable[Fact] | None = None) -> str:
        """Return the exact answer from some facts, all by default, as seat 0 would put it."""
        known = self.facts if facts is None else tuple(facts)
        if self.level == NEEDLE:
            return self._needle(known)
        acts = {owner: _activities(known, owner) for owner in range(len(self.names))}
        if self.level == "easy":
            return str(schedule.deletions(acts[0] + acts[self.half]))
        everything = [act for held in acts.values() for act in held]
        if self.level == "medium":
            return ", ".join(sorted(schedule.longest(everything)))
        slots = schedule.spans(schedule.free(everything))
        return ", ".join(f"{clock(start)}-{clock(end)}" for start, end in slots)

    def _needle(self, known: tuple[Fact, ...]) -> str:
        mine, theirs = _persona(known, 1), _persona(known, self.half + 1)
        alike = self.turn == "common"
        hits = [value for key, value in theirs.items() if (mine.get(key) == value) == alike]
        return hits[0] if hits else next(iter(mine.values()), "")

    def grade(self, answer: Json) -> float:
        """Return how right an answer is, in [0, 1]: exact, F1 of names, or overlap of slots."""
        text = str(answer) if isinstance(answer, str | int | float) else ""
        gold = self.answer()
        if self.level == "easy":
            return float(set(re.findall(r"\d+", text)) == {gold})
        if self.level == "hard":
            return schedule.iou(read_spans(text), read_spans(gold))
        found = read_names(text)
        if self.level == "medium":
            return schedule.f1(found, read_names(gold))
        return float(found == read_names(gold))

    def alone(self) -> float:
        """Return what an answer is worth that is made from the store of seat 0 alone."""
        return self.grade(self.answer(fact for fact in self.facts if self.holds(0, fact)))

    def holds(self, seat: int, fact: Fact) -> bool:
        """Return whether a fact is in somebody's store from the beginning."""
        mine = fact.owner == seat
        return mine or (fact.told and seat in (0, self.half) and fact.owner in self.side(seat))

    def is_private(self, fact: Fact) -> bool:
        """Return whether nobody of the other half needs this fact for the question."""
        if isinstance(fact.what, Activity):
            if self.level == "easy":
                return fact.owner not in (0, self.half) or fact.what.name == SLEEP
            if self.level == "hard":  # when somebody is busy is needed, never with what
                return True
            side = _activities([one for one in self.facts if one.owner in self.side(fact.owner)])
            return fact.what.name not in schedule.longest(side)
        return fact.what[1] != self.answer()


def _activities(facts: Iterable[Fact], owner: int | None = None) -> list[Activity]:
    held = [fact for fact in facts if owner is None or fact.owner == owner]
    return [fact.what for fact in held if isinstance(fact.what, Activity)]


def _persona(facts: Iterable[Fact], owner: int) -> dict[str, str]:
    held = [fact.what for fact in facts if fact.owner == owner]
    return {what[0]: what[1] for what in held if not isinstance(what, Activity)}


def draw(rng: random.Random, level: str, *, hidden: bool) -> dict[str, Json]:
    """Draw the constants of an item that seat 0 cannot answer from its own store.

    Args:
        rng: the only source of chance.
        level: one of `LEVELS`.
        hidden: other activities, personas, sizes and phrasing than are ever shown to a search.

    Raises:
        RuntimeError: no such item came up.
    """
    half = 2 if level == NEEDLE else rng.choice((2, 4)) if hidden else 3
    share = rng.choice((1.0, 0.5 if hidden else 0.7))
    for _ in range(MOST_DRAWS):
        turn = rng.choice(("common", "differ")) if level == NEEDLE else level
        drawn = _needle(rng, turn, hidden) if level == NEEDLE else _days(rng, level, half, hidden)
        constants: dict[str, Json] = {
            "level": level,
            "names": [f"P{seat}" for seat in range(2 * half)],
            "facts": [[list(fact) for fact in held] for held in drawn],
            "told": [[rng.random() < share for _ in held] for held in drawn],
            "wording": int(hidden),
            "turn": turn,
        }
        if turn == "common" or (drawn and Item.of(constants).alone() < 1):
            return constants
    raise RuntimeError(f"no {level} item that needs talk")


def _needle(rng: random.Random, turn: str, hidden: bool) -> list[list[tuple[str, str]]]:
    persona = HIDDEN_PERSONA if hidden else PERSONA
    keys = rng.sample(list(persona), len(persona))
    odd = rng.choice(keys)
    mine, theirs = [], []
    for key in keys:
        one, other = rng.sample(persona[key], 2)
        mine.append((key, one))
        theirs.append((key, one if (key == odd) == (turn == "common") else other))
    rng.shuffle(theirs)
    return [[], mine, [], theirs]


def _days(rng: random.Random, level: str, half: int, hidden: bool) -> list[schedule.Day]:
    catalogue = schedule.HIDDEN if hidden else schedule.KNOWN
    recording = RECORDING[level] + (0.1 if hidden else 0)
    if level != "medium":
        return schedule.days(rng, 2 * half, recording, catalogue)
    # The one longest activity is planted with somebody whom seat 0 has never talked to.
    shorter = catalogue.below(schedule.PLANTED_SLOTS)
    days = schedule.days(rng, 2 * half, recording, shorter)
    planted = schedule.plant(rng, days[rng.randrange(half, 2 * half)], catalogue)
    return days if planted else []
