"""`pub`: friends talk, then each goes to a pub on its own; company counts, and so does the place.

Pub coordination of Concordia (Vezhnevets et al. 2023, arXiv:2312.03664). One evening is worth to a
person `.5 * [it is at its favourite] + (ties to friends at the same pub) / (all own ties)`, and 0
at a pub that is closed; some are told that it is. Ties are symmetric. Four friends with equal ties
at one pub have 1 each, and .5 more who likes it: with equal ties the welfare optimum is the common
pub with the most fans.

Worth: the focal seats' mean between two analytic bounds: what they have on average where everybody
picks a pub by lot, and the most that any choice gives them, by trying all, those background
members fixed whom talk does not move.

Cheating: favourites, ties and closures are drawn; the order of options differs between evenings,
so "the first one" coordinates nobody who goes by a list of its own; text is cut at 200 characters.
A convention like "the pub first in the alphabet" needs no talk and is worth what it is worth: it
ignores fans and closures. Hidden scenarios have other pubs, names, numbers of friends and
evenings.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from typing import ClassVar, Final

from metasearch.domains.societies.base import DESIGN, Game, MakeBot, Scenario, loader
from metasearch.domains.societies.measures import equality, invalid_rate, scaled
from metasearch.domains.societies.payoff.talk import (
    Member,
    Said,
    choose,
    draw_names,
    open_table,
    speak,
)
from metasearch.domains.societies.table import Log, Play, Table
from metasearch.types import Json, Split

__all__ = ["Evenings", "Pub", "best", "by_lot", "load", "payoffs"]

PUBS: Final = ("Anchor", "Bell", "Crown", "Dolphin")
HIDDEN_PUBS: Final = ("Quarry", "Raven", "Ship", "Thistle", "Urn")
FAVOURITE: Final = 0.5
CLOSED_CHANCE: Final = 0.3  # of one pub in an evening
TOLD_CHANCE: Final = 0.5  # of each friend, to know it
RULES: Final = (
    "Each evening you talk, then everybody goes to a pub at the same time. Your own favourite is "
    "worth a half, company up to one more, by how close those are to you who come; a closed pub "
    "nothing."
)


def payoffs(
    choices: Sequence[str], favourites: Sequence[str], ties: Sequence[Sequence[float]], closed: str
) -> list[float]:
    """Return what an evening is worth to each, in [0, 1.5].

    Args:
        choices, favourites: a pub of each person.
        ties: [person][person] symmetric strengths, not negative, 0 on the diagonal.
        closed: the pub that is, "" for none.
    """
    worth = []
    for person, (choice, favourite) in enumerate(zip(choices, favourites, strict=True)):
        own = ties[person]
        met = sum(tie for tie, other in zip(own, choices, strict=True) if other == choice)
        company = met / sum(own) if sum(own) else 0.0
        worth.append(0.0 if choice == closed else FAVOURITE * (choice == favourite) + company)
    return worth


class Evenings:
    """Friends and pubs.

    Args:
        constants: `names`, `pubs`, `ties`, `evenings`, `lines` of talk of each an evening.
    """

    def __init__(self, constants: Mapping[str, Json]) -> None:
        self.constants = constants
        self.seats = len(constants["names"])

    def play(self, table: Table) -> Play:
        """Play all evenings."""
        c, everybody = self.constants, range(self.seats)
        open_table(table, c["names"], RULES)
        for evening in range(c["evenings"]):
            favourites = [table.rng.choice(c["pubs"]) for _ in everybody]
            closed = table.rng.choice(c["pubs"]) if table.rng.random() < CLOSED_CHANCE else ""
            knows = [closed if table.rng.random() < TOLD_CHANCE else "" for _ in everybody]
            options = [table.rng.sample(c["pubs"], len(c["pubs"])) for _ in everybody]
            own = [
                {
                    "evening": evening,
                    "favourite": favourites[seat],
                    "ties": dict(zip(c["names"], c["ties"][seat], strict=True)),
                    "closed": knows[seat],
                }
                for seat in everybody
            ]
            said: Said = []
            for _ in range(c["lines"]):
                texts = yield [
                    speak(seat, said, pubs=options[seat], **own[seat]) for seat in everybody
                ]
                lines = zip(c["names"], texts, strict=True)
                said += [{"by": name, "text": text} for name, text in lines]
            picked = yield [choose(seat, options[seat], said, **own[seat]) for seat in everybody]
            table.tell("out", evening=evening, at=dict(zip(c["names"], picked, strict=True)))
            table.note("worth", at=list(picked), favourites=favourites, closed=closed)


def best(
    focal: Sequence[int],
    fixed: Mapping[int, str],
    pubs: Sequence[str],
    favourites: Sequence[str],
    ties: Sequence[Sequence[float]],
    closed: str,
) -> float:
    """Return the most that some can have in sum, by trying all choices of who is not fixed."""
    options = [
        (fixed[seat],) if seat in fixed else tuple(pub for pub in pubs if pub != closed)
        for seat in range(len(favourites))
    ]
    worth = (payoffs(choices, favourites, ties, closed) for choices in product(*options))
    return max(sum(one[seat] for seat in focal) for one in worth)


def by_lot(
    focal: Sequence[int], pubs: Sequence[str], favourites: Sequence[str], closed: str
) -> float:
    """Return what some have in sum on average where everybody picks any pub by lot."""
    number, is_open = len(pubs), len(pubs) - (closed in pubs)
    fans = sum(favourites[seat] != closed for seat in focal)
    return FAVOURITE * fans / number + len(focal) * is_open / number**2


class Loyal(Member):
    """Says and goes to its favourite whatever others say, home's known door shut or not."""

    def say(self, request: dict[str, Json]) -> str:
        """Say where it goes."""
        return f"I am going to the {request['favourite']}."

    def pick(self, request: dict[str, Json]) -> Json:
        """Go there."""
        return request["favourite"]


