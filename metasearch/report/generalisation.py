"""What a design loses from validation to the sealed test, in all and for each kind of task.

A search chooses by validation, so what it finds may fit these tasks and no others. A society's test
scenarios are drawn from constants that the search never meets, so there the gap says whether a
member has learnt the game or one of its settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot
from statistics import fmean
from typing import TYPE_CHECKING

from metasearch.report.facts import Gap, Scored
from metasearch.report.headline import Samples, scored
from metasearch.report.rows import Rows, Scores
from metasearch.stats import Estimate
from metasearch.types import Split

if TYPE_CHECKING:
    from metasearch.archive import Archive

__all__ = ["gaps", "lost"]


def gaps(archive: Archive, rows: Rows, samples: Samples) -> dict[int, Gap]:
    """Return the gap of every design that met the sealed test, by number."""
    if not rows.sealed:
        return {}
    kinds = {
        task.id: task.kind
        for split in (Split.VALIDATION, Split.TEST)
        for task in archive.tasks(rows.search.id, split)
    }
    found = {}
    for number, sealed in rows.sealed.items():
        if own := rows.first.get(number):
            validation = _of_these_tasks(own, samples.validation(number))
            by_kind = _by_kind(own, kinds), _by_kind(sealed, kinds)
            shared = {
                kind: (mean, by_kind[1][kind])
                for kind, mean in by_kind[0].items()
                if kind in by_kind[1]
            }
            found[number] = Gap(validation, lost(validation, scored(sealed, "test")), shared)
    return found


def _of_these_tasks(own: Scores, told: Scored) -> Scored:
    """Return a told score with an interval for tasks that might have been others.

    What draws a score towards those of other designs leaves the tasks as they are.
    """
    plain = scored(own, told.kind)
    shift = told.mean - plain.mean
    low, high = max(0.0, plain.low + shift), min(1.0, plain.high + shift)
    return told._replace(low=low, high=high)


def lost(before: Scored, after: Scored) -> Estimate:
    """Return `before` - `after`, of different tasks, with its 95 % interval.

    From the two intervals: Newcombe 1998 (Statistics in Medicine 17:873), method 10.
    """
    mean = before.mean - after.mean
    return Estimate(
        mean,
        mean - hypot(before.mean - before.low, after.high - after.mean),
        mean + hypot(before.high - before.mean, after.mean - after.low),
    )


def _by_kind(scores: Scores, kinds: Mapping[str, str]) -> dict[str, float]:
    """Return the mean score by kind, in alphabetical order; tasks without a kind have none."""
    found: dict[str, list[float]] = {}
    for task in sorted(scores):
        if kind := kinds.get(task, ""):
            found.setdefault(kind, []).append(scores[task])
    return {kind: fmean(found[kind]) for kind in sorted(found)}
