"""The F1 of answer spans, as DROP is scored.

The tokens, bags and the alignment follow the rules of the official scorer (Dua et al. 2019,
arXiv 1903.00161), so that figures compare; where it would reward an accident, ours is stricter: two
answers of which nothing is left after the articles are equal only if they are written alike.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from metasearch.domains.answers import printed, read, unreadable
from metasearch.domains.numerals import read_numbers
from metasearch.domains.questions import folded
from metasearch.types import Json, Score, Task

__all__ = ["align", "f1"]

MAX_SPANS = 32
_ARTICLES = frozenset({"a", "an", "the"})
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?")
_DROP_PUNCTUATION = str.maketrans("", "", string.punctuation)


class _Span(NamedTuple):
    """One span: as written but folded, as normalised text, and as the set of its tokens."""

    raw: str
    text: str
    bag: frozenset[str]

    def numbers(self) -> frozenset[str]:
        return frozenset(token for token in self.bag if _NUMBER.fullmatch(token))


def f1(task: Task, answer: Json) -> Score:
    """Score the overlap of the answer's spans with the gold's, in [0, 1], rounded to 4 places.

    Args:
        task: its gold is a text or a list of spans; `extra["references"]`, if there, lists several
            such golds, of which the best counts.
        answer: a text is one span; a list is several.

    Returns:
        The detail says "exact" where the spans are equal as sets (the hard score), "hedge" where
        the answer holds several numbers and the gold one.
    """
    spans = answer if isinstance(answer, list) else [answer]
    if len(spans) > MAX_SPANS:
        return unreadable(f"{len(spans)} spans; at most {MAX_SPANS} are read")
    text = read(answer, gold=task.gold)
    if isinstance(text, Score):
        return text
    given = _spans(spans)
    references = [_spans(gold) for gold in _references(task)]
    value = max(_overlap(gold, given) for gold in references)
    exact = any(_equal(gold, given) for gold in references)
    notes = ["exact"] if exact else []
    if _hedges(text, references):
        notes.append("hedge")
    return Score(min(value, 1.0), detail=", ".join(notes))


def align(scores: Sequence[Sequence[float]]) -> float:
    """Return the largest sum of `scores` over one-to-one pairs of a row and a column.

    The Hungarian algorithm with potentials, O(rows^2 x columns); equal to trying all permutations.

    Args:
        scores: (rows, columns), each in [0, 1], rows of equal length.
    """
    rows, columns = len(scores), len(scores[0]) if scores else 0
    if rows > columns:
        return align([[scores[row][column] for row in range(rows)] for column in range(columns)])
    owner = _assign([[-score for score in row] for row in scores], columns)
    return sum(scores[row - 1][column - 1] for column, row in enumerate(owner) if column and row)


def _assign(costs: list[list[float]], columns: int) -> list[int]:
    """Return for each column, counted from 1, the row that it is assigned to, 0 for none."""
    row_potential, column_potential = [0.0] * (len(costs) + 1), [0.0] * (columns + 1)
    owner = [0] * (columns + 1)
    for row in range(1, len(costs) + 1):
        owner[0], column = row, 0
        slack, came_from = [float("inf")] * (columns + 1), [0] * (columns + 1)
        used = [False] * (columns + 1)
        while owner[column]:
            used[column] = True
            current, delta, best = owner[column], float("inf"), 0
            for other in range(1, columns + 1):
                if used[other]:
                    continue
                cost = costs[current - 1][other - 1]
                reduced = cost - row_potential[current] - column_potential[other]
                if reduced < slack[other]:
                    slack[other], came_from[other] = reduced, column
                if slack[other] < delta:
                    delta, best = slack[other], other
            for other in range(columns + 1):
                if used[other]:
                    row_potential[owner[other]] += delta
                    column_potential[other] -= delta
                else:
                    slack[other] -= delta
            column = best
        while column:
            owner[column] = owner[came_from[column]]
            column = came_from[column]
    return owner


def _references(task: Task) -> list[Json]:
    several = task.extra.get("references") if isinstance(task.extra, dict) else None
    return several if isinstance(several, list) and several else [task.gold]


def _spans(answer: Json) -> list[_Span]:
    parts = answer if isinstance(answer, list | tuple) else [answer]
    return [_span(printed(part)) for part in parts]


def _overlap(gold: list[_Span], given: list[_Span]) -> float:
    if not gold or not given:
        return 0.0
    pairs = [[_pair(one, other) for other in given] for one in gold]
    return round(align(pairs) / max(len(gold), len(given)), 4)


def _pair(gold: _Span, given: _Span) -> float:
    if not gold.bag and not given.bag:
        return 1.0 if gold.raw == given.raw else 0.0
    common = len(gold.bag & given.bag)
    numbers = gold.numbers()
    if not common or (numbers and not numbers & given.bag):
        return 0.0
    return 2 * common / (len(gold.bag) + len(given.bag))


def _equal(gold: list[_Span], given: list[_Span]) -> bool:
    """Return whether the spans are the same set after normalising."""
    return len(gold) == len(given) and _texts(gold) == _texts(given)


def _texts(spans: list[_Span]) -> set[str]:
    return {span.text or span.raw for span in spans}


def _hedges(text: str, references: list[list[_Span]]) -> bool:
    several = len(read_numbers(text)) > 1
    return several and any(len(read_numbers(" | ".join(_texts(gold)))) == 1 for gold in references)


def _span(text: str) -> _Span:
    words = " ".join(_token(part) for part in re.split(r"[\s-]+", text.lower())).split()
    kept = [word for word in words if word not in _ARTICLES]
    return _Span(folded(text), " ".join(kept), frozenset(kept))


def _token(part: str) -> str:
    """Return one token: a number in its one spelling, else the word without punctuation."""
    if not _NUMBER.fullmatch(part):
        part = part.translate(_DROP_PUNCTUATION)
    if not _NUMBER.fullmatch(part):
        return part
    plain = format(Decimal(part), "f")
    return (plain.rstrip("0").rstrip(".") if "." in plain else plain) or "0"
