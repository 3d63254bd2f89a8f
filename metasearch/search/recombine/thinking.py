"""The move that lets an agent think in plain text before it answers in a field."""

from __future__ import annotations

import ast

from metasearch.search.recombine.module import Module, merge, taken_apart
from metasearch.search.recombine.naming import changed_idea, changed_name
from metasearch.search.recombine.scene import Scene, Sketch
from metasearch.search.recombine.text import Edit, Text, Unsuitable

__all__ = ["think_first"]

_FRAME = '''
from agentkit import Agent, Reply, ReplyError, Task


async def thought_through(agent: Agent, task: Task, *parts: object) -> Reply:
    """Let an agent think in plain text first, then answer in one field."""
    try:
        thoughts = (await agent.ask(*parts)).text
    except ReplyError as error:
        thoughts = error.text  # thinking that was cut off is worth reading, too
    fields = {"answer": task.answer_type}
    try:
        return await agent.ask(
            task.prompt, f"Thoughts: {thoughts}", "Give the final answer.", fields=fields
        )
    except ReplyError:
        return await agent.ask(*parts, fields=fields)  # the thoughts led nowhere


async def solve(task: Task) -> object:
    return (await thought_through(Agent("thinker"), task)).answer
'''


def think_first(scene: Scene) -> Sketch:
    """Split a step that thinks and answers in one structured reply into two calls.

    A small model that has to think inside a JSON string hardly thinks: it fills the field with a
    phrase. In plain text it works the question out.
    """
    main = scene.main.design
    module = taken_apart(main.source).pruned()
    if "thought_through" in module.names():
        raise Unsuitable("its agents think first already")
    changed = module
    for block in module.blocks:
        text = Text(block.text)
        edits = [edit for node in text.nodes() for edit in _split(text, node)]
        if edits:
            changed = changed.replaced(block, text.edited(edits))
    if changed is module:
        raise Unsuitable("no agent of it thinks and answers in one reply")
    frame = taken_apart(_FRAME)
    helper = tuple(block for block in frame.blocks if "thought_through" in block.binds)
    whole = merge([Module("", frame.imports, helper), changed]).module.pruned()
    idea = changed_idea(main.idea or module.idea, "thinks in plain text first")
    return Sketch(whole.rendered(idea), changed_name(main.name, "thinks first"), (scene.main,))


def _split(text: Text, node: ast.AST) -> list[Edit]:
    """Return the edit of one `agent.ask(..., fields={"thinking": str, "answer": ...})`."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return []
    fields = {one.arg: one.value for one in node.keywords}.get("fields")
    if node.func.attr != "ask" or len(node.keywords) != 1 or not isinstance(fields, ast.Dict):
        return []
    names = [key.value for key in fields.keys if isinstance(key, ast.Constant)]
    agent = node.func.value
    if names != ["thinking", "answer"] or ".thinking" in text.source:
        return []
    if "task" not in text.source or not isinstance(agent, ast.Name):
        return []
    parts = ", ".join(text.of(part) for part in node.args)
    call = f"thought_through({text.of(agent)}, task, {parts})"
    return [Edit(text.start(node), text.end(node), call)]
