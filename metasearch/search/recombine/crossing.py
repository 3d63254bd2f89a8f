"""Moves that exchange functions between designs, and that take things away."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from metasearch.search.proposer import Parent
from metasearch.search.recombine.compose import Part, part_of, ways_in
from metasearch.search.recombine.module import Module, merge, taken_apart
from metasearch.search.recombine.naming import NAME_LENGTH, changed_idea, fresh, slug_of
from metasearch.search.recombine.phrases import purpose_of
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
from metasearch.search.recombine.tuning import (
    counts,
    instructions,
    string_lists,
    temperatures,
    told_in,
    tuned,
)

__all__ = ["crossover", "simpler", "simplify"]

_INNER_CHANCE = 0.4
_DETAIL_CHANCE = 0.6


def crossover(scene: Scene) -> Sketch:
    """Exchange a function between two designs, or their instructions and temperatures."""
    other = scene.partner()
    pairs = [(scene.main, other), (other, scene.main)]
    if scene.rng.random() < 0.5:
        pairs.reverse()
    for taker, giver in pairs:
        places = ways_in(taker.design.source)
        if places:
            try:
                return _with_function(scene, taker, scene.rng.choice(places), giver)
            except Unsuitable:
                continue
    return _with_details(scene, other)


def _with_function(scene: Scene, taker: Parent, place: str, giver: Parent) -> Sketch:
    """Put a function of one design, or all of it, in the place of a function of another one."""
    inner = ways_in(giver.design.source)
    entry = scene.rng.choice(inner) if inner and scene.rng.random() < _INNER_CHANCE else "solve"
    source, name = _exchanged(taker, place, part_of(giver, entry))
    title = taker.design.name.partition(",")[0]
    return Sketch(source, clipped(f"{title}, with {name}", NAME_LENGTH), _both(scene, taker, giver))


def _both(scene: Scene, taker: Parent, giver: Parent) -> tuple[Parent, Parent]:
    return (taker, giver) if taker is scene.main else (giver, taker)


def _with_details(scene: Scene, other: Parent) -> Sketch:
    """Give the main design some of the instructions and temperatures of another one."""
    text = text_of(scene.main.design.source)
    told = told_in(other.design.source)
    edits = []
    for one in instructions(text):
        purpose = purpose_of(one.value)
        choices = [each for each in told if purpose and purpose_of(each) == purpose]
        if choices and scene.rng.random() < _DETAIL_CHANCE:
            edits.append(text.replacing(one.node, quoted(scene.rng.choice(choices))))
    heats = [number_in(node) for node in temperatures(text_of(other.design.source))]
    for node in temperatures(text):
        if heats and scene.rng.random() < _DETAIL_CHANCE:
            edits.append(text.replacing(node, str(scene.rng.choice(heats))))
    if not edits:
        raise Unsuitable("the two designs have nothing to exchange")
    sketch = tuned(scene, text, edits, f"details of {slug_of(other.design.name)}")
    return replace(sketch, parents=(scene.main, other))


def _exchanged(taker: Parent, place: str, part: Part) -> tuple[str, str]:
    """Return a design with another function in one place, and that function's name."""
    module = taken_apart(taker.design.source)
    old = module.names()[place]
    if "run_code" in old.text and not any("run_code" in one.text for one in part.module.blocks):
        raise Unsuitable("what runs programs is replaced only by what runs programs")
    rest = Module(
        module.idea, module.imports, tuple(one for one in module.blocks if one is not old)
    )
    inner = (rest.words() - rest.names().keys()) | (part.module.words() - {part.entry})
    name = fresh(part.label, inner | {place})
    merged = merge([part.module.renamed({part.entry: name}), _without_solve(rest)], inner | {place})
    final = merged.names[0].get(name, name)
    whole = _with_solve(merged.module).renamed({place: final}).pruned()
    if final not in whole.names():
        raise Unsuitable("the exchanged function is never reached")
    idea = changed_idea(taker.design.idea or module.idea, f"{final} for {place}")
    return whole.rendered(idea), final


def simplify(scene: Scene) -> Sketch:
    """Take something away: a voter, a role, a route, a field, a sentence, a whole wrapper."""
    ways: list[Callable[[Scene, Text], Iterator[Sketch]]]
    ways = [_fewer, _shorter_list, _no_route, _no_field, _shorter_instruction, _unwrapped]
    scene.rng.shuffle(ways)
    text = text_of(scene.main.design.source)
    for way in ways:
        found = list(way(scene, text))
        if found:
            return scene.rng.choice(found)
    raise Unsuitable("there is nothing to take away")


def simpler(scene: Scene) -> list[Sketch]:
    """Return the main design with one thing taken away, for each thing that can be.

    Raises:
        Unsuitable: it does not parse.
    """
    text = text_of(scene.main.design.source)
    found = []
    for way in (_unwrapped, _no_route, _once, _fewer, _shorter_list, _no_field):
        found += _taken_away(way, scene, text)
    return found + _taken_away(_shorter_instruction, scene, text)


