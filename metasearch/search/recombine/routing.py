"""Moves that send each question to the design that suits it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

import metasearch.search.recombine.templates as templates
from metasearch.search.proposer import Parent
from metasearch.search.recombine.compose import Part, assembled, literal_tuple, part_of
from metasearch.search.recombine.naming import NAME_LENGTH
from metasearch.search.recombine.phrases import CUES, KINDS, Cue, Leaning
from metasearch.search.recombine.scene import Scene, Sketch, leaning_of
from metasearch.search.recombine.text import Unsuitable, clipped
from metasearch.types import Task

__all__ = ["route", "route_by_form", "route_by_type"]

_DISLIKE = 0.7  # what a design's score counts on questions for which another sort may be better
_SHARPNESS = 4.0  # how much more often the better one is drawn
_KEYS = ("one", "other", "third")
_TRIES = 8
_ENOUGH = 8  # training questions, before what they do not show counts as absent


class _Sort(NamedTuple):
    """One sort of question.

    Attributes:
        test: source of the condition that recognises it.
        words: how the idea names it.
        about: whether a training question is of it.
    """

    test: str
    words: str
    leaning: Leaning
    about: Callable[[Task], bool]


_TYPES = (
    _Sort(
        "task.answer_type in (int, float)",
        "numbers",
        "computes",
        lambda task: task.answer_type in ("int", "float"),
    ),
    _Sort("task.answer_type is str", "words", "reasons", lambda task: task.answer_type == "str"),
    _Sort(
        "task.answer_type is bool or isinstance(task.answer_type, tuple)",
        "choices",
        "quick",
        lambda task: task.answer_type == "bool" or isinstance(task.answer_type, tuple),
    ),
)


def route(scene: Scene) -> Sketch:
    """Have a classifier name the kind of question, and let the design for it answer."""
    _refuse_nested(scene, "route:")
    kinds = scene.rng.choice(KINDS)
    sorts = [
        _Sort(
            f'question.kind == "{kind.label}"',
            kind.label.removeprefix("needs "),
            kind.leaning,
            _like(kind.pattern),
        )
        for kind in kinds
    ]
    values = {"kinds": literal_tuple(kind.label for kind in kinds)}
    candidates = _candidates(scene, len(sorts))
    return _routed(scene, "route", templates.ROUTE, candidates, sorts, values)


def route_by_type(scene: Scene) -> Sketch:
    """Choose the design by the type of answer that is asked for."""
    _refuse_nested(scene, "route_by_type")
    present = [sort for sort in _TYPES if any(map(sort.about, scene.brief.samples))]
    if len(scene.brief.samples) < _ENOUGH:
        present = list(_TYPES)
    if len(present) < 2:
        raise Unsuitable("all questions ask for the same type of answer")
    sorts = list(present)
    scene.rng.shuffle(sorts)
    candidates = _candidates(scene, len(sorts))
    return _routed(scene, "route_by_type", templates.ROUTE_BY_TYPE, candidates, sorts)


def route_by_form(scene: Scene) -> Sketch:
    """Choose the design by patterns in the question's text; no model is asked for that."""
    _refuse_nested(scene, "route_by_form")
    candidates = _candidates(scene, scene.rng.choice((2, 2, 3)))
    cues = _drawn(scene, candidates, scene.rng.choice((1, 2, 2, 3)))
    sorts = [_sort_of(cue) for cue in cues]
    rest = _Sort("", "the rest", leaning_of(scene.main.design.source), _unlike(cues))
    patterns = "\n".join(f"{cue.name} = re.compile({_raw(cue.pattern)})" for cue in cues)
    values = {"patterns": patterns}
    every = [*sorts, rest]
    return _routed(scene, "route_by_form", templates.ROUTE_BY_FORM, candidates, every, values)


def _routed(
    scene: Scene,
    kind: str,
    template: str,
    candidates: Sequence[Parent],
    sorts: Sequence[_Sort],
    values: dict[str, str] | None = None,
) -> Sketch:
    """Return a design that sends each sort of question to one of two or three designs."""
    chosen = _assigned(scene, candidates, sorts)
    designs = list({one.number: one for one in (scene.main, *chosen)}.values())
    keys = {one.number: key for one, key in zip(designs, _KEYS, strict=False)}
    parts: dict[str, Part] = {keys[one.number]: part_of(one) for one in designs}
    ways = [keys[one.number] for one in chosen]
    branches = _branches(sorts, ways, kind == "route_by_form")
    plain = {**(values or {}), "branches": branches}
    source = assembled(template, _idea(kind, sorts, ways), parts, plain)
    labels = list(dict.fromkeys(part.label for part in parts.values()))
    return Sketch(source, clipped(f"{kind}: {', '.join(labels)}", NAME_LENGTH), tuple(designs))


