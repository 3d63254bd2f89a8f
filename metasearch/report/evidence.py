"""Is one design better than another? Worked out from the archive, on the same tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from metasearch import stats
from metasearch.stats import (
    Estimate,
    mcnemar,
    paired_difference,
    tasks_needed,
    wins_and_losses,
)
from metasearch.types import FRESH, Json

if TYPE_CHECKING:
    from metasearch.archive.records import Sample

__all__ = ["LEVEL", "Paired", "by_task", "comparable", "corrected", "paired"]

LEVEL = 0.05  # below it a p-value is called more than luck


@dataclass(frozen=True, slots=True)
class Paired:
    """Design a against design b on the tasks that both have met.

    Attributes:
        mean_a, mean_b: mean scores in [0, 1].
        difference: mean_a - mean_b with its 95 % interval.
        p: exact two-sided McNemar over wins and losses.
        needed: tasks that would show a true difference of this size with 80 % power; None if none.
        won, lost: ids of the tasks on which a is better, worse.
    """

    tasks: int
    mean_a: float
    mean_b: float
    difference: Estimate
    p: float
    needed: int | None
    won: tuple[str, ...]
    lost: tuple[str, ...]

    @property
    def is_clear(self) -> bool:
        """True when the difference is more than luck, were it the only one looked at."""
        return self.p < LEVEL

    def to_json(self) -> dict[str, Json]:
        """Return plain JSON."""
        return {**asdict(self), "difference": self.difference._asdict()}


def by_task(samples: Mapping[Sample, float]) -> dict[str, float]:
    """Return the mean score over repeats by task id: the repeats are one piece of evidence."""
    found: dict[str, list[float]] = {}
    for sample, score in samples.items():
        found.setdefault(sample.task_id, []).append(score)
    return {task: sum(values) / len(values) for task, values in found.items()}


def comparable(
    a: Mapping[Sample, float], b: Mapping[Sample, float]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the scores by task of two designs on samples that may be compared.

    Fresh samples where both have them: those that ranked the designs flatter who leads.
    """
    fresh = all(any(sample.repeat >= FRESH for sample in samples) for samples in (a, b))
    first, second = (
        by_task({sample: x for sample, x in samples.items() if (sample.repeat >= FRESH) is fresh})
        for samples in (a, b)
    )
    return first, second


def paired(a: Mapping[str, float], b: Mapping[str, float]) -> Paired | None:
    """Compare two designs by their scores per task; None when they share no task."""
    shared = sorted(a.keys() & b.keys())
    if not shared:
        return None
    first, second = [a[task] for task in shared], [b[task] for task in shared]
    count = wins_and_losses(first, second)
    return Paired(
        tasks=len(shared),
        mean_a=sum(first) / len(first),
        mean_b=sum(second) / len(second),
        difference=paired_difference(first, second),
        p=mcnemar(count.wins, count.losses),
        needed=tasks_needed(first, second),
        won=tuple(task for task in shared if a[task] > b[task]),
        lost=tuple(task for task in shared if a[task] < b[task]),
    )


def corrected(
    winner: Mapping[str, float], rivals: Sequence[Mapping[str, float]], base: Mapping[str, float]
) -> float:
    """Return the winner's p against `base`, corrected for all the designs that were tried.

    The best of many designs looks better than it is: each of them had its chance to be lucky. Those
    that met all the winner's tasks are tested together, so that children that solve what their
    parent solved cost little (step-down max-T). A race stops designs because they were unlucky;
    each of these costs its full share, the winner's own p once more (Bonferroni). So with no design
    stopped the figure is sharp, and with most of them stopped it is on the safe side.

    Args:
        winner, base: scores by task id.
        rivals: the scores of the other designs that were tried against `base`.

    Returns:
        In [0, 1]; 1.0 where winner and base have no task in common.
    """
    tasks = sorted(winner.keys() & base.keys())
    if not tasks:
        return 1.0
    whole = [one for one in (winner, *rivals) if one.keys() >= set(tasks)]
    rows = np.array([[one[task] - base[task] for task in tasks] for one in whole])
    return float(stats.corrected(rows, stopped=1 + len(rivals) - len(whole))[0])
