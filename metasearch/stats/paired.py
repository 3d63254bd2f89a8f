"""Two designs on the same tasks: who won how often, is it luck, and how many tasks would tell."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from metasearch.stats.scores import EPSILON, Scores, differences, z_value

__all__ = ["Wins", "mcnemar", "tasks_needed", "wins_and_losses"]


class Wins(NamedTuple):
    """On how many tasks the first design scored more, less and the same."""

    wins: int
    losses: int
    ties: int


def wins_and_losses(a: Scores, b: Scores) -> Wins:
    """Count the tasks on which `a` scored more, less and the same.

    Args:
        a, b: (tasks,) scores, equal order of tasks.

    Raises:
        ValueError: the lengths differ or are zero, or a score is not finite.
    """
    gaps = differences(a, b)
    wins = int((gaps > EPSILON).sum())
    losses = int((gaps < -EPSILON).sum())
    return Wins(wins, losses, len(gaps) - wins - losses)


def mcnemar(wins: int, losses: int) -> float:
    """Return the exact two-sided p of McNemar's test; ties say nothing.

    For scores between 0 and 1 it is the sign test. 1.0 where nothing differs.

    Args:
        wins, losses: tasks on which exactly one of two designs is better, at least 0.

    Raises:
        ValueError: a count is negative.

    Source: McNemar 1947, with the exact binomial tail.
    """
    if wins < 0 or losses < 0:
        raise ValueError(f"{wins} wins and {losses} losses are no counts")
    n = wins + losses
    tail = sum(math.comb(n, k) for k in range(min(wins, losses) + 1))
    return min(1.0, float(Fraction(2 * tail, 2**n)))  # whole numbers: 2**n overflows a float


def tasks_needed(a: Scores, b: Scores, *, level: float = 0.95, power: float = 0.8) -> int | None:
    """Return how many tasks would show the seen difference, or None where there is none.

    It takes the seen difference and its spread for the true ones, so it is a guess, not a promise.

    Args:
        a, b: (tasks,) scores in [0, 1], equal order of tasks.
        level: of the two-sided test, in (0, 1).
        power: chance to see the difference if it is real, in (0, 1).

    Raises:
        ValueError: the lengths differ or are zero, or a score is not finite.

    Source: Connor 1987, here also for scores between 0 and 1.
    """
    gaps = differences(a, b)
    mean = abs(float(gaps.mean()))
    if mean < EPSILON:
        return None
    under_null = z_value((1 + level) / 2) * math.sqrt(float((gaps**2).mean()))
    under_seen = z_value(power) * float(gaps.std())
    return max(2, math.ceil(((under_null + under_seen) / mean) ** 2))
