"""What plays, fines and punishing pay in `sanction`, and what reputation is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from metasearch.types import Json

__all__ = ["COSTLY", "PUBLISHED", "Payoffs"]


@dataclass(frozen=True, slots=True)
class Payoffs:
    """The numbers of one society.

    Defaults are those of Dasgupta & Musolesi 2023, arXiv:2301.08278.

    Attributes:
        reward, sucker, temptation, punishment: of the row player for C/C, C/D, D/C and D/D.
        fine: what each punisher takes from who is punished, above 0.
        just: what punishing a defector brings to the punisher; below 0 it costs.
        unjust: what punishing a cooperator brings, below 0.
        standing: change of reputation for "C", "D", "just" and "unjust".
    """

    reward: float = 3
    sucker: float = 0
    temptation: float = 4
    punishment: float = 1
    fine: float = 3
    just: float = 2
    unjust: float = -10
    standing: tuple[float, float, float, float] = (1, -1, 2, -3)

    def stage(self, own: str, other: str, punishers: int = 0) -> float:
        """Return what a play pays to one of the two, less the fines of those who punish defectors.

        Args:
            own, other: "C" or "D".
            punishers: how many certainly punish it if it defects.
        """
        payoff = {
            "CC": self.reward,
            "CD": self.sucker,
            "DC": self.temptation,
            "DD": self.punishment,
        }[own + other]
        return payoff - (punishers * self.fine if own == "D" else 0)

    def punishing(self, victim: str) -> float:
        """Return what punishing who has just played "C" or "D" brings to the punisher."""
        return self.just if victim == "D" else self.unjust

    def farmed(self, victim: str) -> float:
        """Return the part of `punishing` that is a bonus, at least 0."""
        return max(0.0, self.punishing(victim))

    def esteem(self, deed: str) -> float:
        """Return the change of reputation for "C", "D", "just" or "unjust"."""
        return self.standing[("C", "D", "just", "unjust").index(deed)]

    def trembling(self, own: str, noise: float) -> float:
        """Return the mean of a play in which both mean to do `own` and each is flipped sometimes.

        Args:
            own: "C" or "D".
            noise: probability in [0, 1] that an action becomes the other one.
        """
        other = "D" if own == "C" else "C"
        kept = 1 - noise
        return (
            kept * kept * self.stage(own, own)
            + kept * noise * (self.stage(own, other) + self.stage(other, own))
            + noise * noise * self.stage(other, other)
        )

    @property
    def is_dilemma(self) -> bool:
        """True when defection pays more whatever the other does, and all C is best for both."""
        ordered = self.temptation > self.reward > self.punishment > self.sucker
        return ordered and 2 * self.reward > self.temptation + self.sucker

    def to_json(self) -> dict[str, Json]:
        """Return it as plain JSON."""
        return {**asdict(self), "standing": list(self.standing)}

    @classmethod
    def of(cls, value: Mapping[str, Json]) -> Payoffs:
        """Return what `to_json` had been given."""
        return cls(**{**value, "standing": tuple(value["standing"])})


PUBLISHED: Final = Payoffs()
COSTLY: Final = Payoffs(just=-3)
"""The variant in which punishing a defector costs the punisher 3."""
