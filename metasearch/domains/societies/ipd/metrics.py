"""What a match of `ipd` comes to; pure functions of its log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metasearch.domains.societies.base import Scenario
from metasearch.domains.societies.ipd.game import Payoffs, exploitability
from metasearch.domains.societies.measures import invalid_rate
from metasearch.domains.societies.table import Log

__all__ = ["Side", "metrics", "score", "sides"]


@dataclass(frozen=True, slots=True)
class Side:
    """One seat's view of a match.

    Attributes:
        meant: what it decided, turn by turn, "CCDC".
        own, other: what was really done, after noise.
    """

    meant: str
    own: str
    other: str

    def per_turn(self, pays: Payoffs) -> float:
        """Return its mean gain of a turn; 0.0 without turns."""
        turns = zip(self.own, self.other, strict=True)
        return _share(sum(pays.of(own, other) for own, other in turns), len(self.own))

    def is_nice(self) -> bool:
        """True when it never meant to defect before the other one had (Axelrod 1984)."""
        first = self.meant.find("D")
        return first < 0 or "D" in self.other[:first]

    def provocability(self) -> float | None:
        """Return the share of unprovoked defections that it answered with D at once, in [0, 1].

        None where the other one never defected just after it had cooperated.
        """
        provoked = [
            self.meant[turn + 1]
            for turn in range(len(self.meant) - 1)
            if self.other[turn] == "D" and (turn == 0 or self.own[turn - 1] == "C")
        ]
        return provoked.count("D") / len(provoked) if provoked else None

    def forgiveness(self) -> float | None:
        """Return how often it cooperated after the other one came back to C, in [0, 1].

        None where the other one never cooperated after a defection.
        """
        first = self.other.find("D")
        back = [
            self.meant[turn + 1]
            for turn in range(max(first, 0), len(self.meant) - 1)
            if first >= 0 and self.other[turn] == "C"
        ]
        return back.count("C") / len(back) if back else None

    def exploitability(self, pays: Payoffs) -> float:
        """Return what a best response would win a turn above mutual reward, by what it was seen do.

        See `game.exploitability`: a lower bound.
        """
        first = float(self.meant[:1] == "C")
        seen: dict[str, list[str]] = {}
        for turn in range(len(self.meant) - 1):
            seen.setdefault(self.own[turn] + self.other[turn], []).append(self.meant[turn + 1])
        response = {state: after.count("C") / len(after) for state, after in seen.items()}
        return exploitability(pays, first, response)


def sides(log: Log) -> list[Side]:
    """Return both seats' views of a match; without turns where it was not played to its end."""
    done = next((event["actions"] for event in log if event["kind"] == "match"), ["", ""])
    meant = ["", ""]
    if done[0]:
        for event in log:
            if event["kind"] == "act":
                meant[event["seat"]] += event["value"]
    return [Side(meant[seat], done[seat], done[1 - seat]) for seat in (0, 1)]


def metrics(log: Log) -> dict[str, float]:
    """Return all metrics of one match, means over the design's seats.

    per_turn: its gain of a turn; fitness: that in units of mutual reward, above 1 by exploiting.
    other_per_turn: of who sits opposite. cooperation: share of C that it meant. nice, forgiveness,
    provocability, exploitability: see `Side`; what a match gave no occasion for is left out.
    """
    scenario, both = Scenario.of(log[0]), sides(log)
    pays = Payoffs(**scenario.constants["payoffs"])
    seats = [both[seat] for seat in scenario.focal]
    gain = _mean([side.per_turn(pays) for side in seats])
    found = {
        "per_turn": gain,
        "fitness": gain / pays.reward,
        "other_per_turn": _mean([both[1 - seat].per_turn(pays) for seat in scenario.focal]),
        "cooperation": _mean([_share(side.meant.count("C"), len(side.meant)) for side in seats]),
        "nice": _mean([float(side.is_nice()) for side in seats]),
        "exploitability": _mean([side.exploitability(pays) for side in seats]),
        "turns": float(len(seats[0].own)),
        "invalid_rate": invalid_rate(log, scenario.focal),
    }
    for name, values in (
        ("provocability", [side.provocability() for side in seats]),
        ("forgiveness", [side.forgiveness() for side in seats]),
    ):
        known = [value for value in values if value is not None]
        if known:
            found[name] = _mean(known)
    return found


def score(log: Log) -> float:
    """Return the design's mean gain of a turn in units of mutual reward, cut to [0, 1].

    Divided by R as in the tournaments; what is won beyond it by preying on a sucker counts nothing.
    """
    scenario, both = Scenario.of(log[0]), sides(log)
    pays = Payoffs(**scenario.constants["payoffs"])
    gain = _mean([both[seat].per_turn(pays) for seat in scenario.focal])
    return min(1.0, max(0.0, gain / pays.reward))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
