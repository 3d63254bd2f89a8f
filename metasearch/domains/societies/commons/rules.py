"""The months of `commons`: harvest, allocation, report and talk, reflection, regrowth."""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from metasearch.domains.societies.base import Scenario
from metasearch.domains.societies.commons.stock import allocated, fair_share, regrown
from metasearch.domains.societies.commons.surface import Skin, hint
from metasearch.domains.societies.decisions import Fields, Flag, Text, Whole
from metasearch.domains.societies.table import Ask, Play, Table
from metasearch.types import Json

__all__ = ["MOST_SPOKEN", "MOST_TEXT", "Months"]

MOST_SPOKEN: Final = 9  # of ten lines the first is the report
MOST_TEXT: Final = 600  # characters of an utterance or a note
SPOKEN: Final = Fields({"text": Text(MOST_TEXT), "end": Flag(), "next": Text(40)})

Step = Generator[Sequence[Ask], Sequence[Json], None]


@dataclass(slots=True)
class _State:
    """What changes.

    Attributes:
        stock: units at the month's beginning.
        present: seats, in order.
        earned: units so far, of each seat.
        caught: units of this month by seat.
    """

    stock: int
    present: list[int]
    earned: list[int]
    caught: dict[int, int] = field(default_factory=dict)


class Months:
    """One episode, after Piatti et al. 2024, arXiv:2404.16698.

    Chance of a month is drawn from a generator of its own, so that it does not depend on what
    members did before. The paper's framework model, which summarises the talk and extracts an
    agreed limit, is left to the members.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._constants: Mapping[str, Json] = scenario.constants
        self.seats = len(scenario.seats)
        self._names: list[str] = list(self._constants["names"])
        self._skin = Skin(**self._constants["skin"])
        self._talks = self._constants["condition"] != "no_communication"
        self._joins = {int(seat): at for seat, at in self._constants["joins"].items()}

    def play(self, table: Table) -> Play:
        """Play until the horizon or the collapse."""
        c = self._constants
        months = [random.Random(table.rng.getrandbits(63)) for _ in range(c["months"])]
        state = _State(c["capacity"], [], [0] * self.seats)
        for number, rng in enumerate(months):
            self._arrive(table, state, number)
            yield from self._harvest(table, state, number, rng)
            left = state.stock - sum(state.caught.values())
            if self._talks:
                yield from self._discuss(table, state, rng)
            yield [Ask(seat, "reflect", {}, Text(MOST_TEXT), "") for seat in state.present]
            if left < c["collapse"]:
                return
            state.stock = regrown(left, c["growth"], c["capacity"])

    def _arrive(self, table: Table, state: _State, number: int) -> None:
        """Let in those who come this month; everybody learns who is there."""
        coming = [seat for seat in range(self.seats) if self._joins.get(seat, 0) == number]
        if not coming:
            return
        for seat in coming if state.present else []:
            table.tell("joined", state.present, who=self._names[seat])
        state.present = sorted([*state.present, *coming])
        c, members = self._constants, len(state.present)
        for seat in coming:
            table.tell(
                "rules",
                [seat],
                text=self._skin.rules(c, members, self._talks),
                you=self._names[seat],
                persona=c["personas"][seat],
                members=[self._names[one] for one in state.present],
                unit=self._skin.unit,
            )

    def _harvest(self, table: Table, state: _State, number: int, rng: random.Random) -> Step:
        c, members = self._constants, len(state.present)
        if c["condition"] == "universalization":
            share = fair_share(state.stock, c["growth"], members)
            table.tell("universalization", state.present, text=hint(share, self._skin.unit))
        about = {
            "stock": state.stock,
            "capacity": c["capacity"],
            "growth_text": self._skin.growth(c["growth"], c["capacity"]),
            "n": members,
            "skin": c["skin_name"],
        }
        reply = Whole(0, state.stock)
        wishes: Sequence[int] = yield [
            Ask(seat, "harvest", {**about, "own_total": state.earned[seat]}, reply, 0)
            for seat in state.present
        ]
        got = allocated(wishes, state.stock, c["allocation"], rng)
        table.note(
            "harvest",
            month=number,
            stock=state.stock,
            seats=list(state.present),
            wishes=list(wishes),
            catches=got,
        )
        state.caught = dict(zip(state.present, got, strict=True))
        for seat, wish in zip(state.present, wishes, strict=True):
            state.earned[seat] += state.caught[seat]
            table.tell("catch", [seat], wish=wish, caught=state.caught[seat])

    def _discuss(self, table: Table, state: _State, rng: random.Random) -> Step:
        """Report all catches, then let members speak one after the other."""
        catches: dict[str, Json] = {self._names[seat]: got for seat, got in state.caught.items()}
        table.tell("report", state.present, catches=catches)
        drawn = [rng.random() for _ in range(MOST_SPOKEN)]
        transcript: list[Json] = []
        speaker = state.present[int(drawn[0] * len(state.present))]
        for lot in [*drawn[1:], 0.0]:
            about = {"transcript": list(transcript), "catches": catches}
            neutral: Json = {"text": "", "end": True, "next": ""}
            [said] = yield [Ask(speaker, "speak", about, SPOKEN, neutral)]
            if said["text"].strip():
                name = self._names[speaker]
                transcript.append({"speaker": name, "text": said["text"]})
                table.tell("said", state.present, seat=speaker, speaker=name, text=said["text"])
            if said["end"]:
                return
            speaker = self._next(state.present, speaker, said["next"], lot)

    def _next(self, present: Sequence[int], speaker: int, named: str, lot: float) -> int:
        """Return who speaks next: the one named, else somebody else by lot."""
        others = [seat for seat in present if seat != speaker]
        for seat in others:
            if self._names[seat] == named.strip():
                return seat
        return others[int(lot * len(others))] if others else speaker
