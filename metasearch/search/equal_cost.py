"""Baselines that cost what the winner costs: more samples of one chain, and a vote of the best.

A search spends much to find a design that may spend much on each task. So it has to beat what the
same spending buys without any search: self-consistency with as many samples as the winner's tokens
pay for (Wang et al. 2022, arXiv 2203.11171), and the majority of what the best designs answered.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from metasearch.domains.answers import printed
from metasearch.domains.questions import folded
from metasearch.search.member import Member
from metasearch.search.seeds import seeds
from metasearch.types import FRESH, Design, Evaluation, Json, Outcome, Score, Split, Task

__all__ = ["BASELINES", "BEST", "Vote", "self_consistency", "vote", "voters"]

BASELINES = ("direct", "chain_of_thought", "self_consistency")
"""Names of the shipped seeds that every final comparison is read against."""

BEST = 3
"""Designs whose answers the vote of the archive's best counts."""

_SEED = "self_consistency"
_SAMPLES = re.compile(r"^VOTERS = (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Vote:
    """What a majority of designs says to one task.

    Attributes:
        answer: that of the most designs; a tie goes to the design that ranks first.
        score: in [0, 1].
        tokens, dollars: of all the answers that were counted.
    """

    answer: Json
    score: float
    tokens: int
    dollars: float


def voters(winner: Member, baseline: Member, *, calls_per_task: int) -> int | None:
    """Return how many samples self-consistency takes to spend the winner's tokens on a task.

    Args:
        winner: measured on validation.
        baseline: one that samples self-consistency, measured on validation, too.
        calls_per_task: cap of one evaluation.

    Returns:
        At least 1, rounded to the nearest; None where the baseline has no tokens to reckon with or
        its source does not say how many samples it takes.
    """
    samples = _SAMPLES.search(baseline.design.source if baseline.design else "")
    paid = baseline.tokens_per_task()
    if samples is None or not paid:
        return None
    each = paid / int(samples[1])
    return min(max(1, round(winner.tokens_per_task() / each)), calls_per_task)


def self_consistency(samples: int) -> Design:
    """Return the shipped self-consistency with another number of samples.

    Its first samples are those of the seed, request by request, so the record gives them back.

    Args:
        samples: at least 1; the shipped number returns the seed itself, the same design.

    Raises:
        ValueError: `samples` is below 1.
    """
    if samples < 1:
        raise ValueError(f"{samples} samples answer nothing")
    seed = next(one for one in seeds() if one.name == _SEED)
    source = _SAMPLES.sub(f"VOTERS = {samples}", seed.source)
    if source == seed.source:
        return seed
    first, _, rest = source.partition("\n")
    head = (
        f'"""{samples} independent chains of thought; the majority answers: what the winner costs.'
    )
    assert first.startswith('"""'), "a seed begins with its idea"
    return Design(f"{head}\n{rest}", f"{_SEED} x {samples}", head.strip('"'))


def vote(
    ranked: Sequence[Iterable[Evaluation]],
    tasks: Iterable[Task],
    score: Callable[[Task, Json], Score],
    split: Split = Split.VALIDATION,
) -> dict[tuple[str, int], Vote]:
    """Return what the majority of some designs says to each task, from their recorded answers.

    No model is asked. Answers that could not be read have no vote; two answers agree where they are
    written alike, case and white space aside.

    Args:
        ranked: the evaluations of each design, the best design first.
        tasks: of that split, with their right answers for the scorer.
        score: the domain's.
        split: whose evaluations count; the samples of the finals are left out.

    Returns:
        By (task id, repeat), where every one of the designs has been evaluated.
    """
    known = {task.id: task for task in tasks}
    met: list[Mapping[tuple[str, int], Evaluation]] = [
        {(one.task_id, one.repeat): one for one in each if one.split is split} for each in ranked
    ]
    shared = set.intersection(*(set(each) for each in met)) if met else set()
    return {
        key: _counted(known[key[0]], [each[key] for each in met], score)
        for key in sorted(shared)
        if key[0] in known and key[1] < FRESH
    }


def _counted(task: Task, said: Sequence[Evaluation], score: Callable[[Task, Json], Score]) -> Vote:
    ballots: dict[str, list[Json]] = defaultdict(list)
    for one in said:
        if one.outcome is Outcome.ANSWERED:
            ballots[folded(printed(one.answer))].append(one.answer)
    # The first of equals: ballots are in the order of the designs' ranks.
    answer = max(ballots.values(), key=len)[0] if ballots else None
    return Vote(
        answer,
        score(task, answer).value if ballots else 0.0,
        sum(one.usage.total for one in said),
        sum(one.dollars for one in said),
    )
