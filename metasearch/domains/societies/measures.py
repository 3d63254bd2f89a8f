"""Measures that several games share; each is a pure function of numbers."""

from __future__ import annotations

from collections.abc import Sequence

from metasearch.domains.societies.table import Log

__all__ = ["equality", "invalid_rate", "scaled"]


def equality(shares: Sequence[float]) -> float:
    """Return 1 minus the Gini coefficient, in [0, 1]; 1 where nobody has anything.

    `1 - sum |x_i - x_j| / (2 N sum x)`, as in Piatti et al. 2024, arXiv:2404.16698.

    Args:
        shares: of each member, not negative.
    """
    total, count = sum(shares), len(shares)
    if total == 0:
        return 1.0
    # sum over ordered pairs of |x_i - x_j|, by the ranks of the sorted shares
    spread = sum((2 * rank - count + 1) * x for rank, x in enumerate(sorted(shares)))
    return 1.0 - spread / (count * total)


def invalid_rate(log: Log, seats: Sequence[int]) -> float:
    """Return the share of these seats' decisions that were neutral ones instead, in [0, 1]."""
    acts = [event for event in log if event["kind"] == "act" and event["seat"] in seats]
    return sum("fault" in event for event in acts) / len(acts) if acts else 0.0


def scaled(value: float, low: float, high: float) -> float:
    """Return where a value lies between two analytic bounds, cut to [0, 1]."""
    return min(1.0, max(0.0, (value - low) / (high - low)))
