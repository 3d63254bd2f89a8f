"""Moves that change one detail of a design and leave its structure alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from metasearch.search.recombine.layout import fitted
from metasearch.search.recombine.naming import changed_idea, changed_name
from metasearch.search.recombine.phrases import FIELDS, INSTRUCTIONS, ROLES, purpose_of
from metasearch.search.recombine.scene import Scene, Sketch
from metasearch.search.recombine.text import (
    Edit,
    Text,
    Unsuitable,
    clipped,
    number_in,
    quoted,
    string_in,
    text_of,
)

__all__ = [
    "count",
    "counts",
    "field",
    "instruction",
    "instructions",
    "role",
    "string_lists",
    "temperature",
    "temperatures",
    "told_in",
    "tuned",
]

_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_MOST = 9  # voters or rounds: beyond that a design is dear whatever it finds
_NO_COUNT = re.compile(r"(?i)second|token|limit|length|max|min|size|chars")
_MOST_FIELDS = 4
_LONGEST = 200  # characters of an instruction that may spread to other designs
_LIBRARY = frozenset(one for phrases in INSTRUCTIONS.values() for one in phrases)
_IN_CONTEXT = re.compile(r"(?i)\b(?:these|this|those|their|earlier|others?|another|feedback)\b")


def temperature(scene: Scene) -> Sketch:
    """Change one temperature of the main design, or all that are equal to it."""
    text = text_of(scene.main.design.source)
    found = list(temperatures(text))
    if not found:
        return _first_temperature(scene, text)
    old = number_in(scene.rng.choice(found))
    new = scene.rng.choice([value for value in _TEMPERATURES if value != old])
    alike = [node for node in found if number_in(node) == old]
    if scene.rng.random() < 0.3:
        alike = [scene.rng.choice(alike)]
    edits = [text.replacing(node, str(new)) for node in alike]
    return tuned(scene, text, edits, f"temperature {new} for {old}")


def count(scene: Scene) -> Sketch:
    """Change how many voters, rounds or attempts the main design has."""
    text = text_of(scene.main.design.source)
    found = counts(text)
    if not found:
        raise Unsuitable("it has nothing to count")
    one = scene.rng.choice(found)
    near = {one.value + step for step in (-2, -1, 1, 2)}
    new = scene.rng.choice(sorted(near & set(range(1, _MOST + 1))))
    return tuned(scene, text, [text.replacing(one.node, str(new))], f"{one.name} = {new}")


def instruction(scene: Scene) -> Sketch:
    """Put another instruction in the place of one: a phrase of the library or of a design.

    What agents are told often is drawn more often. A phrase that no design has been told comes
    before the others, for nobody knows beforehand which words a model does well with.
    """
    text = text_of(scene.main.design.source)
    found = [one for one in instructions(text) if purpose_of(one.value)]
    if not found:
        raise Unsuitable("it has no instruction that may be swapped")
    old = scene.rng.choices(found, [1 + scene.told(one.value) for one in found])[0].value
    purpose = purpose_of(old)
    known = dict.fromkeys(one for each in scene.others for one in told_in(each.design.source))
    library = [one for one in INSTRUCTIONS[purpose] if one != old]
    alike = [one for one in known if one != old and purpose_of(one) == purpose]
    untold = [one for one in library if one not in known]
    new = scene.rng.choice(untold or list(dict.fromkeys([*library, *alike])))
    edits = [text.replacing(one.node, quoted(new)) for one in found if one.value == old]
    return tuned(scene, text, edits, f"told: {clipped(new, 30)}", name=f"told {clipped(new, 20)}")


def role(scene: Scene) -> Sketch:
    """Give an agent another role, or one more role to a list of them."""
    text = text_of(scene.main.design.source)
    new = scene.rng.choice(ROLES)
    choices = [*_role_edits(text, new), *_role_list_edits(text, new)]
    if not choices:
        raise Unsuitable("it has no agent whose role could change")
    return tuned(scene, text, [scene.rng.choice(choices)], f"role: {new}", name=new)


def field(scene: Scene) -> Sketch:
    """Make an agent write one more thing before its answer."""
    text = text_of(scene.main.design.source)
    found = []
    for node in text.nodes():
        if isinstance(node, ast.Dict) and (keys := _keys(node)) and "answer" in keys:
            missing = [name for name in FIELDS if name not in keys]
            if len(keys) < _MOST_FIELDS and missing:
                found.append((node, missing))
    if not found:
        raise Unsuitable("none of its replies has room for another field")
    node, missing = scene.rng.choice(found)
    name = scene.rng.choice(missing)
    start = text.start(node) + 1
    edit = Edit(start, start, f'"{name}": {FIELDS[name]}, ')
    return tuned(scene, text, [edit], f"asks for {name}")


def tuned(scene: Scene, text: Text, edits: list[Edit], change: str, *, name: str = "") -> Sketch:
    """Return the main design with edits, and an idea that says what is different now.

    Args:
        change: what is different, a few words.
        name: the same for the design's name, shorter still.
    """
    main = scene.main.design
    idea = changed_idea(
        main.idea or (ast.get_docstring(text.tree) or "").partition("\n")[0], change
    )
    source = fitted(_with_idea(text, edits, idea))
    return Sketch(source, changed_name(main.name, name or change), (scene.main,))


class Count(NamedTuple):
    """A whole number that says how often: where it stands and what it is called."""

    name: str
    node: ast.expr
    value: int


def counts(text: Text) -> list[Count]:
    """Return the numbers from 1 to 9 that say how often, in constants and in `range(...)`."""
    found: list[Count] = []
    for name, value in _constants(text):
        if not _NO_COUNT.search(name):
            found += _counted(name, value)
    for node in text.nodes():
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "range":
            found += [one for given in node.args[-1:] for one in _counted("rounds", given)]
    return found


def string_lists(text: Text) -> list[ast.List | ast.Tuple]:
    """Return the module's constants that list two or more strings and nothing else."""
    return [
        value
        for _, value in _constants(text)
        if isinstance(value, ast.List | ast.Tuple)
        and len(value.elts) > 1
        and all(string_in(one) is not None for one in value.elts)
    ]


