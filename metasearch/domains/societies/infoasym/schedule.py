"""Days of several people, drawn by rules, and exact answers to questions about them.

Liu et al. 2024, "iAgents", arXiv:2406.14928: the Schedule sets of its benchmark, drawn anew here
from their description. A day has 48 slots of half an hour.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

__all__ = [
    *("HIDDEN", "KNOWN", "SLEEP", "SLOTS", "Activity", "Catalogue", "Day", "days", "deletions"),
    *("f1", "free", "iou", "longest", "plant", "spans"),
]

SLOTS: Final = 48
SLEEP: Final = "Sleep"
LUNCH: Final = "Lunch"
PLANTED_SLOTS: Final = 4  # of the one longest activity, where the question is for it
ROUTINES: Final = ((SLEEP, 16, (44, 45, 46)), (LUNCH, 1, (22, 23, 24, 25, 26)))
ALONE_SLOTS: Final = (1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4)
SHARED_SLOTS: Final = (
    *((1, (20, 40)), (2, (14, 40)), (3, (16, 36)), (4, (36, 44)), (1, (16, 40))),
    *((2, (16, 36)), (3, (14, 34)), (4, (20, 40)), (1, (20, 40))),
)


class Activity(NamedTuple):
    """What somebody does in the slots from `start` to before `end`."""

    name: str
    start: int
    end: int


Day = list[Activity]  # the recorded activities of one person


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What people do.

    Attributes:
        alone: activity -> slots.
        shared: activity of two -> slots and its two possible starts.
    """

    alone: Mapping[str, int]
    shared: Mapping[str, tuple[int, tuple[int, int]]]

    @classmethod
    def named(cls, alone: str, shared: str) -> Catalogue:
        """Return one of 17 and 9 names, separated by commas, in the order of the slots above."""
        alone_names, shared_names = alone.split(", "), shared.split(", ")
        return cls(
            dict(zip(alone_names, ALONE_SLOTS, strict=True)),
            dict(zip(shared_names, SHARED_SLOTS, strict=True)),
        )

    def below(self, slots: int) -> Catalogue:
        """Return the activities that are shorter."""
        return Catalogue(
            {name: length for name, length in self.alone.items() if length < slots},
            {name: facts for name, facts in self.shared.items() if facts[0] < slots},
        )


KNOWN: Final = Catalogue.named(
    "Breakfast, Dinner, Jogging, Yoga, Radio, Watering Plants, Office Work, Shopping, Chess Online"
    ", Laundry, Cleaning, Reading, Puzzles, Emails, Meditation, Watching Films, Hiking",
    "Stand-up, Football, Phone Conference, Film Evening, Study Group, Talk, Picnic, Cooking Class, "
    "Book Club",
)
HIDDEN: Final = Catalogue.named(
    "Porridge, Supper, Stretching, Swimming, Podcast, Feeding Hens, Bookkeeping, Errands, Bridge, "
    "Ironing, Carpentry, Poetry, Crosswords, Letters, Fasting, Stargazing, Sailing",
    "Briefing, Handball, Board Meeting, Opera, Tutorial, Lecture, Barbecue, Pottery Class, Choir",
)


