"""The scorer for answers that have to mention the gold text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from metasearch.domains.answers import printed, read, unreadable
from metasearch.domains.questions import folded
from metasearch.types import Json, Score, Task

__all__ = ["Contains"]

_UNSPACED = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # Thai to CJK
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_LONGEST_RIVAL = 8  # words; a longer gold is no guess that could be listed
_OPEN_LIMIT = 3  # wrong answers named before an answer counts as a list of guesses
_CLOSED_OPTIONS = 20
_CLOSED_REPEATS = 2  # each answer this often on average: the answers are a closed set


@dataclass(frozen=True, slots=True)
class Contains:
    """Scores 1 where the gold text stands in the answer, word for word.

    An answer that lists the known answers of the domain is unreadable: where the answers are a few
    that repeat (or the task names its options), one other is too many; else three are, or all there
    are, not counting what the question itself mentions.

    Attributes:
        rivals: the folded words of all golds of the domain.
        limit: how many rivals in one answer make it a list of guesses.
    """

    rivals: frozenset[tuple[str, ...]] = frozenset()
    limit: int = 1

    @classmethod
    def among(cls, tasks: Sequence[Task]) -> Contains:
        """Return the scorer that knows the golds of these tasks."""
        golds = {_words(printed(task.gold)) for task in tasks}
        rivals = frozenset(gold for gold in golds if 0 < len(gold) <= _LONGEST_RIVAL)
        closed = len(rivals) <= _CLOSED_OPTIONS and len(tasks) >= _CLOSED_REPEATS * len(rivals)
        return cls(rivals, 1 if closed else max(1, min(_OPEN_LIMIT, len(rivals) - 1)))

    def __call__(self, task: Task, answer: Json) -> Score:
        """Score one answer; pure, never raises."""
        text = read(answer, gold=task.gold)
        if isinstance(text, Score):
            return text
        gold, words = _words(printed(task.gold)), _words(text)
        if not _holds(words, gold):
            plain = folded(printed(task.gold))
            return Score(1.0 if not gold and plain and plain in folded(text) else 0.0)
        closed = self.limit == 1 or isinstance(task.answer_type, tuple)
        wrong = {other for other in self._named(task, words) if not _holds(gold, other)}
        if not closed:
            question = _words(task.prompt)
            wrong = {other for other in wrong if not _holds(question, other)}
        if len(wrong) >= (1 if closed else self.limit):
            return unreadable(f"names {len(wrong)} other known answers as well")
        return Score(1.0)

    def _named(self, task: Task, words: tuple[str, ...]) -> set[tuple[str, ...]]:
        """Return the known answers that stand in `words`."""
        options = task.answer_type if isinstance(task.answer_type, tuple) else ()
        known = self.rivals | {_words(option) for option in options}
        longest = min(max((len(rival) for rival in known), default=0), _LONGEST_RIVAL, len(words))
        runs = {
            words[start : start + length]
            for length in range(1, longest + 1)
            for start in range(len(words) - length + 1)
        }
        return runs & known


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(folded(text)))


def _holds(words: tuple[str, ...], part: tuple[str, ...]) -> bool:
    """Return whether `part` stands in `words` as one unbroken run."""
    width = len(part)
    return bool(part) and any(
        words[start : start + width] == part for start in range(len(words) - width + 1)
    )