def _constants(text: Text) -> Iterator[tuple[str, ast.expr]]:
    """Yield name and value of the module's plain assignments."""
    for statement in text.tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            yield statement.targets[0].id, statement.value


def _counted(name: str, node: ast.expr) -> list[Count]:
    value = number_in(node)
    return [Count(name, node, value)] if isinstance(value, int) and 1 <= value <= _MOST else []


def temperatures(text: Text) -> Iterator[ast.expr]:
    """Yield the numbers that are temperatures, in calls and in the module's constants."""
    for name, value in _constants(text):
        if "TEMPERATURE" in name.upper() and number_in(value) is not None:
            yield value
    for node in text.nodes():
        heat = node.value if isinstance(node, ast.keyword) and node.arg == "temperature" else None
        if heat is not None and number_in(heat) is not None:
            yield heat


def _first_temperature(scene: Scene, text: Text) -> Sketch:
    """Give every agent a temperature where none has one."""
    new = scene.rng.choice(_TEMPERATURES)
    edits = []
    for node in _agents(text):
        if not any(given.arg in ("temperature", None) for given in node.keywords):
            end = text.end(node) - 1
            comma = "" if text.source[:end].rstrip().endswith(",") else ", "
            edits.append(Edit(end, end, f"{comma}temperature={new}"))
    if not edits:
        raise Unsuitable("it has no temperature")
    return tuned(scene, text, edits, f"temperature {new}")


def _agents(text: Text) -> Iterator[ast.Call]:
    for node in text.nodes():
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Agent" and node.args:
            yield node


class Told(NamedTuple):
    """An instruction: where it stands and what it says."""

    node: ast.expr
    value: str


def instructions(text: Text) -> Iterator[Told]:
    """Yield the sentences that agents are told, in questions and in the module's constants."""
    given = [value for _, value in _constants(text)]
    for node in text.nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            given += node.args if node.func.attr == "ask" else []
    for one in given:
        words = string_in(one) or ""
        if len(words.split()) >= 3 and words.rstrip().endswith((".", "?", "!")):
            yield Told(one, words)


@lru_cache(maxsize=1024)
def told_in(source: str) -> tuple[str, ...]:
    """Return the instructions of a design that make sense in another one, too."""
    try:
        found = tuple(one.value for one in instructions(text_of(source)))
    except Unsuitable:
        return ()  # another design may be a stranger's that does not even parse
    return tuple(one for one in found if one in _LIBRARY or _spreads(one))


def _spreads(instruction: str) -> bool:
    return len(instruction) <= _LONGEST and not _IN_CONTEXT.search(instruction)


def _role_edits(text: Text, new: str) -> Iterator[Edit]:
    for node in _agents(text):
        given = [one.value for one in node.keywords if one.arg == "role"] or node.args[1:2]
        if not given:
            end = text.end(node.args[0])
            yield Edit(end, end, f", {quoted(new)}")
        elif (old := string_in(given[0])) and old != new and "program" not in old.lower():
            yield text.replacing(given[0], quoted(new))


def _role_list_edits(text: Text, new: str) -> Iterator[Edit]:
    for node in string_lists(text):
        words = [string_in(one) or "" for one in node.elts]
        if new in words or not all(re.match(r"(?i)an? ", word) for word in words):
            continue
        for one in node.elts:
            yield text.replacing(one, quoted(new))
        if len(words) < _MOST:
            end = text.end(node.elts[-1])
            yield Edit(end, end, f", {quoted(new)}")


def _keys(node: ast.Dict) -> list[str]:
    return [name for key in node.keys if (name := string_in(key)) is not None]


def _with_idea(text: Text, edits: list[Edit], idea: str) -> str:
    """Return the edited source with another first line of its docstring."""
    first = text.tree.body[0]
    old = ast.get_docstring(text.tree, clean=False)
    if old is None or not isinstance(first, ast.Expr):
        return f'"""{idea}"""\n\n{text.edited(edits).lstrip()}'
    rest = old.strip().partition("\n")[2].rstrip()
    told = f"{idea}\n{rest}\n" if rest.strip() else idea
    plain = told.replace("\\", "\\\\").replace('"""', "'''")
    return text.edited([*edits, text.replacing(first, f'"""{plain}"""')])
