"""The rules of `ipd`: two members, so many turns, and sometimes an action that goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from metasearch.domains.societies.base import Scenario
from metasearch.domains.societies.decisions import Choice
from metasearch.domains.societies.table import Ask, Play, Table
from metasearch.types import Json

__all__ = ["LONGEST", "Dilemma"]

LONGEST: Final = 250  # of the histories that a request carries: their last turns

_ACTIONS = Choice(("C", "D"))


class Dilemma:
    """One match."""

    seats = 2

    def __init__(self, scenario: Scenario) -> None:
        self._constants: Mapping[str, Json] = scenario.constants

    def play(self, table: Table) -> Play:
        """Run the rules; what is drawn does not depend on what is replied."""
        constants = self._constants
        for seat, name in enumerate(constants["names"]):
            table.tell("rules", [seat], you=name, **told(constants))
        noise = constants["noise"]
        done = ["", ""]
        for _ in range(constants["turns"]):
            shown = [history[-LONGEST:] for history in done]
            meant = yield [
                Ask(seat, "play", _about(shown[seat], shown[1 - seat]), _ACTIONS, "D")
                for seat in (0, 1)
            ]
            # Two draws a turn with or without noise: episodes that differ in it alone are paired.
            drawn = [table.rng.random() for _ in meant]
            for seat in (0, 1):
                action = str(meant[seat])
                done[seat] += action if drawn[seat] >= noise else _other(action)
        table.note("match", actions=done)


def told(constants: Mapping[str, Json]) -> dict[str, Json]:
    """Return the facts of the event "rules", its `text` among them; noise and length are not told.

    Args:
        constants: of the scenario.
    """
    pays = constants["payoffs"]
    text = (
        f"{constants['surface']} Both decide at the same time, turn after turn, nobody knows how"
        f" often. C/C pays each {pays['reward']:g}, D/D each {pays['punishment']:g}; D against C"
        f" pays {pays['temptation']:g} and leaves {pays['sucker']:g}. An action may go wrong and"
        " become the other one; histories hold what was really done."
    )
    return {"text": text, **pays}


def _about(own: str, other: str) -> dict[str, Json]:
    return {"own_history": own, "other_history": other}


def _other(action: str) -> str:
    return "D" if action == "C" else "C"
