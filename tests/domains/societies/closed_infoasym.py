"""Known values of Liu et al. 2024, arXiv:2406.14928, and of the generator as described there."""

from __future__ import annotations

import random
from statistics import fmean, stdev

from metasearch.domains.societies.infoasym import schedule
from metasearch.domains.societies.infoasym.schedule import Activity

ITEMS = 3_000
# recording probability -> what a half alone is worth: easy, medium (F1), hard (overlap of slots)
FLOORS = {0.1: (0.455, 0.748, 0.673), 0.3: (0.102, 0.918, 0.317)}
ERRORS = 3  # standard errors of the difference of two samples of so many items


def half_alone(recording: float, seed: int = 0) -> list[list[float]]:
    """What the exact answer from A's half alone is worth on each item, of the three levels."""
    rng = random.Random(seed)
    worth: list[list[float]] = [[], [], []]
    for _ in range(ITEMS):
        days = schedule.days(rng, 6, recording, schedule.KNOWN)
        half = [*days[0], *days[1], *days[2]]
        everyone = [*half, *days[3], *days[4], *days[5]]
        both = schedule.deletions(days[0] + days[3])
        worth[0].append(float(schedule.deletions(days[0]) == both))
        worth[1].append(schedule.f1(schedule.longest(half), schedule.longest(everyone)))
        worth[2].append(schedule.iou(schedule.free(half), schedule.free(everyone)))
    return worth


def checks() -> list[tuple[str, float, float]]:
    """(name, found, expected); a floor is found where it is within its sampling error."""
    found = []
    for recording, floors in FLOORS.items():
        for level, sample, floor in zip(
            ("easy", "medium", "hard"), half_alone(recording), floors, strict=True
        ):
            error = stdev(sample) * (2 / ITEMS) ** 0.5
            near = abs(fmean(sample) - floor) <= ERRORS * error
            value = floor if near else fmean(sample)
            found.append((f"infoasym floor {level} at {recording}", value, floor))
    spans = [Activity("a", 1, 3), Activity("b", 2, 4), Activity("c", 4, 6)]
    found.append(("infoasym intervals [1,3],[2,4],[4,6]", float(schedule.deletions(spans)), 1.0))
    return found
