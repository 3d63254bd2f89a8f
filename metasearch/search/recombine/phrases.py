"""The words that moves put into designs: instructions, roles, kinds of question, cues.

They are general on purpose: none names a domain, and what they are worth is for the search to find.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias

__all__ = [
    "CUES",
    "FIELDS",
    "INSTRUCTIONS",
    "KINDS",
    "LEANINGS",
    "ROLES",
    "Cue",
    "Kind",
    "Leaning",
    "Purpose",
    "purpose_of",
]

Purpose: TypeAlias = Literal["reason", "program", "check", "decide", ""]
Leaning: TypeAlias = Literal["computes", "reasons", "quick"]
LEANINGS: tuple[Leaning, ...] = ("computes", "reasons", "quick")

INSTRUCTIONS: dict[Purpose, tuple[str, ...]] = {
    "reason": (
        "Think step by step, then answer.",
        "Think in at most three short steps, then answer.",
        "Write down what is given and what is asked, then answer.",
        "Go through the parts one by one, note each result, then answer.",
        "Name the rule that applies, apply it, then answer.",
        "Think of the obvious answer and of what speaks against it, then answer.",
        "Say the question again in your own words, then answer it.",
        "Think briefly: only the facts that decide, then answer.",
        "Work on a simpler case first, then on the question, then answer.",
    ),
    "program": (
        "Write a short Python program that computes the answer and assigns it to the variable"
        " `answer`. Reply with the program only.",
        "Write plain Python, one step a line, each quantity in a variable of its own; the last line"
        " assigns the result to `answer`. Reply with the program only.",
        "Write Python that works on the question's own data as literals and assigns the result to"
        " `answer`. Reply with the program only.",
        "Write a Python function that solves any question of this kind, then call it with this"
        " question's data and assign what it returns to `answer`. Reply with the program only.",
        "Define a Python function for this kind of question, without comments, and end with a line"
        " `answer = ...` that calls it with the question's data. Reply with the program only.",
    ),
    "check": (
        "Solve it again on your own. Is the proposed answer right? If not, give the right one.",
        "Look for a mistake in the proposed answer; keep it unless you are sure that it is wrong.",
        "Does the proposed answer fit every part of the question? If not, give one that does.",
        "Put the proposed answer back into the question. Does it hold? If not, correct it.",
    ),
    "decide": (
        "Weigh these answers, then decide.",
        "Which of these answers is right? Think briefly, then decide.",
        "Find where these answers part, settle that point, then decide.",
    ),
}

ROLES = (
    "a careful mathematician",
    "a patient teacher",
    "an exact logician",
    "a sceptical proofreader",
    "a bookkeeper who checks every sum",
    "a linguist who minds every letter",
    "a puzzle champion",
    "a judge who decides on evidence",
    "an expert who answers in few words",
)

FIELDS = {  # what an agent may be made to write before its answer
    "thinking": "str",
    "given": "str",
    "plan": "str",
    "steps": "list[str]",
    "doubt": "str",
}


class Kind(NamedTuple):
    """A kind of question that a classifier can name, and the sort of design that may suit it.

    Attributes:
        pattern: finds training questions that are probably of this kind, to weigh the evidence.
    """

    label: str
    leaning: Leaning
    pattern: str


_NUMBERS = r"\d"
_NO_NUMBERS = r"\A\D*\Z"
_ORDERING = r"(?i)\b(?:sort|order|rank|small|large|high|low|long|short|great|least|most)\w*"
_SPELLING = r"(?i)\b(?:letter|word|spell|vowel|alphabet)\w*"
_QUANTITY = r"\b(?:[Hh]ow (?:many|much)|[Cc]ount|[Tt]otal|[Ss]um)\b"

KINDS = (
    (
        Kind("arithmetic or counting", "computes", rf"{_QUANTITY}|\d\s*[-+*/]\s*\d"),
        Kind("ordering or comparing", "reasons", _ORDERING),
        Kind("letters and words", "computes", _SPELLING),
        Kind("logic or opinion", "quick", _NO_NUMBERS),
    ),
    (
        Kind("needs a calculation", "computes", _NUMBERS),
        Kind("needs no calculation", "reasons", _NO_NUMBERS),
    ),
    (
        Kind("numbers", "computes", _NUMBERS),
        Kind("words or letters", "computes", _SPELLING),
        Kind("statements to judge", "quick", _NO_NUMBERS),
    ),
    (
        Kind("a calculation", "computes", _NUMBERS),
        Kind("a puzzle to think through", "reasons", _ORDERING),
        Kind("a judgement", "quick", _NO_NUMBERS),
    ),
)


class Cue(NamedTuple):
    """A form of question that a pattern recognises without asking a model.

    Attributes:
        name: the constant that holds the pattern in a design.
        pattern: regular expression, to be searched in the question.
        words: what it recognises, to be read after "for".
    """

    name: str
    pattern: str
    words: str
    leaning: Leaning


CUES = (
    Cue("WRITTEN_SUM", r"\d\s*[-+*/]\s*\(?\d", "sums", "computes"),
    Cue("THREE_NUMBERS", r"\d\D+\d\D+\d", "three numbers or more", "computes"),
    Cue("NUMBER_LIST", r"\d+(?:\s*[,;]\s*-?\d+){2}", "lists of numbers", "reasons"),
    Cue("ANY_NUMBER", _NUMBERS, "questions with a number", "computes"),
    Cue("ORDERING", _ORDERING, "ordering", "reasons"),
    Cue("SPELLING", _SPELLING, "letters", "computes"),
    Cue("QUANTITY", _QUANTITY, "quantities", "computes"),
    Cue("STATEMENTS", r"(?i)\b(?:all|no|some|every|therefore|follows?)\b", "statements", "quick"),
    Cue("QUOTATION", r'"[^"]{2,}"', "quoted text", "quick"),
)

_PURPOSES: tuple[tuple[Purpose, re.Pattern[str]], ...] = (
    ("", re.compile(r"(?i)do not (answer|solve)|who should|what kind")),
    ("program", re.compile(r"(?i)\b(program|python|code)\b")),
    ("check", re.compile(r"(?i)\b(proposed|mistake|wrong|correct|feedback|review)")),
    ("decide", re.compile(r"(?i)\b(decide|weigh|final answer)")),
    ("reason", re.compile(r"(?i)\b(answer|think|step|reason|solve)")),
)


def purpose_of(instruction: str) -> Purpose:
    """Return what an instruction asks for; "" where it must not be swapped for another one."""
    for purpose, pattern in _PURPOSES:
        if pattern.search(instruction):
            return purpose
    return ""
