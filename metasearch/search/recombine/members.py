"""Moves on members of societies: their numbers, their parts, and two of them in one.

A member is a class, so two members make a third that holds both, lets each of them see everything,
and asks one or the other. Moves on prompts (`tuning`) serve members that ask a model, too.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from functools import lru_cache
from typing import TypeGuard

from metasearch.domains.base import MEMBER
from metasearch.search.proposer import Parent
from metasearch.search.recombine.compose import Part, assembled
from metasearch.search.recombine.member_templates import (
    BLENDED,
    BOLDER,
    BY_KIND,
    CAUTIOUS,
    THEN,
)
from metasearch.search.recombine.module import taken_apart
from metasearch.search.recombine.naming import changed_name, slug_of
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
from metasearch.search.recombine.tuning import tuned

__all__ = [
    "blended",
    "bolder",
    "by_kind",
    "cautious",
    "compared",
    "condition",
    "constant",
    "dropped",
    "handler",
    "inner_number",
    "kinds_in",
    "then",
]

_FACTORS = (0.5, 0.75, 0.9, 1.1, 1.25, 1.5, 2.0)
_STEPS = (-2, -1, 1, 2)
_SHARES = (0.02, 0.05, 0.1, 0.2)
_WEIGHTS = (0.25, 0.5, 0.75)
_OWN = frozenset(["__init__", "observe", "act"])
_TURNED: dict[type[ast.cmpop], str] = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">"}
_FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def constant(scene: Scene) -> Sketch:
    """Change one number that the main design has given a name."""
    text = text_of(scene.main.design.source)
    found = [
        (name, node)
        for statement in text.tree.body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
        for name in (statement.targets[0].id,)
        for node in _numbers(text, statement.value)
    ]
    if not found:
        raise Unsuitable("it has no number with a name")
    name, node = scene.rng.choice(found)
    new = _moved(scene, number_in(node))
    return tuned(scene, text, [text.replacing(node, new)], f"{name} {new}")


def inner_number(scene: Scene) -> Sketch:
    """Change one number inside a function or a class of the main design."""
    text = text_of(scene.main.design.source)
    indices = {
        id(inner)
        for node in text.nodes()
        if isinstance(node, ast.Subscript)
        for inner in ast.walk(node.slice)
    }
    found = [
        node
        for statement in text.tree.body
        if isinstance(statement, _FunctionNode | ast.ClassDef)
        for node in _numbers(text, statement)
        if id(node) not in indices
    ]
    if not found:
        raise Unsuitable("it has no number")
    node = scene.rng.choice(found)
    new = _moved(scene, number_in(node))
    return tuned(scene, text, [text.replacing(node, new)], f"{text.of(node)} became {new}")


def compared(scene: Scene) -> Sketch:
    """Turn one comparison between "less" and "at most"."""
    text = text_of(scene.main.design.source)
    found = [
        node
        for node in text.nodes()
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _TURNED
    ]
    if not found:
        raise Unsuitable("it compares nothing")
    node = scene.rng.choice(found)
    sign = _TURNED[type(node.ops[0])]
    start, end = text.end(node.left), text.start(node.comparators[0])
    if text.source[start:end].strip() not in ("<", "<=", ">", ">="):
        raise Unsuitable("a comparison has brackets around it")
    return tuned(scene, text, [Edit(start, end, f" {sign} ")], f"{sign} in a comparison")


def condition(scene: Scene) -> Sketch:
    """Tighten or loosen one condition by another one that some member goes by in such a request."""
    text = text_of(scene.main.design.source)
    found = [
        (name, node)
        for name, method in _method_nodes(text)
        for node in text.nodes(method)
        if isinstance(node, ast.Compare | ast.BoolOp) and _is_whole_test(text, method, node)
    ]
    if not found:
        raise Unsuitable("it has no condition")
    name, node = scene.rng.choice(found)
    old = text.of(node)
    known = {one for each in (scene.main, *scene.others) for one in _atoms(each, name)}
    atoms = sorted(one for one in known if one not in old and _is_at_home(one, scene.main))
    atoms += [f"self.rng.random() < {scene.rng.choice((0.05, 0.1, 0.2, 0.3, 0.5))}"]
    joint, atom = scene.rng.choice(("and", "or")), scene.rng.choice(atoms)
    if scene.rng.random() < 0.3:
        atom = f"not {atom}"
    left = f"({old})" if isinstance(node, ast.BoolOp) else old
    return tuned(scene, text, [text.replacing(node, f"({left} {joint} {atom})")], f"{joint} {atom}")


def dropped(scene: Scene) -> Sketch:
    """Leave out one part of a condition that has several."""
    text = text_of(scene.main.design.source)
    found = [node for node in text.nodes() if isinstance(node, ast.BoolOp)]
    if not found:
        raise Unsuitable("it has no condition of several parts")
    node = scene.rng.choice(found)
    gone = scene.rng.randrange(len(node.values))
    joint = " and " if isinstance(node.op, ast.And) else " or "
    kept = [text.of(one) for place, one in enumerate(node.values) if place != gone]
    told = clipped(text.of(node.values[gone]), 40)
    return tuned(scene, text, [text.replacing(node, joint.join(kept))], f"without {told}")


def handler(scene: Scene) -> Sketch:
    """Take over from another member how it does one thing: a method that both have."""
    mine = _methods(scene.main.design.source)

    def fits(one: Parent) -> bool:
        theirs = _methods(one.design.source)
        return any(theirs[name] != mine[name] for name in mine.keys() & theirs.keys() - _OWN)

    other = scene.partner(fits)
    theirs = _methods(other.design.source)
    names = [name for name in sorted(mine.keys() & theirs.keys()) if name not in _OWN]
    name = scene.rng.choice([name for name in names if mine[name] != theirs[name]])
    taken = [name, *_also_called(theirs, name, mine)]
    module = _with_blocks(scene.main, other, [theirs[one] for one in taken])
    lacking = _own_attributes([theirs[one] for one in taken]) & _given(other) - _given(scene.main)
    if lacking:
        raise Unsuitable(f"`{name}` needs self.{min(lacking)}")
    text = text_of(module)
    node = next(
        one for one in _member(text).body if isinstance(one, _FunctionNode) and one.name == name
    )
    indent = "\n\n" + " " * node.col_offset
    body = indent.join(theirs[one] for one in taken)
    changed = [text.replacing(node, body)]
    sketch = tuned(scene, text, changed, f"{name} of {other.design.name}")
    return Sketch(sketch.source, sketch.name, (scene.main, other))


def by_kind(scene: Scene) -> Sketch:
    """Let another member answer one kind of request."""
    other = scene.partner()
    kinds = sorted(kinds_in(scene.main.design.source) | kinds_in(other.design.source))
    if len(kinds) < 2:
        raise Unsuitable("there is one kind of request only")
    kind = scene.rng.choice(kinds)
    idea = f"$other decides on {kind}, $one on all the rest."
    return _joined(scene, other, BY_KIND, idea, f"{kind} by {other.design.name}", kind=quoted(kind))


def then(scene: Scene) -> Sketch:
    """Follow one member at first, and another one afterwards."""
    other = scene.partner()
    first = scene.rng.choice((1, 2, 3, 5, 8))
    idea = f"$one for {first} rounds, $other from then on."
    return _joined(scene, other, THEN, idea, f"then {other.design.name}", first=str(first))


def blended(scene: Scene) -> Sketch:
    """Decide between what two members would do, where they decide on numbers."""
    other, weight = scene.partner(), scene.rng.choice(_WEIGHTS)
    idea = f"A weighted mean of $one ({weight}) and $other, where they name numbers."
    change = f"mixed with {other.design.name}"
    return _joined(scene, other, BLENDED, idea, change, weight=str(weight))


def cautious(scene: Scene) -> Sketch:
    """Take the smaller of two members' numbers."""
    other = scene.partner()
    idea = "The smaller number of $one and $other; else what $one does."
    return _joined(scene, other, CAUTIOUS, idea, f"at most {other.design.name}")


