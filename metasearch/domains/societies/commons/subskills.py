"""Domain `commons-skills`: what a member of a commons has to be able to reckon, as questions.

The four tests of Piatti et al. 2024, arXiv:2404.16698, section 3.4, 150 questions each, with the
game's published numbers (five members, capacity 100, doubling) and a person drawn for each:
`forecast` the next stock if all take x; `harvest` a month's catch, right if it is from 1 to the
sustainable share (0 where that is 0); `equal` the share when all take the same; `belief` the same
share when nothing is said of the others. Answers are exact. A member that always says 1 passes
`harvest`: read it beside the others.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from metasearch.domains.base import TaskSet
from metasearch.domains.questions import task_id
from metasearch.domains.scorers import number
from metasearch.domains.societies.commons.stock import fair_share, regrown
from metasearch.domains.societies.commons.surface import (
    HIDDEN_NAMES,
    HIDDEN_SKINS,
    NAMES,
    SKINS,
    Skin,
)
from metasearch.domains.splits import check_sizes, in_turn
from metasearch.errors import ConfigError
from metasearch.types import Json, Score, Split, Task

__all__ = ["SIZES", "SKILLS", "load", "score"]

MEMBERS: Final = 5
CONSTANTS: Final = {"capacity": 100.0, "growth": 2.0}
CAPACITY, GROWTH = 100, 2.0
LEAST_STOCK: Final = 5
SIZES: Final = {Split.TRAIN: 120, Split.VALIDATION: 180, Split.TEST: 300}
_HOMES = {Split.TRAIN: range(4), Split.VALIDATION: range(4, 10), Split.TEST: range(10)}
_TRIES = 2_000  # draws without a new question before a skill counts as exhausted

Ask = Callable[[Skin, int, random.Random], tuple[str, int]]


def _forecast(skin: Skin, stock: int, rng: random.Random) -> tuple[str, int]:
    each = rng.randint(0, stock // MEMBERS)
    text = f"Each of the {MEMBERS} takes {each}. How many {skin.unit} are there next month?"
    return text, regrown(stock - MEMBERS * each, GROWTH, CAPACITY)


def _harvest(skin: Skin, stock: int, rng: random.Random) -> tuple[str, int]:
    del rng
    return f"How many {skin.unit} do you take this month?", _share(stock)


def _equal(skin: Skin, stock: int, rng: random.Random) -> tuple[str, int]:
    del rng
    text = (
        f"All {MEMBERS} take the same number. What is the most that each can take so that next"
        f" month there are at least as many {skin.unit} as now?"
    )
    return text, _share(stock)


def _belief(skin: Skin, stock: int, rng: random.Random) -> tuple[str, int]:
    del rng
    text = (
        "You do not know what the others take and have to judge it. What is the most that you can"
        f" take so that next month there are at least as many {skin.unit} as now?"
    )
    return text, _share(stock)


def _share(stock: int) -> int:
    return fair_share(stock, GROWTH, MEMBERS)


SKILLS: Final[Mapping[str, Ask]] = {
    "forecast": _forecast,
    "harvest": _harvest,
    "equal": _equal,
    "belief": _belief,
}
"""The skills in the order in which every split cycles through them."""


def load(
    argument: str = "",
    *,
    sizes: Mapping[Split, int] | None = None,
    seed: int = 0,
    options: Mapping[str, Json] | None = None,
) -> TaskSet:
    """Return the questions.

    Args:
        argument: skills, separated by commas; all four by default. The option `skill` is the same.
        sizes: tasks of a split; of each skill 30, 45 and 75 by default, 150 in all.
        seed: another seed gives other questions.
        options: `skill`.

    Raises:
        ConfigError: an unknown skill or option, or more tasks than there are questions.
    """
    left = dict(options or {})
    asked = argument or str(left.pop("skill", ""))
    skills = tuple(dict.fromkeys(one.strip() for one in asked.split(",") if one.strip()))
    for name, known in ((skills, SKILLS), (left, {"skill": None})):
        if unknown := [one for one in name if one not in known]:
            raise ConfigError(
                f"commons-skills knows no {unknown[0]!r}; there are {', '.join(known)}"
            )
    skills = skills or tuple(SKILLS)
    each = {split: size // len(SKILLS) * len(skills) for split, size in SIZES.items()}
    wanted = {**each, **check_sizes(sizes)}
    return TaskSet(
        name="commons-skills" + (f":{','.join(skills)}" if asked else ""),
        description=(
            "Questions about a common stock that doubles each month: what it will be, and how much"
            f" may be taken. Skills: {', '.join(skills)}. An answer is a whole number and scores 1"
            " if it is right and 0 otherwise; a month's own harvest is right if it is above 0 and"
            " sustainable."
        ),
        splits={split: _split(split, skills, wanted[split], seed) for split in Split},
        scorer=score,
    )


def score(task: Task, answer: Json) -> Score:
    """Score 1 for the right number; a harvest is right from 1 to the share, which is the gold."""
    if task.kind != "harvest":
        return number(task, answer)
    right = range(1, task.gold + 1) or range(1)
    scores = [number(replace(task, gold=units), answer) for units in right]
    return max(scores, key=lambda found: found.value)


def _split(split: Split, skills: tuple[str, ...], size: int, seed: int) -> tuple[Task, ...]:
    counts = {skill: len(range(place, size, len(skills))) for place, skill in enumerate(skills)}
    return in_turn([_drawn(skill, split, count, seed) for skill, count in counts.items()], size)


def _drawn(skill: str, split: Split, count: int, seed: int) -> list[Task]:
    """Return `count` different questions; those of the final report have skins of their own."""
    rng = random.Random(f"{seed}/{skill}/{split}")
    hidden = split is Split.TEST
    skins = list((HIDDEN_SKINS if hidden else SKINS).values())
    tasks: dict[str, Task] = {}
    tries = 0
    while len(tasks) < count:
        skin, name = rng.choice(skins), rng.choice(HIDDEN_NAMES if hidden else NAMES)
        stock = rng.randint(LEAST_STOCK, CAPACITY)
        question, gold = SKILLS[skill](skin, stock, rng)
        rules = skin.rules(CONSTANTS, MEMBERS, False)
        prompt = f"You are {name}. {rules}\n\nThere are {stock} {skin.unit} now. {question}"
        key, tries = task_id(prompt), tries + 1
        if key not in tasks and int(key[1:], 16) % 10 in _HOMES[split]:
            tasks[key] = Task(key, prompt, gold, "int", skill)
            tries = 0
        elif tries > _TRIES:
            raise ConfigError(
                f"commons-skills finds only {len(tasks)} different {skill} questions for {split},"
                f" {count} are needed; ask for a smaller split"
            )
    return list(tasks.values())
