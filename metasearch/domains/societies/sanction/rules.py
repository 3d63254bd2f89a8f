"""The rules of `sanction`: rounds in which everybody is once the one who begins a play of two."""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from metasearch.domains.societies.base import Scenario
from metasearch.domains.societies.decisions import Choice
from metasearch.domains.societies.sanction.payoffs import Payoffs
from metasearch.domains.societies.sanction.surface import told
from metasearch.domains.societies.table import Ask, Play, Table
from metasearch.types import Json

__all__ = ["Judgement", "Sanctions"]

UNKNOWN = ""  # an action that nobody has seen yet

Steps = Generator[Sequence[Ask], Sequence[Json], Sequence[Json]]


class Judgement(NamedTuple):
    """One chance to punish.

    Attributes:
        by, victim: seats.
        dyad: position of the play in its round.
        place: of the victim in the play, 0 for the one who began it.
        role: "direct" where it is the other player, "third" where it is an onlooker.
    """

    by: int
    victim: int
    dyad: int
    place: int
    role: str


@dataclass(slots=True)
class _Standing:
    """What is known of the seats, each list (seats,) long."""

    seats: int
    reputation: list[float] = field(default_factory=list)
    action: list[str] = field(default_factory=list)
    judged: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reputation = [0.0] * self.seats
        self.action = [UNKNOWN] * self.seats
        self.judged = [UNKNOWN] * self.seats


