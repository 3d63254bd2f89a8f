"""The scorers that a task file can name.

All share one order: make the answer text, look whether there is one, parse it, compare. None of
them raises or evaluates what it reads, and all are bounded by the cap on an answer's length.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal

from metasearch.domains.answers import printed, read, unreadable
from metasearch.domains.base import Scorer
from metasearch.domains.choices import choice
from metasearch.domains.mentions import Contains
from metasearch.domains.numerals import read_number, read_numbers
from metasearch.domains.questions import folded
from metasearch.domains.spans import f1
from metasearch.types import Json, Score, Task

__all__ = ["SCORERS", "choice", "exact", "f1", "number", "scorer"]

SCORERS: Mapping[str, str] = {
    "exact": "the same text; case, white space and Unicode forms aside",
    "number": "the same number, in any common way of writing it",
    "choice": "the right one of the allowed answers",
    "contains": "the right text stands in the answer, and no list of guesses does",
    "f1": "overlap of the words with the right answer's, from 0 to 1",
}
"""Name and meaning, as users read it."""

_TOLERANCE = Decimal("1e-9")  # relative; a sum of floats is off by some 1e-16


def scorer(name: str, tasks: Sequence[Task] = ()) -> Scorer:
    """Return the scorer of that name for a domain of these tasks.

    Raises:
        KeyError: `name` is not in `SCORERS`.
    """
    if name == "contains":
        return Contains.among(tasks)
    return {"exact": exact, "number": number, "choice": choice, "f1": f1}[name]


def exact(task: Task, answer: Json) -> Score:
    """Score 1 for the same text as the gold; case, white space and Unicode forms aside.

    A gold that is a list or an object is matched as JSON: the answer is such a value or its text.
    """
    text = read(answer, gold=task.gold)
    if isinstance(text, Score):
        return text
    if isinstance(task.gold, list | dict):
        return _same_json(task.gold, text)
    return Score(1.0 if folded(text) == folded(printed(task.gold)) else 0.0)


def number(task: Task, answer: Json) -> Score:
    """Score 1 for the gold's number.

    An answer that holds several distinct numbers is unreadable, and so are True and False. Whole
    numbers are compared exactly, others within a billionth, as they may come from floating point.

    Args:
        task: its gold is a number or its text; `task.extra["language"]`, two letters, says how
            commas and points are meant.
        answer: what the design returned; a list of one counts as its element.
    """
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if isinstance(answer, bool | list | dict):
        return unreadable(f"a {type(answer).__name__} is not a number")
    text = read(answer, gold=task.gold)
    if isinstance(text, Score):
        return text
    language = task.extra.get("language", "") if isinstance(task.extra, dict) else ""
    found = read_numbers(text, "" if isinstance(answer, int | float) else language)
    if len(found) != 1:
        return unreadable(f"holds {len(found)} distinct numbers" if found else "holds no number")
    gold = read_number(printed(task.gold), "" if isinstance(task.gold, int | float) else language)
    return Score(1.0 if gold is not None and _equal(gold, found[0]) else 0.0)


def _equal(gold: Decimal, given: Decimal) -> bool:
    if gold == given:
        return True
    if gold == gold.to_integral_value() and given == given.to_integral_value():
        return False
    return abs(gold - given) <= _TOLERANCE * max(abs(gold), abs(given))


def _same_json(gold: Json, text: str) -> Score:
    try:
        equal = bool(_canonical(json.loads(text)) == _canonical(gold))
    except (ValueError, RecursionError):
        return unreadable("not the JSON that the question asks for")
    return Score(1.0 if equal else 0.0)


def _canonical(value: Json) -> Json:
    """Return JSON with every leaf as folded text, so that 1 and 1.0, "A" and "a" agree."""
    if isinstance(value, list | tuple):
        return [_canonical(part) for part in value]
    if isinstance(value, dict):
        return {str(key): _canonical(part) for key, part in value.items()}
    return folded(printed(value))