def bolder(scene: Scene) -> Sketch:
    """Take the larger of two members' numbers."""
    other = scene.partner()
    idea = "The larger number of $one and $other; else what $one does."
    return _joined(scene, other, BOLDER, idea, f"at least {other.design.name}")


@lru_cache(maxsize=1024)
def kinds_in(source: str) -> frozenset[str]:
    """Return the kinds of requests that a member tells apart by name."""
    found: set[str] = set()
    for node in ast.walk(text_of(source).tree):
        if isinstance(node, ast.Compare) and ast.unparse(node.left).endswith("request.kind"):
            for side in node.comparators:
                found.update(word for one in ast.walk(side) if (word := string_in(one)))
        elif isinstance(node, ast.Match) and ast.unparse(node.subject).endswith("request.kind"):
            found.update(word for case in node.cases for word in _words(case.pattern))
    return frozenset(found)


def _words(pattern: ast.pattern) -> Iterator[str]:
    return (word for one in ast.walk(pattern) if (word := string_in(one)))


def _method_nodes(text: Text) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in _member(text).body:
        if isinstance(node, _FunctionNode) and node.name not in _OWN:
            yield node.name, node


def _is_whole_test(text: Text, method: ast.AST, node: ast.AST) -> bool:
    """Return whether a comparison decides by itself, so that it may be joined with another one."""
    for one in text.nodes(method):
        if isinstance(one, ast.If | ast.IfExp | ast.While) and one.test is node:
            return True
        if isinstance(one, ast.BoolOp) and node in one.values and isinstance(node, ast.Compare):
            return True
        if isinstance(one, ast.Assign) and one.value is node:
            return True
    return False