class Liar(Loyal):
    """As `Loyal`, but says another pub."""

    def say(self, request: dict[str, Json]) -> str:
        """Say somewhere else."""
        others = sorted(pub for pub in request["pubs"] if pub != request["favourite"])
        return f"I am going to the {self.rng.choice(others)}."


class Follower(Member):
    """Says its favourite, warns of what is closed, and goes where most have said that they go."""

    def say(self, request: dict[str, Json]) -> str:
        """Say where it goes, and what is closed."""
        closed = request["closed"]
        shut = self.shut(request)
        votes = self.votes(request)
        wish = request["favourite"] if request["favourite"] not in shut else ""
        place = max(votes, key=lambda pub: (votes[pub], pub)) if votes else wish
        warning = f"The {closed} is closed. " if closed else ""
        return f"{warning}I am going to the {place}." if place else warning

    def pick(self, request: dict[str, Json]) -> Json:
        """Go where most go."""
        votes, shut = self.votes(request), self.shut(request)
        if votes:
            return max(votes, key=lambda pub: (votes[pub], pub))
        fine = [pub for pub in sorted(request["options"]) if pub not in shut]
        return request["favourite"] if request["favourite"] in fine else fine[0]

    def shut(self, request: dict[str, Json]) -> set[str]:
        """Return the pubs that somebody has said are closed."""
        pubs = request.get("pubs") or request["options"]
        said = self.heard(request)
        return {pub for pub in pubs if f"{pub.lower()} is closed" in said} | {request["closed"]}

    def votes(self, request: dict[str, Json]) -> Counter[str]:
        """Return how many have said, in their last line, that they go to each open pub."""
        pubs, shut = request.get("pubs") or request["options"], self.shut(request)
        last = {line["by"]: line["text"].lower() for line in request["transcript"]}
        return Counter(
            pub
            for text in last.values()
            for pub in pubs
            if f"going to the {pub.lower()}" in text and pub not in shut
        )


