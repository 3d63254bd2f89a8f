"""What a comparison means, in words that claim no more than the numbers do."""

from __future__ import annotations

from metasearch.report.evidence import LEVEL, Paired
from metasearch.report.words import p_value, score, signed

__all__ = ["difference", "verdict"]


def difference(pair: Paired) -> str:
    """Say the paired difference with its interval, wins, losses and p."""
    d = pair.difference
    return (
        f"{score(pair.mean_a)} against {score(pair.mean_b)} on {pair.tasks} tasks: "
        f"{signed(d.mean)} [{signed(d.low)}, {signed(d.high)}]; {len(pair.won)} wins, "
        f"{len(pair.lost)} losses, exact McNemar {p_value(pair.p)}"
    )


def verdict(pair: Paired, p: float | None = None) -> str:
    """Say whether that is more than luck, and if not, how many tasks would be needed.

    Args:
        pair: the comparison.
        p: its p-value after a correction, None for its own.
    """
    p = pair.p if p is None else p
    if p < LEVEL:
        return "more than luck" if pair.difference.mean > 0 else "worse, and more than bad luck"
    if pair.needed is None:
        return "cannot tell them apart: no difference was seen"
    if pair.is_clear:  # only the correction took the evidence away
        return "cannot tell: as the best of so many tried it may be luck"
    differ = len(pair.won) + len(pair.lost)
    needed = max(pair.needed, pair.tasks + 1)
    return (
        f"cannot tell: {differ} of {pair.tasks} tasks differ; to see a difference this large takes "
        f"about {needed:,} tasks"
    )