def _candidates(scene: Scene, most: int) -> list[Parent]:
    """Return the main design and one or two others, between which questions are to be shared."""
    found = [scene.main, scene.partner()]
    if most > 2 and len(scene.others) > 1 and scene.rng.random() < 0.6:
        found.append(scene.partner(taken=found))
    return found


def _sort_of(cue: Cue) -> _Sort:
    return _Sort(f"{cue.name}.search(task.prompt)", cue.words, cue.leaning, _like(cue.pattern))


def _drawn(scene: Scene, candidates: Sequence[Parent], number: int) -> list[Cue]:
    """Draw patterns: more often one that many questions have and that parts the candidates."""
    samples = scene.brief.samples
    left = [cue for cue in CUES if _tells(cue, samples)]
    if not left:
        raise Unsuitable("no pattern tells the questions apart")
    drawn: list[Cue] = []
    while left and len(drawn) < number:
        weights = []
        for cue in left:
            sort = _sort_of(cue)
            hopes = [_hope(scene, one, sort) for one in candidates]
            share = sum(map(sort.about, samples)) / len(samples) if samples else 0.3
            weights.append(0.03 + share * (max(hopes) - min(hopes)))
        drawn.append(scene.rng.choices(left, weights)[0])
        left.remove(drawn[-1])
    return drawn


def _assigned(scene: Scene, candidates: Sequence[Parent], sorts: Sequence[_Sort]) -> list[Parent]:
    """Return a design for each sort; the main one and at least one other are among them."""
    for _ in range(_TRIES):
        chosen = [
            scene.rng.choices(candidates, [_suits(scene, one, sort) for one in candidates])[0]
            for sort in sorts
        ]
        numbers = {one.number for one in chosen}
        if len(numbers) > 1 and scene.main.number in numbers:
            return chosen
    raise Unsuitable("one design suits every sort of question")


def _suits(scene: Scene, parent: Parent, sort: _Sort) -> float:
    return float(_hope(scene, parent, sort) ** _SHARPNESS)


def _hope(scene: Scene, parent: Parent, sort: _Sort) -> float:
    """Return the score in (0, 1] that a design may reach on questions of one sort."""
    fit = 1.0 if leaning_of(parent.design.source) == sort.leaning else _DISLIKE
    return fit * scene.evidence(parent, sort.about)


def _branches(sorts: Sequence[_Sort], ways: Sequence[str], in_order: bool) -> str:
    """Return the statements that choose; what the last sort's design gets needs no test.

    Args:
        in_order: whether the first test that holds decides, so that their order must stay.
    """
    rest = ways[-1]
    tests = [(way, sort.test) for sort, way in zip(sorts, ways, strict=True)][:-1]
    if in_order:
        while tests[-1][0] == rest:
            tests.pop()
    else:
        tests = sorted((pair for pair in tests if pair[0] != rest), key=lambda pair: pair[0])
    lines = []
    for way, group in groupby(tests, key=lambda pair: pair[0]):
        either = " or ".join(test for _, test in group)
        lines += [f"    if {either}:", f"        return await ${way}(task)"]
    return "\n".join([*lines, f"    return await ${rest}(task)"])


def _idea(kind: str, sorts: Sequence[_Sort], ways: Sequence[str]) -> str:
    """Return one line that says what goes where."""
    by_way: dict[str, list[str]] = {}
    for sort, way in zip(sorts, ways, strict=True):
        by_way.setdefault(way, []).append(sort.words)
    told = [f"{' and '.join(by_way[way])} to ${way}" for way in by_way if way != ways[-1]]
    start = "A classifier sends " if kind == "route" else ""
    end = (
        "" if kind == "route" else ", by pattern" if kind == "route_by_form" else ", by answer type"
    )
    text = f"{start}{'; '.join(told)}; the rest to ${ways[-1]}{end}."
    return text[0].upper() + text[1:]


def _like(pattern: str) -> Callable[[Task], bool]:
    compiled = re.compile(pattern)
    return lambda task: bool(compiled.search(task.prompt))


def _unlike(cues: Sequence[Cue]) -> Callable[[Task], bool]:
    return lambda task: not any(re.search(cue.pattern, task.prompt) for cue in cues)


def _tells(cue: Cue, samples: Sequence[Task]) -> bool:
    """Return whether a cue splits the training questions; with very few of them, always."""
    if len(samples) < _ENOUGH:
        return True
    hits = sum(bool(re.search(cue.pattern, task.prompt)) for task in samples)
    return 0 < hits < len(samples)


def _raw(pattern: str) -> str:
    return f'r"{pattern}"' if '"' not in pattern else f"r'{pattern}'"


def _refuse_nested(scene: Scene, kind: str) -> None:
    if scene.main.design.name.startswith(kind):
        raise Unsuitable("it is a router of this sort already")
