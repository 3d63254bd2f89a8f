"""The rules of `donor`: rounds of gifts that multiply, twice a generation, then the better half."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from statistics import fmean
from typing import Final, NamedTuple

from metasearch.domains.societies.base import Scenario
from metasearch.domains.societies.decisions import Decision, Fields, OneOf, Real, Text
from metasearch.domains.societies.table import Ask, Play, Table
from metasearch.types import Json

__all__ = ["MOST_TEXT", "Gift", "Gifts", "ceiling", "paired"]

MOST_TEXT: Final = 400  # characters of a strategy
STEP: Final = 0.01  # of a fraction: finer ones could carry a code word

Step = Generator[Sequence[Ask], Sequence[Json], None]


class Gift(NamedTuple):
    """What one donor did.

    Attributes:
        to: seat of the recipient.
        fraction: of the donor's units, 0 where it punished.
        punish: units spent on taking twice as many from the recipient.
    """

    to: int
    fraction: float
    punish: float


def paired(order: Sequence[int], round_: int, swapped: bool) -> list[tuple[int, int]]:
    """Return (donor, recipient) seats of a round: every ordered pair meets once in `len(order)`.

    Donor i of the donating half gives to member `(i + round // 2) mod half` of the other one.

    Args:
        order: all seats; the first half gives in even rounds.
        round_: from 0.
        swapped: the second role order.
    """
    half = len(order) // 2
    halves = order[:half], order[half:]
    first = round_ % 2 if not swapped else 1 - round_ % 2
    givers, takers = halves[first], halves[1 - first]
    return [(seat, takers[(i + round_ // 2) % half]) for i, seat in enumerate(givers)]


def ceiling(rounds: int, multiplier: float, endowment: float) -> float:
    """Return the mean final units where everybody always gives all: 30,720 in the paper."""
    giving = taking = endowment
    for _ in range(rounds):
        giving, taking = taking + multiplier * giving, 0.0
    return (giving + taking) / 2


class Gifts:
    """One episode, after Vallinder & Hughes 2024, arXiv:2412.10270.

    All donors of a round decide at the same time; names are drawn anew each round.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._constants: Mapping[str, Json] = scenario.constants
        self.seats = len(scenario.seats)

    def play(self, table: Table) -> Play:
        """Play all generations."""
        c = self._constants
        for seat in range(self.seats):
            table.tell("rules", [seat], text=c["text"], you="a member", members=self.seats)
        texts, finals = [""] * self.seats, [0.0] * self.seats
        new = list(range(self.seats))
        for number in range(c["generations"]):
            kept = [seat for seat in range(self.seats) if seat not in new]
            advice: list[Json] = [{"text": texts[seat], "score": finals[seat]} for seat in kept]
            for seat in range(self.seats):
                table.tell("generation", [seat], number=number + 1, new=seat in new)
            asks = [Ask(seat, "strategy", {"advice": advice}, Text(MOST_TEXT), "") for seat in new]
            for seat, text in zip(new, (yield asks), strict=True):
                texts[seat] = text
            parts: list[list[float]] = []
            for part in range(2):
                units = [float(c["endowment"])] * self.seats
                yield from self._part(table, number, part, units, texts)
                parts.append(units)
            finals = [fmean(each) for each in zip(*parts, strict=True)]
            order = c["orders"][number]
            ranked = sorted(order, key=lambda seat: -finals[seat])
            new = sorted(ranked[self.seats // 2 :])
            table.note("finals", generation=number, units=list(finals), dropped=new)

    def _part(
        self, table: Table, number: int, part: int, units: list[float], texts: list[str]
    ) -> Step:
        """Play the rounds of one role order; `units` are changed in place."""
        c = self._constants
        table.tell("start", units=float(c["endowment"]))
        gifts: list[dict[int, Gift]] = []
        for round_ in range(c["rounds"]):
            names = table.rng.sample(c["names"], self.seats)
            pairs = paired(c["orders"][number], round_, bool(part))
            asks = []
            for donor, recipient in pairs:
                about = {
                    "round": round_ + 1,
                    "generation": number + 1,
                    "recipient": names[recipient],
                    "recipient_units": round(units[recipient], 6),
                    "own_units": round(units[donor], 6),
                    "trace": self._trace(gifts, recipient, names),
                    "strategy": texts[donor],
                }
                asks.append(Ask(donor, "donate", about, self._reply(units[donor]), 0.0))
            decided = yield asks
            made = {
                donor: _gift(recipient, value)
                for (donor, recipient), value in zip(pairs, decided, strict=True)
            }
            self._settle(table, number, part, made, units)
            gifts.append(made)

    def _reply(self, own: float) -> Decision:
        fraction = Real(0, 1, STEP)
        if not self._constants["punishment"]:
            return fraction
        return OneOf((fraction, Fields({"punish": Real(0, own)})))

    def _settle(
        self, table: Table, number: int, part: int, made: Mapping[int, Gift], units: list[float]
    ) -> None:
        """Move the units; nobody is in two pairs, so their order is of no matter."""
        multiplier = self._constants["multiplier"]
        for donor, gift in made.items():
            given = gift.fraction * units[donor]
            units[donor] -= given + gift.punish
            units[gift.to] += multiplier * given - min(units[gift.to], 2 * gift.punish)
            table.note(
                "dyad",
                generation=number,
                part=part,
                seats=[donor, gift.to],
                fraction=gift.fraction,
                punish=gift.punish,
            )

    def _trace(
        self, gifts: Sequence[Mapping[int, Gift]], recipient: int, names: Sequence[str]
    ) -> list[Json]:
        """Return what the recipient gave last, then what the one who got that gave before ..."""
        found: list[Json] = []
        seat = recipient
        for made in reversed(gifts[-self._constants["trace"] :]):
            gift = made[seat]
            entry: dict[str, Json] = {"fraction": gift.fraction, "to": names[gift.to]}
            if self._constants["punishment"]:
                entry["punished"] = gift.punish > 0
            found.append(entry)
            seat = gift.to
        return found


def _gift(recipient: int, value: Json) -> Gift:
    if isinstance(value, dict):
        return Gift(recipient, 0.0, value["punish"])
    return Gift(recipient, value, 0.0)
