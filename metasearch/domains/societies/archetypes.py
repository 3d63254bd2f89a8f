"""Populations by archetypes: who is asked the same is asked once, some times over, for all.

Chopra et al. 2024, "On the limits of agency in agent-based models", arXiv:2409.10568 (AgentTorch),
from its description: for K distinct requests and m answers each, K * m calls serve any number of
seats; each seat then draws one of the m answers of its archetype. For yes or no that is a draw with
the share of yes among them; its standard error at one half is .5, .289, .158 for m = 1, 3, 10.

A key that leaves out something that matters makes everybody alike who is not: `check` compares with
seats that were asked on their own, and says no where the total variation is more than .05.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Archetypes",
    "Check",
    "check",
    "compared",
    "standard_error",
    "subsample",
    "total_variation",
]

SUBSAMPLE: Final = 0.02  # of all seats, asked on their own
MOST_VARIATION: Final = 0.05

Indices: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Archetypes:
    """Seats grouped by what they are asked.

    Attributes:
        of: (seats,) the archetype of each seat, in [0, archetypes).
        representatives: (archetypes,) the first seat of each, which is the one that is asked.
        counts: (archetypes,) how many seats each stands for.
    """

    of: Indices
    representatives: Indices
    counts: Indices

    @classmethod
    def by(cls, keys: Sequence[Hashable] | NDArray[Any]) -> Archetypes:
        """Group seats by their keys, in the order in which keys first appear.

        Args:
            keys: (seats,) one each; equal ones are one archetype. An array is grouped by numpy.
        """
        if isinstance(keys, np.ndarray):
            _, first, of, counts = np.unique(
                keys, return_index=True, return_inverse=True, return_counts=True
            )
            order = np.argsort(first)
            rank = np.empty_like(order)
            rank[order] = np.arange(len(order))
            return cls(rank[of.ravel()], first[order], counts[order])
        numbers: dict[Hashable, int] = {}
        of = np.fromiter(
            (numbers.setdefault(key, len(numbers)) for key in keys), np.intp, len(keys)
        )
        _, first, counts = np.unique(of, return_index=True, return_counts=True)
        return cls(of, first, counts)

    def __len__(self) -> int:
        """Return the number of archetypes."""
        return len(self.representatives)

    def calls(self, answers: int) -> int:
        """Return how many calls one step takes, whatever the number of seats."""
        return len(self) * answers

    def saved(self, answers: int) -> float:
        """Return the share of calls saved against asking every seat once; below 0 if none is."""
        return 1 - self.calls(answers) / len(self.of) if len(self.of) else 0.0

    def spread(self, answers: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
        """Return one answer for each seat, drawn from those of its archetype.

        Args:
            answers: (archetypes, m) what the representatives said, m at least 1.
            rng: of the draws.

        Raises:
            ValueError: the answers are not of these archetypes.
        """
        if answers.ndim != 2 or len(answers) != len(self) or answers.shape[1] < 1:
            raise ValueError(f"answers must be ({len(self)}, m), not {answers.shape}")
        drawn = rng.integers(answers.shape[1], size=len(self.of), dtype=np.int32)
        return answers[self.of, drawn]


class Check(NamedTuple):
    """Whether archetypes may stand for their seats.

    Attributes:
        variation: total variation in [0, 1] between the drawn answers and those of seats that were
            asked on their own.
        asked: how many were.
        accepted: the variation is at most .05.
    """

    variation: float
    asked: int
    accepted: bool


def check(
    spread: Sequence[Any] | NDArray[Any],
    ask: Callable[[int], Hashable],
    rng: np.random.Generator,
    *,
    detail: Callable[[int], Hashable] | None = None,
    share: float = SUBSAMPLE,
    limit: float = MOST_VARIATION,
) -> Check:
    """Ask some seats on their own and compare with what was drawn for them.

    Chance alone makes about `sqrt(answers / (pi * asked))`, so some thousand seats are needed where
    there are several answers.

    Args:
        spread: (seats,) what was drawn for each, as labels (numbers of many values binned before).
        ask: asks one seat with its whole request.
        rng: picks the seats.
        detail: a label of each seat that the key leaves out; answers are then compared within each
            label, so that a key which only keeps the whole population's average right is found out.
        share: of the seats that is asked, in (0, 1]; at least one is.
        limit: of the total variation.
    """
    alone = {seat: ask(seat) for seat in subsample(len(spread), rng, share)}
    return compared(spread, alone, detail=detail, limit=limit)


def subsample(seats: int, rng: np.random.Generator, share: float = SUBSAMPLE) -> list[int]:
    """Return which seats are asked on their own: at least one."""
    number = min(seats, max(1, round(share * seats)))
    return [int(seat) for seat in rng.choice(seats, size=number, replace=False)]


def compared(
    spread: Sequence[Any] | NDArray[Any],
    alone: Mapping[int, Hashable],
    *,
    detail: Callable[[int], Hashable] | None = None,
    limit: float = MOST_VARIATION,
) -> Check:
    """Compare what was drawn for seats with what these said on their own; see `check`.

    Args:
        alone: what they said, by seat; at least one.
    """
    labels = {seat: detail(seat) if detail else None for seat in alone}
    drawn = [(labels[seat], spread[seat]) for seat in alone]
    variation = total_variation(drawn, [(labels[seat], alone[seat]) for seat in alone])
    return Check(variation, len(alone), variation <= limit)


def total_variation(one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    """Return half the sum of differences between two samples' shares of each label, in [0, 1].

    Raises:
        ValueError: a sample is empty.
    """
    if not one or not other:
        raise ValueError("total variation needs two samples that are not empty")
    left, right = Counter(one), Counter(other)
    labels = left.keys() | right.keys()
    return sum(abs(left[x] / len(one) - right[x] / len(other)) for x in labels) / 2


def standard_error(p: float, answers: int) -> float:
    """Return the standard error of a share of yes from so many answers: .5, .289, .158 at .5."""
    return float(np.sqrt(p * (1 - p) / answers))
