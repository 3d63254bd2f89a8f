"""What the payoff games share: names, the opening, and asking for a line of talk."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from metasearch.domains.societies.decisions import Choice, Text
from metasearch.domains.societies.table import Ask, Event, Table
from metasearch.types import Json

__all__ = ["LINE", "Member", "Said", "choose", "draw_names", "open_table", "speak"]

NAMES: Final = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal")
HIDDEN_NAMES: Final = ("Ines", "Jonas", "Kira", "Lew", "Mona", "Nils", "Olga", "Pavel")
LINE: Final = 200  # characters of one line of talk

Said = list[dict[str, Json]]
"""What was said, oldest first: `{by, text}`."""


def draw_names(rng: random.Random, seats: int, *, hidden: bool) -> list[str]:
    """Return as many pseudonyms."""
    return rng.sample(HIDDEN_NAMES if hidden else NAMES, seats)


def open_table(table: Table, names: Sequence[str], text: str) -> None:
    """Tell each seat the rules and its name."""
    for seat, name in enumerate(names):
        table.tell("rules", [seat], text=text, you=name)


def speak(seat: int, said: Said, **about: Json) -> Ask:
    """Return the request for a line of talk."""
    return Ask(seat, "speak", {"transcript": list(said), **about}, Text(LINE), "")


def choose(seat: int, options: Sequence[str | int], said: Said, **about: Json) -> Ask:
    """Return the request for one of some options."""
    offered = tuple(options)
    told = {"transcript": list(said), "options": list(offered), **about}
    return Ask(seat, "choose", told, Choice(offered), offered[0])


class Member:
    """A bot that says nothing and takes the first option; others do better."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.me = ""

    def observe(self, event: Event) -> None:
        """Take up its name."""
        if event["kind"] == "rules":
            self.me = event["you"]

    def act(self, request: dict[str, Json]) -> Json:
        """Speak or choose."""
        return self.say(request) if request["kind"] == "speak" else self.pick(request)

    def say(self, request: dict[str, Json]) -> str:
        """Return a line."""
        del request
        return ""

    def pick(self, request: dict[str, Json]) -> Json:
        """Return one of the options."""
        return request["options"][0]

    def heard(self, request: dict[str, Json]) -> str:
        """Return all that others have said in this transcript, in small letters."""
        lines = (line["text"] for line in request["transcript"] if line["by"] != self.me)
        return " ".join(lines).lower()
