"""Scoring again what is already there: answers and episodes' logs, by the rules of today.

Nothing runs and nothing is changed. A scorer and a society's metrics are pure functions, so the
archive holds all that they need.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from metasearch.archive.records import SearchInfo
from metasearch.archive.store import Archive
from metasearch.domains.base import Domain
from metasearch.domains.societies.base import Society
from metasearch.report.conformity import Swayed, columns, swayed
from metasearch.search.config import SearchConfig
from metasearch.search.domain import load_domain
from metasearch.types import FRESH, Evaluation, Outcome, Split, Task

__all__ = ["Difference", "Rescored", "metrics_of", "rescore"]

ALL = "all"  # of an episode's settings


class Difference(NamedTuple):
    """One evaluation whose score would be another one today."""

    task_id: str
    split: Split
    repeat: int
    old: float
    new: float


@dataclass(frozen=True, slots=True)
class Rescored:
    """What one design's evaluations come to.

    Attributes:
        number, name: of its entry.
        evaluations: that had an answer.
        differences: those with another score.
        metrics: mean metrics of its validation episodes by setting, "all" among them; of questions,
            how its agents sway each other, {} where it has but one.
    """

    number: int
    name: str
    evaluations: int
    differences: tuple[Difference, ...]
    metrics: Mapping[str, Mapping[str, float]]


def rescore(archive: Archive, info: SearchInfo) -> Iterator[Rescored]:
    """Score every answer of a search again, design by design.

    Raises:
        ConfigError: its domain cannot be loaded.
    """
    domain = load_domain(SearchConfig.model_validate(info.config))
    tasks = {task.id: task for split in Split for task in archive.tasks(info.id, split)}
    asks = not isinstance(domain, Society)
    for entry in archive.entries(info.id):
        done = archive.evaluations(info.id, entry_id=entry.id, with_trace=asks)
        answered = [one for one in done if one.outcome is Outcome.ANSWERED]
        if answered:
            yield Rescored(
                number=entry.number,
                name=entry.name,
                evaluations=len(answered),
                differences=tuple(_different(domain, tasks, answered)),
                metrics=metrics_of(domain, tasks, answered),
            )


def metrics_of(
    domain: Domain, tasks: Mapping[str, Task], done: Sequence[Evaluation]
) -> dict[str, dict[str, float]]:
    """Return mean metrics by setting, over validation episodes that took part in the ranking.

    Of questions they are the columns of `metasearch.report.conformity`, from the traces.
    """
    done = [one for one in done if one.split is Split.VALIDATION and one.repeat < FRESH]
    if not isinstance(domain, Society):
        found = columns([_swayed(domain, tasks[one.task_id], one) for one in done])
        return {ALL: found} if found else {}
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in done:
        for name, value in domain.metrics(one.answer).items():
            for setting in (ALL, tasks[one.task_id].kind):
                values[setting][name].append(value)
    return {
        setting: {name: sum(each) / len(each) for name, each in found.items()}
        for setting, found in sorted(values.items())
    }


def _swayed(domain: Domain, task: Task, one: Evaluation) -> Swayed:
    return swayed(one.trace, lambda answer: domain.score(task, answer).value >= 1)


def _different(
    domain: Domain, tasks: Mapping[str, Task], done: Sequence[Evaluation]
) -> Iterator[Difference]:
    for one in done:
        score = domain.score(tasks[one.task_id], one.answer)
        new = score.value if score.outcome is Outcome.ANSWERED else 0.0
        if new != one.score:
            yield Difference(one.task_id, one.split, one.repeat, one.score, new)
