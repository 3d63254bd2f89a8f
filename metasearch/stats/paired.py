"""Two designs on the same tasks: who won how often, is it luck, and how many tasks would tell."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from metasearch.stats.clusters import student_t
from metasearch.stats.scores import EPSILON, Scores, differences, z_value

__all__ = [
    "Wins",
    "detectable_difference",
    "detectable_shift",
    "mcnemar",
    "probability_better",
    "tasks_needed",
    "wins_and_losses",
]

DRAWS = 20_000
HALVINGS = 24  # of an interval of at most 1: a millionth is left


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


def detectable_difference(
    tasks: int, discordance: float, *, level: float = 0.95, power: float = 0.8
) -> float | None:
    """Return the smallest difference of mean scores that so many paired tasks would show.

    Of the exact McNemar test, whose power is summed up rather than approximated: with few tasks it
    is well below the usual formula's.

    Args:
        tasks: that both designs meet, at least 1.
        discordance: share of tasks on which exactly one of two designs is right, in (0, 1]; between
            right and wrong the mean squared difference of scores. Repeats lower it.
        level: of the two-sided test, in (0, 1).
        power: chance to see the difference if it is real, in (0, 1).

    Returns:
        In (0, discordance], to a millionth; None where even a design that wins on every task that
        differs would be seen too seldom: these tasks can show nothing.

    Raises:
        ValueError: no tasks, or a share outside its range.

    Source: Duffy 1984, "Asymptotic and exact power for the McNemar test", Biometrics 40(4).
    """
    if tasks < 1 or not 0 < discordance <= 1 or not 0 < level < 1 or not 0 < power < 1:
        raise ValueError(f"{tasks} tasks with discordance {discordance} can show no difference")
    sizes, shares = _likely_counts(tasks, discordance)
    needed = np.array([_wins_needed(int(size), 1 - level) for size in sizes])

    def chance(difference: float) -> float:
        wins = (1 + difference / discordance) / 2
        return float(shares @ (_reach(sizes, needed, wins) + _reach(sizes, needed, 1 - wins)))

    if chance(discordance) < power:
        return None
    low, high = 0.0, discordance
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if chance(middle) >= power else (middle, high)
    return high


def detectable_shift(
    tasks: int, deviation: float, *, level: float = 0.95, power: float = 0.8
) -> float:
    """Return the smallest difference of mean scores that so many graded, paired tasks would show.

    `detectable_difference` is for answers that are right or wrong.

    Args:
        tasks: that both designs meet, at least 2.
        deviation: standard deviation of the differences by task, at least 0.
        level: of the two-sided paired t test, in (0, 1).
        power: chance to see the difference if it is real, in (0, 1).

    Raises:
        ValueError: fewer tasks, or a negative deviation.

    Source: Lachin 1981, with quantiles of Student's t for the normal ones.
    """
    if tasks < 2 or deviation < 0:
        raise ValueError(f"{tasks} tasks with a deviation of {deviation} show no difference")
    quantiles = student_t((1 + level) / 2, tasks - 1) + student_t(power, tasks - 1)
    return quantiles * deviation / math.sqrt(tasks)


def probability_better(a: Scores, b: Scores, *, draws: int = DRAWS, seed: int = 0) -> float:
    """Return the posterior probability that `a` truly scores more than `b`.

    For right and wrong the shares of wins, ties and losses have a Dirichlet prior of one win and
    one loss, every division of the tasks that differ being as likely beforehand; ties say nothing
    about the direction, and the value is exact. Between right and wrong it is the Bayesian
    bootstrap of the differences with the same prior win and loss, of the size (root mean square) of
    the differences seen; for right and wrong that is the same again.

    It knows nothing of a choice: for the best of many designs use scores from after the choice.

    Args:
        a, b: (tasks,) scores in [0, 1], equal order of tasks.
        draws: number of posterior draws where scores lie between right and wrong, at least 1.
        seed: of the draws.

    Returns:
        In (0, 1); 0.5 where nothing differs.

    Raises:
        ValueError: the lengths differ or are zero, or a score is not finite.

    Source: Rubin 1981, "The Bayesian bootstrap"; Dirichlet prior as in Benavoli, Corani, Demsar and
    Zaffalon 2017, "Time for a change", JMLR 18(77).
    """
    gaps = differences(a, b)
    differing = gaps[np.abs(gaps) > EPSILON]
    if not len(differing):
        return 0.5
    size = math.sqrt(float((differing**2).mean()))
    if np.ptp(np.abs(differing)) < EPSILON:
        wins = int((differing > 0).sum())
        n = len(differing) + 1
        return float(Fraction(sum(math.comb(n, k) for k in range(wins + 1)), 2**n))
    known = np.append(differing, [size, -size])
    rng = np.random.default_rng(seed)
    better = 0
    for start in range(0, draws, 1_000):
        weights = rng.standard_exponential((min(1_000, draws - start), len(known)))
        better += int((weights @ known > 0).sum())
    return (better + 1) / (draws + 2)


def _likely_counts(tasks: int, discordance: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return how many tasks may differ, and the probabilities; what is left out sums to 1e-9."""
    counts = np.arange(tasks + 1)
    shares = _binomial(np.array([tasks]), counts[None, :], discordance)[0]
    kept = shares > 1e-12
    return counts[kept], shares[kept]


def _wins_needed(size: int, level: float) -> int:
    """Return the least wins of `size` differing tasks that are significant; size + 1 if none."""
    tail, total = 0, 2**size
    for losses in range(size // 2 + 1):
        tail += math.comb(size, losses)
        if Fraction(2 * tail, total) >= level:
            return size - losses + 1
    return size + 1


def _reach(
    sizes: NDArray[np.int64], needed: NDArray[np.int64], share: float
) -> NDArray[np.float64]:
    """Return (sizes,) the chance of at least `needed` wins of each size."""
    wins = np.arange(int(sizes.max()) + 1)
    chances = _binomial(sizes, wins[None, :], share)
    reached: NDArray[np.float64] = (chances * (wins >= needed[:, None])).sum(axis=1)
    return reached


def _binomial(
    sizes: NDArray[np.int64], counts: NDArray[np.int64], share: float
) -> NDArray[np.float64]:
    """Return (sizes, counts) binomial probabilities; 0 where a count exceeds its size."""
    top = int(sizes.max())
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, top + 1)))])
    rest = sizes[:, None] - counts
    inside = rest >= 0
    rest = np.where(inside, rest, 0)
    share = min(max(share, 1e-300), 1 - 1e-16)
    found = logs[sizes][:, None] - logs[counts] - logs[rest]
    found = found + counts * math.log(share) + rest * math.log1p(-share)
    return np.where(inside, np.exp(found), 0.0)
