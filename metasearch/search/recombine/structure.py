"""Moves that put a structure around designs: votes, critics, programs, cascades."""

from __future__ import annotations

import ast

import metasearch.search.recombine.templates as templates
from metasearch.search.proposer import Parent
from metasearch.search.recombine.calls import worst_calls
from metasearch.search.recombine.compose import Part, assembled, part_of, ways_in
from metasearch.search.recombine.module import Module, merge, taken_apart
from metasearch.search.recombine.naming import NAME_LENGTH, changed_idea, changed_name
from metasearch.search.recombine.phrases import INSTRUCTIONS, ROLES, Purpose
from metasearch.search.recombine.scene import Scene, Sketch, leaning_of
from metasearch.search.recombine.text import Edit, Text, Unsuitable, clipped, quoted

__all__ = ["agree", "cascade", "critic", "panel", "program_first", "relay", "repair", "vote"]

_VOTE_CALLS = 15  # in all: a vote over a dear design costs more than it returns
_CHEAP_CALLS = 6
_HEATS = (0.6, 0.8, 1.0)
_INNER_CHANCE = 0.35  # how often a function of a design is taken instead of all of it


def vote(scene: Scene) -> Sketch:
    """Ask the main design several times and take the majority."""
    _refuse_nested(scene, "vote")
    calls = max(1, worst_calls(scene.main.design.source))
    counts = [number for number in (3, 5) if number * calls <= _VOTE_CALLS]
    if not counts:
        raise Unsuitable("it is too dear for a vote")
    number, heat = scene.rng.choice(counts), scene.rng.choice(_HEATS)
    return _made(
        scene,
        "vote",
        templates.VOTE,
        f"{_spelt(number)} attempts of $way at temperature {heat} or more; the majority answers.",
        {"way": part_of(scene.main, heat=heat)},
        {"count": str(number)},
    )


def panel(scene: Scene) -> Sketch:
    """Let the main design and others answer once each, and take the majority."""
    _refuse_nested(scene, "panel")
    chosen = [scene.main]
    for _ in range(2):
        chosen.append(scene.partner(_cheap, chosen))
    parts = dict(zip(("one", "other", "third"), map(part_of, chosen), strict=True))
    return _made(
        scene,
        "panel",
        templates.PANEL,
        "$one, $other and $third answer; the majority decides.",
        parts,
        {"ways": ", ".join(f"tried(${key}, task)" for key in parts)},
    )


def critic(scene: Scene) -> Sketch:
    """Have the main design's answer checked, and revised where it is wrong."""
    _refuse_nested(scene, "critic")
    rounds = scene.rng.choice((1, 1, 2))
    return _made(
        scene,
        "critic",
        templates.CRITIC,
        f"A checker looks at the answer of $way and mends it, {_spelt(rounds).lower()} at most.",
        {"way": part_of(scene.main)},
        {
            "count": str(rounds),
            "role": quoted(scene.rng.choice(ROLES)),
            "instruction": _phrase(scene, "check"),
        },
    )


def program_first(scene: Scene) -> Sketch:
    """Try a program first; the main design answers where that gives nothing."""
    if leaning_of(scene.main.design.source) == "computes":
        raise Unsuitable("it runs a program already")
    numbers = scene.rng.random() < 0.5
    attempt = "await program(task)"
    told = "A program first"
    if numbers:
        attempt += " if task.answer_type in (int, float) else None"
        told = "A program first where a number is asked for"
    return _made(
        scene,
        "program_first",
        templates.PROGRAM_FIRST,
        f"{told}; where that gives nothing, $way.",
        {"way": part_of(scene.main)},
        {"condition": attempt, "instruction": _phrase(scene, "program")},
    )


def repair(scene: Scene) -> Sketch:
    """Give a program that fails back to the model once, with its error."""
    main = scene.main.design
    module = taken_apart(main.source).pruned()
    for block in module.blocks:
        edit = _after_run(Text(block.text))
        if edit is None or "mended(" in block.text:
            continue
        told = "Write the whole program again, corrected. Reply with the program only."
        frame = taken_apart(templates.MENDED.replace("$instruction", quoted(told)))
        mender = Module("", frame.imports, tuple(b for b in frame.blocks if "mended" in b.binds))
        changed = module.replaced(block, Text(block.text).edited([edit]))
        if "mended" in changed.names():
            raise Unsuitable("it mends its programs already")
        whole = merge([mender, changed]).module.pruned()
        idea = changed_idea(main.idea or module.idea, "mends a program that fails")
        return Sketch(whole.rendered(idea), changed_name(main.name, "mends"), (scene.main,))
    raise Unsuitable("it runs no program, or mends it already")