def _atoms(parent: Parent, name: str) -> frozenset[str]:
    try:
        return _atoms_of(parent.design.source, name)
    except Unsuitable:
        return frozenset()


@lru_cache(maxsize=4096)
def _atoms_of(source: str, name: str) -> frozenset[str]:
    """Return the comparisons about the request alone that a member's method makes."""
    text = text_of(source)
    return frozenset(
        text.of(node)
        for method, root in _method_nodes(text)
        if method == name
        for node in text.nodes(root)
        if isinstance(node, ast.Compare)
        and any(isinstance(one, ast.Name) and one.id == "request" for one in ast.walk(node))
        and "request.kind" not in text.of(node)
    )


def _is_at_home(atom: str, taker: Parent) -> bool:
    """Return whether every name of a comparison means something in the taker's module."""
    module = taken_apart(taker.design.source)
    known = {"request", "self", *dir(builtins), *module.names()}
    nodes = list(ast.walk(ast.parse(atom, mode="eval")))
    return all(one.id in known for one in nodes if isinstance(one, ast.Name)) and not any(
        isinstance(one, ast.Attribute) and ast.unparse(one.value) == "self" for one in nodes
    )


def _numbers(text: Text, root: ast.AST) -> list[ast.expr]:
    return [
        node
        for node in text.nodes(root)
        if isinstance(node, ast.Constant) and number_in(node) is not None
    ]


def _moved(scene: Scene, value: int | float | None) -> str:
    """Return another number near one, of the same type; what lies in [0, 1] stays there."""
    assert value is not None
    if isinstance(value, int):
        near = {value + step for step in _STEPS}
        near |= {round(value * factor) for factor in _FACTORS}
        lowest = -3 if value <= 3 else 0  # a small one may be a threshold as well as a count
        choices: list[int | float] = sorted(near - {value} - set(range(-9, lowest)))
    else:
        moved = [value * factor for factor in _FACTORS]
        if 0 <= value <= 1:
            moved += [value + sign * share for share in _SHARES for sign in (-1, 1)]
            moved = [one for one in moved if 0 <= one <= 1]
        choices = sorted({round(one, 4) for one in moved} - {value})
    if not choices:
        raise Unsuitable("there is no other number near it")
    return repr(scene.rng.choice(choices))


