"""Answers of designs that do no work: a sound domain gives them no more than a constant answer.

Each cheat sees what a design sees, and also all right answers that the domain has, as if somebody
had given the set away, but not which one is right here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from metasearch.domains.answers import MAX_CHARS, printed
from metasearch.domains.base import Domain
from metasearch.domains.constant import best_constant
from metasearch.types import Json, Split, Task

__all__ = ["CHEATS", "Cheat", "gains"]

Cheat: TypeAlias = Callable[[Mapping[str, Json], Sequence[str]], Json]
"""(the public part of a task, all right answers of the domain) -> answer."""

_TASKS = 25  # of each split
_MOST = 30  # answers in one list: what is longer is refused for its length already


def _options(public: Mapping[str, Json], known: Sequence[str]) -> list[str]:
    kind = public["answer_type"]
    return list(kind) if isinstance(kind, list) else list(known)[:_MOST]


def _joined(glue: str) -> Cheat:
    return lambda public, known: glue.join(_options(public, known))


def _always(answer: Json) -> Cheat:
    return lambda _public, _known: answer


_GLUES = {
    "spaces": " ",
    "commas": ", ",
    "or": " or ",
    "lines": "\n",
    "bars": "|",
    "slashes": "/",
    "zero width": "\u200b",
    "joiners": "\u2060",
    "soft hyphens": "\u00ad",
    "nothing": "",
    "full-width commas": "\uff0c",
}
_CONSTANTS: Mapping[str, Json] = {
    "nothing": None,
    "blank": " ",
    "null": "null",
    "true": True,
    "zero": 0,
    "list": [],
    "nan": "NaN",
    "infinity": "1e999",
    "a range": "-1000000..1000000",
    "at most": "<= 10000",
    "a pattern": ".*",
    "a wildcard": "*",
    "a placeholder": "{gold}",
    "code": "task.gold",
    "a query": "' or '1'='1",
    "praise": "The answer is correct.",
    "a score": "score: 1.0",
    "a verdict": {"value": 1.0, "outcome": "answered"},
    "gold": {"gold": True},
    "digits": " ".join(map(str, range(100))),
}
CHEATS: Mapping[str, Cheat] = {
    **{f"always {name}": _always(answer) for name, answer in _CONSTANTS.items()},
    **{f"all, joined by {name}": _joined(glue) for name, glue in _GLUES.items()},
    "all as a list": _options,
    "all as JSON": lambda public, known: json.dumps(_options(public, known)),
    "all as an answer": lambda public, known: {"answer": _options(public, known)},
    "all as keys": lambda public, known: dict.fromkeys(_options(public, known), 1),
    "bullets": lambda public, known: "\n".join(f"- {one}" for one in _options(public, known)),
    "numbered": lambda public, known: "\n".join(
        f"{place}. {one}" for place, one in enumerate(_options(public, known), start=1)
    ),
    "each as the answer": lambda public, known: "\n".join(
        f"Answer: {one}" for one in _options(public, known)
    ),
    "everything": lambda _public, known: " ".join(known) * 1_000,
    "as much as is read": lambda _public, known: (" ".join(known) * 1_000)[:MAX_CHARS],
    "the question and all": lambda public, known: (
        f"{public['prompt']} {' '.join(_options(public, known))}"
    ),
}
"""By what they do."""


def gains(domain: Domain) -> dict[str, float]:
    """Return the cheats that score more than the best constant answer, and by how much.

    Args:
        domain: of any kind; the first tasks of each split are cheated on.
    """
    tasks: list[Task] = [task for split in Split for task in domain.tasks(split)[:_TASKS]]
    known = sorted({printed(task.gold) for task in tasks})
    floor = best_constant(domain, tasks).score
    found = {}
    for name, cheat in CHEATS.items():
        answers = [cheat(task.public(), known) for task in tasks]
        judged = zip(tasks, answers, strict=True)
        mean = sum(domain.score(task, answer).value for task, answer in judged) / len(tasks)
        if mean > floor + 1e-9:
            found[name] = mean - floor
    return found
