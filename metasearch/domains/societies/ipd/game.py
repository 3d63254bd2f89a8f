"""The iterated prisoner's dilemma in numbers: payoffs, when reciprocity invades, what prey is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from metasearch.types import Json

__all__ = ["PUBLISHED", "Payoffs", "exploitability", "invasion_threshold"]

Response = Mapping[str, float]
"""Probability of C after each joint action that was seen: own action first, "CD" say."""

_TURNS = 100  # of the half match whose mean gain is taken; a match of memory one settles in a few


@dataclass(frozen=True, slots=True)
class Payoffs:
    """What one turn pays; defaults as in Axelrod & Hamilton 1981, Science 211.

    Attributes:
        reward, sucker, temptation, punishment: of the row player for C/C, C/D, D/C and D/D.
    """

    reward: float = 3
    sucker: float = 0
    temptation: float = 5
    punishment: float = 1

    def of(self, own: str, other: str) -> float:
        """Return what a turn pays to who played `own`."""
        return {
            "CC": self.reward,
            "CD": self.sucker,
            "DC": self.temptation,
            "DD": self.punishment,
        }[own + other]

    @property
    def is_dilemma(self) -> bool:
        """True when T > R > P > S and 2 R > T + S."""
        ordered = self.temptation > self.reward > self.punishment > self.sucker
        return ordered and 2 * self.reward > self.temptation + self.sucker

    def to_json(self) -> dict[str, Json]:
        """Return it as plain JSON."""
        return asdict(self)


PUBLISHED: Final = Payoffs()


def invasion_threshold(pays: Payoffs, turns: int) -> float:
    """Return the share in [0, 1] of tit for tat above which it does better than all defection.

    In a mixed population, each meets the others in proportion to their shares. With the published
    payoffs it is 1 / (2 turns - 3). Axelrod & Hamilton 1981.

    Args:
        pays: of the game.
        turns: of one match, at least 2.
    """
    lost = pays.punishment - pays.sucker  # to a defector, in the first turn
    won = pays.reward * turns - pays.temptation - pays.punishment * (turns - 1)
    return lost / (lost + won)


def exploitability(pays: Payoffs, first: float, response: Response) -> float:
    """Return the mean of a turn that a best response wins from a member, less mutual reward.

    The member is taken as one that remembers one turn: against such, no longer memory helps (Press
    & Dyson 2012, PNAS 109). After what was never seen it is taken to defect, so the figure is a
    lower bound: 0 for who cannot be exploited (or can only be met with defection: below 0).

    Args:
        pays: of the game.
        first: probability that its first action is C.
        response: its probability of C after each joint action.
    """
    half, whole = (_won(pays, first, response, turns) for turns in (_TURNS, 2 * _TURNS))
    return (whole - half) / _TURNS - pays.reward


def _won(pays: Payoffs, first: float, response: Response, turns: int) -> float:
    """Return what a best response wins in so many turns, by backward induction."""
    values = dict.fromkeys(("CC", "CD", "DC", "DD"), 0.0)
    for _ in range(turns - 1):
        values = {
            state: max(_turn(pays, action, response.get(state, 0.0), values) for action in "CD")
            for state in values
        }
    return max(_turn(pays, action, first, values) for action in "CD")


def _turn(pays: Payoffs, action: str, share: float, after: Mapping[str, float]) -> float:
    """Return the expected gain of playing `action` now and best from then on."""
    met_c = pays.of(action, "C") + after["C" + action]
    met_d = pays.of(action, "D") + after["D" + action]
    return share * met_c + (1 - share) * met_d