def days(rng: random.Random, people: int, recording: float, catalogue: Catalogue) -> list[Day]:
    """Draw the recorded days of some people.

    First one to `people / 3` shared activities of two people each, then everybody's sleep and
    lunch; then gaps are filled with activities done alone (the longest kind where a gap is longer
    than it), each recorded by chance. Only what is recorded is anybody's to know.

    Args:
        rng: the only source of chance.
        people: at least 2.
        recording: chance in [0, 1] of each activity done alone to be recorded.
        catalogue: what there is to do.
    """
    meetings: list[Day] = [[] for _ in range(people)]
    number = min(rng.randint(1, max(1, people // 3)), len(catalogue.shared))
    for name in rng.sample(list(catalogue.shared), number):
        slots, starts = catalogue.shared[name]
        pair, start = rng.sample(range(people), 2), rng.choice(starts)
        for person in pair:
            meetings[person].append(Activity(name, start, start + slots))
    return [_day(rng, shared, recording, catalogue.alone) for shared in meetings]


def _day(rng: random.Random, shared: Day, recording: float, alone: Mapping[str, int]) -> Day:
    busy = {slot for one in shared for slot in range(one.start, one.end)}
    day = list(shared)
    for name, slots, starts in ROUTINES:
        possible = [start for start in starts if start not in busy]
        if not possible:
            continue
        start = rng.choice(possible)
        end = start + slots
        if end > SLOTS:  # past midnight: a day has both ends of the night
            day.append(Activity(name, 0, end - SLOTS))
        day.append(Activity(name, start, min(end, SLOTS)))
        busy.update(slot % SLOTS for slot in range(start, end))
    most = max(alone.values())
    start = 0
    while start < SLOTS:
        if start in busy:
            start += 1
            continue
        gap = next((slot for slot in range(start, SLOTS) if slot in busy), SLOTS) - start
        fits = [n for n, slots in alone.items() if (slots == most if gap > most else slots <= gap)]
        name = rng.choice(fits)
        if rng.random() < recording:
            day.append(Activity(name, start, start + alone[name]))
        start += alone[name]
    return sorted(day, key=lambda one: (one.start, one.end, one.name))


def plant(rng: random.Random, day: Day, catalogue: Catalogue) -> bool:
    """Add an activity longer than all others to a day; False where no gap is long enough."""
    taken = {slot for one in day for slot in range(one.start, one.end)}
    starts = [
        start
        for start in range(SLOTS - PLANTED_SLOTS + 1)
        if not taken.intersection(range(start, start + PLANTED_SLOTS))
    ]
    if not starts:
        return False
    names = [name for name, slots in catalogue.alone.items() if slots == PLANTED_SLOTS]
    start = rng.choice(starts)
    day.append(Activity(rng.choice(names), start, start + PLANTED_SLOTS))
    day.sort(key=lambda one: (one.start, one.end, one.name))
    return True


def deletions(activities: Iterable[Activity]) -> int:
    """Return how few activities, sleep excepted, must go so that no two overlap.

    That is their number less the longest chain of such that do not overlap, found by taking
    whichever ends first.
    """
    spans = sorted((one.end, one.start) for one in activities if one.name != SLEEP)
    kept, last = 0, 0
    for end, start in spans:
        if start >= last:
            kept, last = kept + 1, end
    return len(spans) - kept


def longest(activities: Iterable[Activity]) -> frozenset[str]:
    """Return the names of the activities, sleep excepted, that last longest."""
    lengths = [(one.end - one.start, one.name) for one in activities if one.name != SLEEP]
    most = max((length for length, _ in lengths), default=0)
    return frozenset(name for length, name in lengths if length == most)


def free(activities: Iterable[Activity]) -> frozenset[int]:
    """Return the slots in which nobody does anything recorded."""
    busy = {slot for one in activities for slot in range(one.start, one.end)}
    return frozenset(range(SLOTS)) - busy


def f1(found: frozenset[str] | set[str], gold: frozenset[str]) -> float:
    """Return the harmonic mean of precision and recall of a set of names, in [0, 1]."""
    both = len(found & gold)
    return 2 * both / (len(found) + len(gold)) if found or gold else 1.0


def iou(found: frozenset[int] | set[int], gold: frozenset[int]) -> float:
    """Return |found and gold| / |found or gold|, in [0, 1]; 1 where both are empty."""
    either = len(found | gold)
    return len(found & gold) / either if either else 1.0


def spans(slots: Iterable[int]) -> Sequence[tuple[int, int]]:
    """Return slots as spans from a slot to before another, in order."""
    found: list[tuple[int, int]] = []
    for slot in sorted(slots):
        if found and found[-1][1] == slot:
            found[-1] = (found[-1][0], slot + 1)
        else:
            found.append((slot, slot + 1))
    return found
