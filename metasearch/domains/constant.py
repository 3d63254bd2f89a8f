"""The floor: what a design scores that gives one and the same answer to every question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from metasearch.domains.answers import printed
from metasearch.domains.base import Domain
from metasearch.types import Json, Task

__all__ = ["Constant", "best_constant"]

_CANDIDATES = 20  # the most frequent right answers; a rarer one scores less where right is right
_TASKS = 100


class Constant(NamedTuple):
    """The best constant answer, and its mean score in [0, 1] on the tasks it was tried on."""

    answer: Json
    score: float


def best_constant(domain: Domain, tasks: Sequence[Task]) -> Constant:
    """Return the right answer that scores most if it is given to every task.

    No model is asked: the domain's own scorer judges the tasks' own right answers. A domain whose
    tasks have none says itself what doing nothing is worth (`constant(tasks)`).

    Args:
        domain: whose scorer it is.
        tasks: at least one; the first 100 count.

    Raises:
        ValueError: there are no tasks.
    """
    if not tasks:
        raise ValueError("no tasks to answer")
    tried = tasks[:_TASKS]
    if (own := getattr(domain, "constant", None)) is not None:
        return Constant(*own(tried))
    golds = {printed(task.gold): task.gold for task in reversed(tried)}
    frequent = Counter(printed(task.gold) for task in tried).most_common(_CANDIDATES)
    found = [
        Constant(golds[text], sum(domain.score(task, golds[text]).value for task in tried))
        for text, _ in frequent
    ]
    best = max(found, key=lambda one: one.score)
    return Constant(best.answer, best.score / len(tried))