def _taken_away(
    way: Callable[[Scene, Text], Iterator[Sketch]], scene: Scene, text: Text
) -> list[Sketch]:
    try:
        return list(way(scene, text))
    except Unsuitable:
        return []  # a module that cannot be taken apart may still lose a voter or a sentence


def _once(scene: Scene, text: Text) -> Iterator[Sketch]:
    for one in counts(text):
        if one.value > 2:
            yield tuned(scene, text, [text.replacing(one.node, "1")], f"{one.name} = 1")


def _fewer(scene: Scene, text: Text) -> Iterator[Sketch]:
    for one in counts(text):
        if one.value > 1:
            fewer = one.value - 1
            yield tuned(
                scene, text, [text.replacing(one.node, str(fewer))], f"{one.name} = {fewer}"
            )


def _shorter_list(scene: Scene, text: Text) -> Iterator[Sketch]:
    for node in string_lists(text):
        if len(node.elts) > 2:
            for one in node.elts:
                kept = ", ".join(text.of(other) for other in node.elts if other is not one)
                edit = text.replacing(
                    node, f"[{kept}]" if isinstance(node, ast.List) else f"({kept})"
                )
                yield tuned(scene, text, [edit], f"without {clipped(string_in(one) or '', 24)}")


def _no_route(scene: Scene, text: Text) -> Iterator[Sketch]:
    """Drop one branch that does nothing but hand the task to another function."""
    for statement in text.tree.body:
        if not isinstance(statement, ast.AsyncFunctionDef) or statement.name != "solve":
            continue
        for node in statement.body:
            if not (isinstance(node, ast.If) and not node.orelse and len(node.body) == 1):
                continue
            last = node.body[0]
            if isinstance(last, ast.Return) and isinstance(last.value, ast.Await):
                called = last.value.value
                if isinstance(called, ast.Call) and isinstance(called.func, ast.Name):
                    start = text.source.rfind("\n", 0, text.start(node))
                    dropped = text.edited([Edit(start, text.end(node), "")])
                    yield _pruned(scene, dropped, f"no way to {called.func.id}")


def _no_field(scene: Scene, text: Text) -> Iterator[Sketch]:
    """Drop a field that an agent has to write and nothing reads."""
    for node in text.nodes():
        names = [string_in(key) for key in node.keys] if isinstance(node, ast.Dict) else []
        if not isinstance(node, ast.Dict) or "answer" not in names or None in names:
            continue
        items = [
            f"{text.of(key)}: {text.of(value)}"
            for key, value in zip(node.keys, node.values, strict=True)
            if key is not None
        ]
        for gone, name in enumerate(names):
            if name != "answer" and f".{name}" not in text.source:
                kept = ", ".join(item for place, item in enumerate(items) if place != gone)
                edit = text.replacing(node, f"{{{kept}}}")
                yield tuned(scene, text, [edit], f"{name} is not asked for")


def _shorter_instruction(scene: Scene, text: Text) -> Iterator[Sketch]:
    """Drop a sentence of an instruction that has several; the first says what to do."""
    for one in instructions(text):
        sentences = re.split(r"(?<=[.?!]) ", one.value)
        for place, gone in enumerate(sentences[1:], 1):
            kept = " ".join([*sentences[:place], *sentences[place + 1 :]])
            told = f"not told: {clipped(gone, 24)}"
            yield tuned(scene, text, [text.replacing(one.node, quoted(kept))], told)


def _unwrapped(scene: Scene, text: Text) -> Iterator[Sketch]:
    """Let one function of the design be all of it."""
    for way in ways_in(text.source):
        part = part_of(scene.main, way)
        block = part.module.names()[way]
        node = ast.parse(block.text).body[0]
        told = ast.get_docstring(node) if isinstance(node, ast.AsyncFunctionDef) else None
        module = part.module.renamed({way: "solve"})
        idea = (told or f"{way.replace('_', ' ').capitalize()}, by itself.").partition("\n")[0]
        yield Sketch(module.pruned().rendered(idea), way, (scene.main,))


def _pruned(scene: Scene, source: str, change: str) -> Sketch:
    main = scene.main.design
    module = taken_apart(source).pruned()
    idea = changed_idea(main.idea or module.idea, change)
    name = clipped(f"{main.name.partition(',')[0]}, {change}", NAME_LENGTH)
    return Sketch(module.rendered(idea), name, (scene.main,))


def _without_solve(module: Module) -> Module:
    return module.renamed({"solve": "solve_of_the_taker"})


def _with_solve(module: Module) -> Module:
    return module.renamed({"solve_of_the_taker": "solve"})
