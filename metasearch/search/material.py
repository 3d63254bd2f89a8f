"""What the meta agent is shown: the kit, the domain, parents with traces, a digest of the archive.

Only training tasks appear here with their gold. Of validation a meta agent sees scores, of the test
split nothing. Whatever a design or a model wrote is quoted as data and cut.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from string import Template

from metasearch.assets import asset
from metasearch.domains.base import MEMBER, SOLVE
from metasearch.domains.societies.base import DESIGN
from metasearch.search.checks import ALLOWED_MODULES
from metasearch.search.proposer import Brief, Parent
from metasearch.search.quote import Quoter, clean, cut
from metasearch.stats import score_interval
from metasearch.types import Evaluation, ModelCall, Task

__all__ = ["advice", "excerpt", "prompt", "whole_archive"]

SAMPLES = 4
EXAMPLES = 4
ADVICE_CHARS = 400  # of a strategy in words; in more, a design could write to those to come
DIGEST_LINES = 40
CODE_CHARS = 8_000
ERROR_CHARS = 800
REPLY_CHARS = 300
PROMPT_CHARS = 400
EPISODE_LINES, EVENT_CHARS, EPISODE_CHARS = 40, 300, 6_000


@cache
def prompt(name: str, entry: str = SOLVE) -> Template:
    """Return the prompt template `prompts/NAME.md`, for members `prompts/member/NAME.md`."""
    folder = Path(__file__).parent / "prompts" / ("member" if entry == MEMBER else "")
    path = folder / f"{name}.md"
    if not path.is_file():  # what says the same to both
        path = folder.parent / path.name
    return Template(path.read_text(encoding="utf-8").strip())


@cache
def kit_reference(entry: str = SOLVE) -> str:
    """Return the public part of agentkit, as the meta agent reads it."""
    name = "REFERENCE_MEMBER.md" if entry == MEMBER else "REFERENCE.md"
    return (asset("sandbox") / "image" / "agentkit" / name).read_text(encoding="utf-8")


def excerpt(brief: Brief, quoter: Quoter) -> str:
    """Return the user message that asks for a design, with a few parents and a digest."""
    return _request(
        "propose",
        brief,
        samples=_samples(brief, SAMPLES),
        parents="\n\n".join(_parent(parent, brief, quoter) for parent in brief.parents)
        or "None yet: write the first one.",
        digest=_digest(brief.digest[-DIGEST_LINES:], quoter),
    )


def whole_archive(brief: Brief, quoter: Quoter) -> str:
    """Return the user message of the published algorithm: the whole archive as JSON.

    Source: Hu, Lu, Clune 2024 (arXiv 2408.08435), section 3.
    """
    entries = [
        {
            "thought": cut(clean(parent.design.idea), ERROR_CHARS),
            "name": clean(parent.design.name)[:80],
            "code": cut(clean(parent.design.source), CODE_CHARS),
            "fitness": fitness(parent),
            "generation": parent.number,
        }
        for parent in brief.library
    ]
    text = json.dumps(entries, indent=1, ensure_ascii=False)
    return _request(
        "archive",
        brief,
        samples=_samples(brief, 1),
        archive=quoter.block("archive", text, len(text)),
    )


def advice(brief: Brief, quoter: Quoter) -> str:
    """Return the user message that passes on what survived, in words: ideas and scores, no code.

    Source: Vallinder and Hughes 2024 (arXiv 2412.10270), section 3.
    """
    survivors = sorted(brief.parents, key=lambda one: (-one.mean, one.number))
    told = "\n\n".join(
        f"Design {one.number}, {fitness(one)}:\n"
        + quoter.block("strategy", clean(one.design.idea), ADVICE_CHARS)
        for one in survivors
    )
    return _request(
        "advice",
        brief,
        samples=_samples(brief, SAMPLES),
        survivors=told or "Nobody yet: write the first one.",
    )


def _request(name: str, brief: Brief, **own: str) -> str:
    """Return a request for a design: what all of them tell, and what this one does."""
    allowed = sorted(one for one in ALLOWED_MODULES if not one.startswith("agentkit"))
    return prompt(name, brief.entry).substitute(
        kit=kit_reference(brief.entry),
        modules=", ".join(allowed),
        domain=brief.domain,
        description=brief.description,
        **own,
    )


def fitness(parent: Parent) -> str:
    """Return the published fitness string, with an interval that holds for few tasks, too."""
    if not parent.scores:
        return "not evaluated"
    interval = score_interval(list(parent.scores.values()))
    return (
        f"95% Confidence Interval: ({interval.low:.1%}, {interval.high:.1%}), "
        f"Mean: {parent.mean:.1%}"
    )


def _samples(brief: Brief, most: int) -> str:
    if brief.entry == MEMBER:  # an episode is shown as it was played
        return ""
    lines = [
        f"Example question: {task.prompt}\nRight answer: {json.dumps(task.gold, default=str)}"
        for task in brief.samples[:most]
    ]
    return "\n\n".join(lines)


def _digest(lines: Sequence[str], quoter: Quoter) -> str:
    """Return the list of designs; their names and ideas are a model's words."""
    if not lines:
        return "Nothing."
    text = "\n".join(" ".join(clean(line).split())[:200] for line in lines)
    return quoter.block("designs", text, len(text))


