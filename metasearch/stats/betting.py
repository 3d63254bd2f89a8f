"""Bounds and evidence that hold however often one looks: for races that stop when they are sure.

Someone bets against the claim "the mean is m" at fair odds. Were the claim true, their wealth would
hardly grow: by Ville's inequality it ever reaches 1 / alpha with probability at most alpha. So a
claim against which the wealth got that far is rejected, and stays rejected at every later look.
Each of `STAKES` is a gambler who stakes that share of what can be staked on every task; the wealth
is what they own together, one coin each at the start.

With `population` the mean is that over a finite set of so many tasks that are met in random order,
each once: the bounds close in on it and meet it at the last task. That is what a race asks, "would
the whole validation set show it?", and it holds also against an incumbent that was chosen on those
tasks, because only the order of the tasks is taken as random. Without `population` the mean is that
of the source of the tasks, and the incumbent must have been chosen on other scores.

Source: Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by betting",
JRSS-B 86(1): hedged capital with a grid of constant bets (hgKelly) and, in its section on sampling
without replacement, the form for `population`. The inequality is Ville's, 1939.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from metasearch.stats.scores import EPSILON, Scores, checked

__all__ = [
    "ConfidenceSequence",
    "anytime_p",
    "better_than_all",
    "confidence_sequence",
    "e_benjamini_hochberg",
    "evidence",
    "worse_than_some",
]

# Shares of the largest stake that cannot ruin. The best one falls with the root of the number of
# tasks: large ones pay within ten tasks, the smallest only beyond a thousand. Seven lose against
# the best single one, known afterwards, at most a factor of seven of wealth.
STAKES = (0.02, 0.08, 0.22, 0.38, 0.55, 0.72, 0.9)
CLAIMS = 64  # means that are tried; between them the bound is worked out, on the safe side


class ConfidenceSequence(NamedTuple):
    """Bounds of a mean after each observation; they hold all at once.

    Attributes:
        lower: (n,) never falling.
        upper: (n,) never rising.
    """

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


def confidence_sequence(
    values: Scores,
    *,
    low: float = -1.0,
    high: float = 1.0,
    alpha: float = 0.05,
    population: int | None = None,
) -> ConfidenceSequence:
    """Return bounds of the mean after 1..n observations, which hold at all looks together.

    With probability at least 1 - alpha the mean is never outside, whenever and for whatever reason
    one stops. Each side alone holds with alpha / 2, so a one-sided race passes twice its alpha.
    Should chance make the bounds cross, both stay where they were when they met.

    Args:
        values: (n,) in [low, high], in the order in which they were seen: paired differences of
            scores, or scores themselves with low=0.
        low, high: what a value can be, low < high.
        alpha: chance that the bounds ever miss the mean, in (0, 1).
        population: None for the mean of the source of the values; N >= n for the mean of N values
            that are drawn in random order without replacement.

    Raises:
        ValueError: no values, one outside its range, more than `population`, or no such alpha.

    Source: Waudby-Smith and Ramdas 2024, JRSS-B 86(1), sections 4 and 5 and appendix (grid Kelly).
    """
    scaled = _scaled(values, low, high, population)
    if not 0 < alpha < 1:
        raise ValueError(f"alpha = {alpha} lies outside (0, 1)")
    below = _lower_bounds(scaled, alpha / 2, population)
    above = 1 - _lower_bounds(1 - scaled, alpha / 2, population)
    crossed = np.flatnonzero(below > above)
    if len(crossed):
        first = crossed[0]
        meet = (below[first] + above[first]) / 2
        below[first:] = above[first:] = meet
    return ConfidenceSequence(low + (high - low) * below, low + (high - low) * above)


def evidence(
    values: Scores,
    *,
    null: float = 0.0,
    low: float = -1.0,
    high: float = 1.0,
    population: int | None = None,
) -> NDArray[np.float64]:
    """Return an e-process against "the mean is at most `null`", after 1..n observations.

    Wealth of someone who bets that the mean is larger. Where the mean is not, it ever reaches
    1 / alpha with probability at most alpha. With paired differences challenger - incumbent it is
    evidence that the challenger is better; with the signs turned, that it is worse.

    Args:
        values: (n,) in [low, high], in the order in which they were seen.
        null: largest mean of the claim that is betted against, in (low, high).
        low, high, population: as for `confidence_sequence`.

    Returns:
        (n,) at least 0; inf where the claim has become impossible, with `population` only.

    Raises:
        ValueError: no values, one outside its range, more than `population`, or no such null.

    Source: Waudby-Smith and Ramdas 2024; e-process: Ramdas, Grünwald, Vovk and Shafer 2023.
    """
    scaled = _scaled(values, low, high, population)
    if not low < null < high:
        raise ValueError(f"null = {null} lies outside ({low}, {high})")
    claim = np.array([(null - low) / (high - low)])
    return _wealth(scaled, claim, population)[:, 0]


def anytime_p(e_process: Scores) -> NDArray[np.float64]:
    """Return p-values that may be looked at after every observation.

    Args:
        e_process: (n,) at least 0, inf is allowed.

    Returns:
        (n,) in [0, 1], never rising: one over the largest wealth so far.

    Raises:
        ValueError: a value is negative or no number.

    Source: Ville 1939; Ramdas, Grünwald, Vovk and Shafer 2023, section 2.
    """
    peak = np.maximum.accumulate(np.maximum(1.0, _e_values(e_process)))
    return 1 / peak


def better_than_all(
    differences: NDArray[np.float64], *, population: int | None = None
) -> NDArray[np.float64]:
    """Return an e-process that the challenger is better than every incumbent.

    The claim that is betted against is "it is better than at most all but one"; the least of the
    wealths is evidence against it, whichever the incumbent is, and needs no correction.

    Args:
        differences: (incumbents, n) challenger - incumbent in [-1, 1], the same tasks in the order
            in which they were seen.
        population: as for `confidence_sequence`.

    Returns:
        (n,) at least 0.

    Raises:
        ValueError: no incumbents, or as for `evidence`.

    Source: Berger 1982, the intersection-union test, for e-values.
    """
    rows = [evidence(row, population=population) for row in _rows(differences)]
    least: NDArray[np.float64] = np.minimum.reduce(rows)
    return least


def worse_than_some(
    differences: NDArray[np.float64], *, population: int | None = None
) -> NDArray[np.float64]:
    """Return an e-process that the challenger is worse than one of the incumbents at least.

    The claim that is betted against is "no incumbent is better". The mean of the wealths is
    evidence against it under any dependence, and never less than the union bound gives. A race
    that drops a challenger at 1 / alpha drops the best of all with probability at most alpha.

    The incumbents are those of the start. One that leaves on the way, for whatever it has shown by
    then, stays with the wealth that was won against it: stopped evidence is evidence.

    Args:
        differences: (incumbents, n) challenger - incumbent in [-1, 1], the same tasks in the order
            in which they were seen; NaN from where on an incumbent met no more tasks.
        population: as for `confidence_sequence`.

    Returns:
        (n,) at least 0.

    Raises:
        ValueError: no incumbents, or as for `evidence`.

    Source: Vovk and Wang 2021, "E-values: calibration, combination and applications", section 3.
    """
    rows = _rows(differences)
    wealth = np.ones_like(rows)
    for own, row in zip(wealth, rows, strict=True):
        gone = np.isnan(row)
        met = int(gone.argmax()) if gone.any() else len(row)
        if met:
            own[:met] = evidence(-row[:met], population=population)
            own[met:] = own[met - 1]
    found: NDArray[np.float64] = wealth.mean(axis=0)
    return found


def e_benjamini_hochberg(e_values: Scores, *, alpha: float = 0.05) -> NDArray[np.bool_]:
    """Say which of many claims fall, so that at most a share alpha of the fallen ones is true.

    Under any dependence between the e-values, which may come from races stopped at any time.

    Args:
        e_values: (claims,) at least 0, one a claim: the wealth where its race stopped, which is
            not the largest on the way.
        alpha: false discovery rate, in (0, 1).

    Returns:
        (claims,) True where the claim falls.

    Raises:
        ValueError: a value is negative or no number.

    Source: Wang and Ramdas 2022, "False discovery rate control with e-values", JRSS-B 84(3).
    """
    values = _e_values(e_values)
    order = np.argsort(-values, kind="stable")
    ranks = np.arange(1, len(values) + 1)
    passed = np.flatnonzero(values[order] * ranks * alpha >= len(values))
    fallen = np.zeros(len(values), dtype=np.bool_)
    if len(passed):
        fallen[order[: passed[-1] + 1]] = True
    return fallen


def _scaled(values: Scores, low: float, high: float, population: int | None) -> NDArray[np.float64]:
    found = checked(values)
    if not low < high or found.min() < low - EPSILON or found.max() > high + EPSILON:
        raise ValueError(f"a value lies outside [{low}, {high}]")
    if population is not None and len(found) > population:
        raise ValueError(f"{len(found)} values of a population of {population}")
    return np.clip((found - low) / (high - low), 0.0, 1.0)


def _rows(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    rows = np.asarray(differences, dtype=np.float64)
    if rows.ndim != 2 or not rows.size:
        raise ValueError(f"differences have shape {rows.shape}; expected (incumbents, tasks)")
    return rows


def _e_values(values: Scores) -> NDArray[np.float64]:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not (found >= 0).all():
        raise ValueError("e-values are at least 0")
    return found


def _lower_bounds(
    scaled: NDArray[np.float64], alpha: float, population: int | None
) -> NDArray[np.float64]:
    """Return (n,) the largest rejected mean so far: wealth falls as the claimed mean rises.

    Between two claims the bound is worked out from the two last rejected ones. The logarithm of
    the wealth is convex in that of the claim, so the line through them runs below it further on,
    and where the line comes down to the limit the wealth is still above it: too low, never too
    high.
    """
    claims = np.arange(1, CLAIMS) / CLAIMS
    with np.errstate(divide="ignore"):
        excess = np.log(_wealth(scaled, claims, population)) + math.log(alpha)
    excess = np.maximum.accumulate(excess, axis=0)
    count = (excess >= 0).sum(axis=1)
    bounds = np.concatenate([[0.0], claims])[count]
    rows = np.flatnonzero(count >= 2)
    last = count[rows] - 1
    near, far = excess[rows, last], excess[rows, last - 1]
    logs = np.log(np.append(claims, 1.0))
    sloped = np.isfinite(far) & (far > near)
    rows, last, near, far = rows[sloped], last[sloped], near[sloped], far[sloped]
    step = near * (logs[last] - logs[last - 1]) / (far - near)
    bounds[rows] = np.exp(np.minimum(logs[last] + step, logs[last + 1]))
    if population is not None:  # the tasks that are left score at least 0
        bounds = np.maximum(bounds, np.cumsum(scaled) / population)
    return np.maximum.accumulate(bounds)


def _wealth(
    scaled: NDArray[np.float64], claims: NDArray[np.float64], population: int | None
) -> NDArray[np.float64]:
    """Return (n, claims) what the gamblers own who bet that the mean is above each claim.

    A coin staked on a task whose mean should be m pays score / m. Where the scores seen sum to more
    than a claim allows for the whole population, the claim is impossible: infinite wealth.
    """
    means = np.broadcast_to(claims, (len(scaled), len(claims)))
    if population is not None:  # what the tasks that are left must average, were the claim true
        seen = np.concatenate([[0.0], np.cumsum(scaled)])
        left = population - np.arange(len(scaled))
        means = (population * claims - seen[:-1, None]) / left[:, None]
    possible = means > EPSILON
    pays = scaled[:, None] / np.where(possible, means, 1.0)
    wealth = np.zeros_like(pays)
    with np.errstate(over="ignore", under="ignore"):  # infinite is rejected, zero stays: both safe
        for stake in STAKES:
            wealth += np.cumprod(1 - stake + stake * pays, axis=0)
    wealth /= len(STAKES)
    if population is not None:
        beyond = seen[1:, None] > population * claims + EPSILON * population
        wealth[np.logical_or.accumulate(beyond | ~possible & (pays > 0), axis=0)] = math.inf
    return wealth