class Sanctions:
    """One episode, after Dasgupta & Musolesi 2023, arXiv:2301.08278.

    A round: all choose partners (or chance does), all plays are played, all who may punish decide,
    each of these steps at the same time for everybody; only then does anybody learn of results.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._who = scenario.seats
        self._constants: Mapping[str, Json] = scenario.constants
        self._pays = Payoffs.of(scenario.constants["payoffs"])
        self._joins = {int(seat): at for seat, at in scenario.constants["joins"].items()}

    @property
    def seats(self) -> int:
        """Number of members."""
        return len(self._who)

    def play(self, table: Table) -> Play:
        """Run the rules."""
        for seat in range(self.seats):
            facts = told(self._constants, self._pays, self.seats)
            table.tell("rules", [seat], you=self._constants["names"][seat], **facts)
        known = _Standing(self.seats)
        for number in range(self._constants["rounds"]):
            # Each round has its own chance: what is drawn does not depend on what was replied.
            chance = random.Random(table.rng.getrandbits(64))
            present = [seat for seat in range(self.seats) if self._joins.get(seat, 0) <= number]
            pairs = yield from self._paired(table, present, known, chance)
            actions = yield from self._played(pairs, known, chance)
            for pair, played in zip(pairs, actions, strict=True):
                for seat, action in zip(pair, played, strict=True):
                    known.action[seat] = action
                    known.reputation[seat] += self._pays.esteem(action)
            judgements = self._judgements(pairs, present, chance)
            verdicts = yield from self._judged(judgements, actions, known)
            self._settle(table, number, pairs, actions, judgements, verdicts, known)
        table.note("end", reputation=list(known.reputation))

    def _seen(self, known: _Standing, seat: int) -> float:
        return known.reputation[seat] if self._constants["reputation"] else 0.0

    def _paired(
        self, table: Table, present: Sequence[int], known: _Standing, chance: random.Random
    ) -> Generator[Sequence[Ask], Sequence[Json], list[tuple[int, int]]]:
        """Return who plays with whom, the one who begins first."""
        offers = [chance.sample(others, len(others)) for others in _others(present)]
        if not self._constants["selection"]:
            return [(seat, offer[0]) for seat, offer in zip(present, offers, strict=True)]
        asks = []
        for seat, offer in zip(present, offers, strict=True):
            ids = _letters(len(offer))
            seen = {name: self._seen(known, other) for name, other in zip(ids, offer, strict=True)}
            about = {"reputations": seen}
            asks.append(Ask(seat, "choose_partner", about, Choice(tuple(ids)), ids[0]))
        chosen = yield from _in_turn(asks)
        pairs = []
        for seat, offer, name in zip(present, offers, chosen, strict=True):
            other = offer[_letters(len(offer)).index(str(name))]
            pairs.append((seat, other))
            facts = {"last_played": known.action[other], "last_judged": known.judged[other]}
            table.note("choice", seat=seat, chosen=other, **facts)
        return pairs

    def _played(
        self, pairs: Sequence[tuple[int, int]], known: _Standing, chance: random.Random
    ) -> Generator[Sequence[Ask], Sequence[Json], list[list[str]]]:
        """Return what the two of each pair have played, after noise."""
        asks = []
        for pair in pairs:
            for own, other in (pair, pair[::-1]):
                about = {
                    "own_last": known.action[own],
                    "other_last": known.action[other],
                    "rep_own": self._seen(known, own),
                    "rep_other": self._seen(known, other),
                }
                asks.append(Ask(own, "play", about, Choice(("C", "D")), "D"))
        meant = yield from _in_turn(asks)
        done = [self._trembled(str(action), chance.random()) for action in meant]
        return [done[place : place + 2] for place in range(0, len(done), 2)]

    def _trembled(self, action: str, drawn: float) -> str:
        if drawn >= self._constants["noise"]:
            return action
        return "D" if action == "C" else "C"

    def _judgements(
        self, pairs: Sequence[tuple[int, int]], present: Sequence[int], chance: random.Random
    ) -> list[Judgement]:
        """Return who may punish whom: the other player, and an onlooker drawn for each of two."""
        found = []
        for dyad, pair in enumerate(pairs):
            onlookers = [seat for seat in present if seat not in pair]
            for place, victim in enumerate(pair):
                drawn = chance.random()
                if self._constants["direct"]:
                    found.append(Judgement(pair[1 - place], victim, dyad, place, "direct"))
                if self._constants["third"] and onlookers:
                    by = onlookers[int(drawn * len(onlookers))]
                    found.append(Judgement(by, victim, dyad, place, "third"))
        return found

    def _judged(
        self, judgements: Sequence[Judgement], actions: Sequence[Sequence[str]], known: _Standing
    ) -> Steps:
        """Return "P" or "N" for each chance to punish."""
        asks = []
        for one in judgements:
            about = {
                "role": one.role,
                "victim_action": actions[one.dyad][one.place],
                "other_action": actions[one.dyad][1 - one.place],
                "rep_victim": self._seen(known, one.victim),
                "rep_own": self._seen(known, one.by),
            }
            asks.append(Ask(one.by, "punish", about, Choice(("P", "N")), "N"))
        return (yield from _in_turn(asks))

    def _settle(
        self,
        table: Table,
        number: int,
        pairs: Sequence[tuple[int, int]],
        actions: Sequence[Sequence[str]],
        judgements: Sequence[Judgement],
        verdicts: Sequence[Json],
        known: _Standing,
    ) -> None:
        """Book a round: reputations, the log, and what each seat learns of its own plays."""
        fines = [[0, 0] for _ in pairs]
        judged: list[list[list[Json]]] = [[] for _ in pairs]
        for one, verdict in zip(judgements, verdicts, strict=True):
            judged[one.dyad].append([one.by, one.victim, one.role, verdict])
            known.judged[one.by] = str(verdict)
            if verdict == "P":
                fines[one.dyad][one.place] += 1
                victim_action = actions[one.dyad][one.place]
                deed = "just" if victim_action == "D" else "unjust"
                known.reputation[one.by] += self._pays.esteem(deed)
        lived: list[list[dict[str, Json]]] = [[] for _ in range(self.seats)]
        for pair, played, fined, verdict in zip(pairs, actions, fines, judged, strict=True):
            facts = {"seats": list(pair), "actions": list(played), "judged": verdict}
            table.note("dyad", round=number, **facts)
            for place, seat in enumerate(pair):
                own, other = played[place], played[1 - place]
                pay = self._pays.stage(own, other) - self._pays.fine * fined[place]
                lived[seat].append(
                    {"own": own, "other": other, "punished": fined[place], "reward": pay}
                )
        for seat in sorted({seat for pair in pairs for seat in pair}):
            reputation = self._seen(known, seat)
            table.tell("round", [seat], plays=lived[seat], reputation=reputation)


def _others(present: Sequence[int]) -> list[list[int]]:
    return [[other for other in present if other != seat] for seat in present]


def _letters(count: int) -> list[str]:
    """Return the names under which others are offered: drawn anew each time, they tell nothing."""
    return [chr(ord("a") + place) for place in range(count)]


def _in_turn(asks: Sequence[Ask]) -> Steps:
    """Ask as many seats at once as can be, none of them twice at a time; reply in the asks' order.

    Nothing is told meanwhile, so that whoever is asked later knows no more.
    """
    replies: list[Json] = [None] * len(asks)
    waiting = list(range(len(asks)))
    while waiting:
        first = {asks[place].seat: place for place in reversed(waiting)}
        places = sorted(first.values())
        for place, reply in zip(places, (yield [asks[place] for place in places]), strict=True):
            replies[place] = reply
        waiting = [place for place in waiting if place not in places]
    return replies