def _parent(parent: Parent, brief: Brief, quoter: Quoter) -> str:
    solved = f"{parent.mean:.0%} of {parent.tasks} validation tasks"
    if brief.entry == MEMBER:
        solved = f"{parent.mean:.3f} of 1 over {parent.tasks} validation episodes"
    shown = _episode if brief.entry == MEMBER else _example
    parts = [
        f"## Design {parent.number}: {solved}, {parent.tokens_per_task:.0f} tokens a task",
        quoter.block("code", parent.design.source, CODE_CHARS),
    ]
    golds = {task.id: task for task in brief.samples}
    parts += [
        shown(evaluation, golds[evaluation.task_id], quoter)
        for evaluation in parent.examples[:EXAMPLES]
        if evaluation.task_id in golds
    ]
    if parent.tried:
        tried = "\n".join(clean(line)[:200] for line in parent.tried)
        parts.append(f"Already tried on this design:\n{quoter.block('ledger', tried, 2_000)}")
    return "\n\n".join(parts)


def _example(evaluation: Evaluation, task: Task, quoter: Quoter) -> str:
    verdict = "right" if evaluation.score >= 1 else f"wrong ({evaluation.outcome})"
    lines = [
        f"question: {task.prompt}",
        f"right answer: {json.dumps(task.gold, default=str)}",
        f"its answer: {json.dumps(evaluation.answer, default=str)[:REPLY_CHARS]}",
        *([f"error: {cut(evaluation.error, ERROR_CHARS)}"] if evaluation.error else []),
        *(_call(call) for call in evaluation.trace[:8]),
    ]
    block = quoter.block("training example", "\n".join(lines), 4_000)
    return f"On a training task it was {verdict}:\n{block}"


def _episode(evaluation: Evaluation, task: Task, quoter: Quoter) -> str:
    """Return an episode as the design's first seat could have told it, with the public record."""
    answer = evaluation.answer if isinstance(evaluation.answer, dict) else {}
    log = answer.get("log") or []
    seats = log[0].get("seats", []) if log else []
    own = seats.index(DESIGN) if DESIGN in seats else 0
    lines = [
        cut(json.dumps({name: fact for name, fact in event.items() if name != "to"}), EVENT_CHARS)
        for event in log
        if event.get("to") == "all" or own in (event.get("to") or ()) or event.get("seat") == own
    ]
    if evaluation.error:
        lines.append(f"error: {cut(evaluation.error, ERROR_CHARS)}")
    told = f"seat {own} of {len(seats)}, setting {task.kind}, outcome {evaluation.outcome}"
    block = quoter.block("training episode", _both_ends(lines), EPISODE_CHARS)
    return f"In a training episode ({told}) it scored {evaluation.score:.3f}:\n{block}"


def _both_ends(lines: Sequence[str]) -> str:
    """Return the first and the last lines: how it began, and what it came to."""
    if len(lines) > EPISODE_LINES:
        left_out = f"... {len(lines) - EPISODE_LINES} more ..."
        half = EPISODE_LINES // 2
        lines = [*lines[:half], left_out, *lines[-half:]]
    return "\n".join(lines)


def _call(call: ModelCall) -> str:
    asked = cut(call.request.messages[-1].content, PROMPT_CHARS)
    said = cut(call.reply.text, REPLY_CHARS) if call.reply else f"no reply: {call.error}"
    return f"{call.agent} was asked: {asked}\n{call.agent} said: {said}"
