"""The scorer for a choice among a few allowed answers."""

from __future__ import annotations

import re

from metasearch.domains.answers import printed, read, unreadable
from metasearch.domains.questions import folded
from metasearch.types import Json, Score, Task

__all__ = ["choice", "same_option"]

_WRAPPING = " \t\r\n\"'`*_()[]{}<>.:,;!\u201c\u201d\u2018\u2019"
_MARKER = re.compile(r"\banswer\b(?:\s+is\b)?[\s:=]*", re.IGNORECASE)


def choice(task: Task, answer: Json) -> Score:
    """Score 1 for naming the right option and no other.

    Read, in this order: the answer is an option, brackets, quotes and final marks aside, so that
    "(B)" and "b." are B; the one option that stands alone after "answer:" or "the answer is" on a
    line; the text of a lettered option (`task.extra["options"]`, text by letter). Two options named
    are unreadable, and so are letters of another alphabet that only look alike.

    Args:
        task: its `answer_type` holds the allowed strings, its gold one of them.
        answer: what the design returned; a list of one counts as its element.
    """
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if isinstance(answer, list | dict):
        return unreadable(f"a {type(answer).__name__} is not one option")
    text = read(answer, gold=task.gold)
    if isinstance(text, Score):
        return text
    options = _options(task)
    named = {options[key] for key in _named(text, options)} or _by_text(task, text)
    if len(named) != 1:
        which = f"names {len(named)} options" if named else "names none of the options"
        return unreadable(f"{which}; allowed: {', '.join(options.values())}")
    return Score(1.0 if same_option(named.pop(), printed(task.gold)) else 0.0)


def same_option(one: str, other: str) -> bool:
    """Return whether two options are written alike, case, white space and wrapping aside."""
    return _bare(one) == _bare(other)


def _options(task: Task) -> dict[str, str]:
    """Return the allowed answers by their bare form."""
    allowed = task.answer_type if isinstance(task.answer_type, tuple) else (printed(task.gold),)
    return {_bare(option): option for option in allowed}


def _named(text: str, options: dict[str, str]) -> set[str]:
    """Return the keys of the options that the text names: itself, else after its markers."""
    claims = [claim.split("\n")[0] for claim in _MARKER.split(text)[1:]]
    whole = _bare(text)
    return {whole} & options.keys() or {_bare(claim) for claim in claims} & options.keys()


def _by_text(task: Task, text: str) -> set[str]:
    """Return the letters of the options whose full text this is."""
    texts = task.extra.get("options") if isinstance(task.extra, dict) else None
    if not isinstance(texts, dict):
        return set()
    bare = _bare(text)
    return {str(label) for label, option in texts.items() if _bare(printed(option)) == bare}


def _bare(text: str) -> str:
    plain = folded(text)
    return plain.strip(_WRAPPING) or plain  # options such as "<" are nothing but wrapping