class Pub(Game):
    """Coordination with tastes and closed doors."""

    name: ClassVar[str] = "pub"
    bots: ClassVar[Mapping[str, MakeBot]] = {
        "silent": Member,
        "loyal": Loyal,
        "liar": Liar,
        "follower": Follower,
    }
    about: ClassVar[str] = """\
Friends spend evenings at pubs. Each evening everybody speaks (at the same time, some lines), \
then everybody chooses a pub.
Request "speak": `evening`, `pubs`, `favourite` (yours), `ties` {name: strength of your tie}, \
`closed` (a pub that you know is closed, "" if none), `transcript` [{by, text}]; reply: a text of \
at most 200 characters. Others follow best a text like "I am going to the Bell." or "The Bell is \
closed."
Request "choose": the same, `options` instead of `pubs`; reply one of them.
Event "out": evening, at {name: pub}.
An evening is worth .5 at your favourite, plus your ties to those at the same pub as a share of \
all your ties; nothing at a closed pub.
Score: what the design's members have, from everybody choosing by lot (0) to the best choices \
(1)."""

    def scenario(self, split: Split, setting: str, rng: random.Random) -> Scenario:
        """Draw friends and pubs; hidden ones have other names, numbers and ties."""
        hidden = split is Split.TEST
        seats = rng.choice((3, 5)) if hidden else 4
        pubs = (
            rng.sample(HIDDEN_PUBS, rng.choice((2, 3)))
            if hidden
            else list(PUBS[: rng.choice((2, 3))])
        )
        ties = [[0.0] * seats for _ in range(seats)]
        for one in range(seats):
            for other in range(one):
                strength = rng.choice((0.2, 0.6, 1.0)) if hidden else rng.choice((0.5, 1.0))
                ties[one][other] = ties[other][one] = strength
        constants: dict[str, Json] = {
            "names": draw_names(rng, seats, hidden=hidden),
            "pubs": pubs,
            "ties": ties,
            "evenings": 6 if hidden else 4,
            "lines": rng.choice((1, 3)) if hidden else 2,
        }
        others = {
            "self": [],
            "mixed": rng.choice((["loyal"], ["follower", "follower"], ["follower"])),
            "shock": ["liar"],
        }[setting]
        seated = [*others, *[DESIGN] * (seats - len(others))]
        rng.shuffle(seated)
        return Scenario(setting, tuple(seated), constants)

    def environment(self, scenario: Scenario) -> Evenings:
        """Return the evenings."""
        return Evenings(scenario.constants)

    def metrics(self, log: Log) -> dict[str, float]:
        """Return the focal seats' sums: `focal`, `most` and `lot` (the bounds); and more.

        `together`: share of evenings with all at one pub; `shut_out`: share of all choices that
        were a closed pub; `equality` of all seats; `invalid_rate`.
        """
        scenario, c = Scenario.of(log[0]), log[0]["constants"]
        evenings = [event for event in log if event["kind"] == "worth"]
        own = [0.0] * len(scenario.seats)
        most = lot = 0.0
        together = shut = 0
        for one in evenings:
            facts = one["favourites"], c["ties"], one["closed"]
            worth = payoffs(one["at"], *facts)
            own = [sum(pair) for pair in zip(own, worth, strict=True)]
            deaf = {
                seat: one["favourites"][seat]
                for seat, who in enumerate(scenario.seats)
                if who in ("loyal", "liar")
            }
            most += best(scenario.focal, deaf, c["pubs"], *facts)
            lot += by_lot(scenario.focal, c["pubs"], one["favourites"], one["closed"])
            together += len(set(one["at"])) == 1
            shut += one["at"].count(one["closed"])
        number = max(1, len(evenings))
        return {
            "focal": sum(own[seat] for seat in scenario.focal),
            "most": most,
            "lot": lot,
            "together": together / number,
            "shut_out": shut / (number * len(own)),
            "equality": equality(own),
            "invalid_rate": invalid_rate(log, scenario.focal),
        }

    def score(self, log: Log) -> float:
        """Return what the focal seats have between lot and the best choices."""
        measured = self.metrics(log)
        return scaled(measured["focal"], measured["lot"], measured["most"])


load = loader(Pub)