def _member(text: Text) -> ast.ClassDef:
    for node in text.tree.body:
        if isinstance(node, ast.ClassDef) and node.name == MEMBER:
            return node
    raise Unsuitable("there is no class `Member`")


@lru_cache(maxsize=1024)
def _methods_of(source: str) -> tuple[tuple[str, str], ...]:
    text = text_of(source)
    return tuple(
        (node.name, text.of(node))
        for node in _member(text).body
        if isinstance(node, _FunctionNode) and not node.decorator_list
    )


def _methods(source: str) -> dict[str, str]:
    try:
        return dict(_methods_of(source))
    except Unsuitable:
        return {}


def _also_called(theirs: dict[str, str], name: str, mine: dict[str, str]) -> list[str]:
    """Return the other methods that a method calls and the taker does not have."""
    needed: list[str] = []
    waiting = [name]
    while waiting:
        for node in ast.walk(_parsed(theirs[waiting.pop()])):
            called = node.attr if isinstance(node, ast.Attribute) else ""
            if called in theirs and called not in {*mine, *needed, name}:
                needed.append(called)
                waiting.append(called)
    return needed


def _with_blocks(taker: Parent, giver: Parent, methods: list[str]) -> str:
    """Return the taker's source with what of the giver's module the methods use.

    Raises:
        Unsuitable: a name means another thing there, or an import is missing.
    """
    here, there = taken_apart(taker.design.source), taken_apart(giver.design.source)
    mine, offered = here.names(), there.names()
    imports = {one.binds: one for one in here.imports}
    waiting = [node.id for one in methods for node in ast.walk(_parsed(one)) if _is_name(node)]
    wanted: dict[str, None] = {}
    while waiting:
        name = waiting.pop()
        if any(one.binds == name and imports.get(name) != one for one in there.imports):
            raise Unsuitable(f"it needs the import of {name}")
        if name not in offered or name in wanted or name == MEMBER:
            continue
        if name in mine and not mine[name].same(offered[name]):
            raise Unsuitable(f"`{name}` means two things")
        if name not in mine:
            wanted[name] = None
            waiting += sorted(offered[name].words)
    blocks = dict.fromkeys(block.text for block in there.blocks if wanted.keys() & set(block.binds))
    text = text_of(taker.design.source)
    start = text.start(_member(text))
    return text.edited([Edit(start, start, "".join(f"{block}\n\n\n" for block in blocks))])


def _is_name(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name)


def _parsed(method: str) -> ast.Module:
    """Return the tree of a method, whose first line has lost its indentation."""
    return ast.parse(f"class _:\n    {method}")


def _own_attributes(methods: list[str]) -> frozenset[str]:
    """Return the attributes of `self` that methods use."""
    return frozenset(
        node.attr
        for one in methods
        for node in ast.walk(_parsed(one))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self"
    )


def _given(parent: Parent) -> frozenset[str]:
    """Return the attributes that a module's objects give themselves."""
    return frozenset(
        node.attr
        for node in ast.walk(text_of(parent.design.source).tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    )


def _joined(
    scene: Scene, other: Parent, template: str, idea: str, change: str, **values: str
) -> Sketch:
    """Return a member that holds two."""
    parts = {"one": _part(scene.main), "other": _part(other)}
    source = assembled(template, idea, parts, values, entry=MEMBER)
    return Sketch(source, changed_name(scene.main.design.name, change), (scene.main, other))


def _part(parent: Parent) -> Part:
    """Return a member as a part, its class under a name of its own and its `act` awaitable."""
    module = taken_apart(parent.design.source).pruned(MEMBER)
    block = module.names()[MEMBER]
    text = Text(block.text)
    acts = [
        node
        for node in _member(text).body
        if isinstance(node, ast.FunctionDef) and node.name == "act"
    ]
    edits = [Edit(text.start(node), text.start(node), "async ") for node in acts]
    if edits:
        module = module.replaced(block, text.edited(edits))
    words = slug_of(parent.design.name).split("_")
    return Part(parent, module, MEMBER, "".join(word.capitalize() for word in words))