def cascade(scene: Scene) -> Sketch:
    """Let a cheap design answer if it can; the dear one answers the rest."""
    _refuse_nested(scene, "cascade")
    other = scene.partner()
    cheap, dear = sorted((scene.main, other), key=_price)
    first = _any_part(scene, cheap)
    if "return None" in first.module.names()[first.entry].text:
        return _made(
            scene,
            "cascade",
            templates.FALLBACK,
            "$one answers; where it gives nothing, $other does.",
            {"one": first, "other": part_of(dear)},
        )
    if not _cheap(cheap):
        raise Unsuitable("neither design is cheap enough to be asked twice")
    return _made(
        scene,
        "cascade",
        templates.CASCADE,
        "Two cheap answers of $one that agree are taken; else $other answers.",
        {"one": part_of(cheap, heat=scene.rng.choice(_HEATS)), "other": part_of(dear)},
    )


def agree(scene: Scene) -> Sketch:
    """Take an answer at which two unlike designs arrive; else a third party decides."""
    _refuse_nested(scene, "agree")
    mine = leaning_of(scene.main.design.source)
    try:
        other = scene.partner(lambda one: leaning_of(one.design.source) != mine)
    except Unsuitable:
        other = scene.partner()
    parts = {"one": _any_part(scene, scene.main), "other": _any_part(scene, other)}
    if scene.rng.random() < 0.4:
        parts["third"] = part_of(scene.partner(taken=(scene.main, other)))
        idea = "What $one and $other agree on is the answer; else $third answers."
        return _made(scene, "agree", templates.BOTH_RIGHT, idea, parts)
    return _made(
        scene,
        "agree",
        templates.AGREE,
        "What $one and $other agree on is the answer; else a judge decides.",
        parts,
        {
            "role": quoted(scene.rng.choice(ROLES)),
            "instruction": _phrase(scene, "decide"),
        },
    )


def relay(scene: Scene) -> Sketch:
    """Tell one design what another one has answered."""
    _refuse_nested(scene, "relay")
    first, second = scene.partner(_cheap), scene.main
    if scene.rng.random() < 0.3 and _cheap(scene.main):
        first, second = second, first
    return _made(
        scene,
        "relay",
        templates.RELAY,
        "$other answers, told what $one has answered.",
        {"one": _any_part(scene, first), "other": part_of(second)},
    )


def _made(
    scene: Scene,
    kind: str,
    template: str,
    idea: str,
    parts: dict[str, Part],
    values: dict[str, str] | None = None,
) -> Sketch:
    """Return what a template makes of parts; the main design is named first among the parents."""
    source = assembled(template, idea, parts, values)
    parents = [scene.main]
    for part in parts.values():
        if all(part.parent.number != one.number for one in parents):
            parents.append(part.parent)
    labels = list(dict.fromkeys(part.label for part in parts.values()))
    return Sketch(source, clipped(f"{kind}: {', '.join(labels)}", NAME_LENGTH), tuple(parents))


def _any_part(scene: Scene, parent: Parent) -> Part:
    """Return a design, or now and then one of its functions, as a part."""
    inner = ways_in(parent.design.source)
    if inner and scene.rng.random() < _INNER_CHANCE:
        return part_of(parent, scene.rng.choice(inner))
    return part_of(parent)


def _refuse_nested(scene: Scene, kind: str) -> None:
    """Raise where the main design is already of this kind: twice the same helps no further."""
    if scene.main.design.name.startswith(kind):
        raise Unsuitable(f"it is a {kind} already")


def _phrase(scene: Scene, purpose: Purpose) -> str:
    return quoted(scene.rng.choice(INSTRUCTIONS[purpose]))


def _cheap(parent: Parent) -> bool:
    return worst_calls(parent.design.source) <= _CHEAP_CALLS


def _price(parent: Parent) -> tuple[float, int, int]:
    calls = worst_calls(parent.design.source)
    return parent.tokens_per_task or 100.0 * calls, calls, parent.number


def _spelt(number: int) -> str:
    return {1: "Once", 2: "Twice", 3: "Three", 5: "Five"}.get(number, str(number))


def _after_run(text: Text) -> Edit | None:
    """Return the edit that mends a failed run right behind `name = await run_code(code)`."""
    function = text.tree.body[0]
    if not isinstance(function, ast.AsyncFunctionDef):
        return None
    if "task" not in [one.arg for one in function.args.args]:
        return None
    for node in text.nodes():
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Await)):
            continue
        call, target = node.value.value, node.targets[0]
        if not (isinstance(call, ast.Call) and isinstance(target, ast.Name) and call.args):
            continue
        simple = isinstance(call.args[0], ast.Name | ast.Attribute | ast.Subscript)
        if ast.unparse(call.func) == "run_code" and simple:
            pad, end = " " * node.col_offset, text.end(node)
            given = f"task, {text.of(call.args[0])}, {target.id}"
            mend = f"\n{pad}if not {target.id}.ok:\n{pad}    {target.id} = await mended({given})"
            return Edit(end, end, mend)
    return None
