"""The meta agent: a language model that writes designs.

A draft, then reflections (is it new, is it right), as one growing conversation; a design that fails
its trial is sent back with the cause. After Hu, Lu, Clune 2024 (arXiv 2408.08435), changed where
later evidence asks for it: a few parents instead of the whole archive, failures with their traces.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from metasearch.gateway.base import Gateway, RequestRefused
from metasearch.search.checks import idea_of
from metasearch.search.material import excerpt, prompt
from metasearch.search.proposer import Brief, Proposal, Tools
from metasearch.search.quote import Quoter, clean
from metasearch.types import (
    Design,
    Json,
    Message,
    ModelReply,
    ModelRequest,
    Owner,
    Stream,
    Usage,
)

__all__ = ["MetaAgent", "build"]

REFLECTIONS = ("reflect_new", "reflect_right")
PROBLEM_CHARS = 3_000
WISH_CHARS = 2_000
SCHEMA: Json = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("idea", "name", "code")},
    "required": ["idea", "name", "code"],
    "additionalProperties": False,
}
_FENCE = re.compile(r"```(?:python)?\s*\n(.*?)```", re.DOTALL)


def build(tools: Tools) -> MetaAgent:
    """Make the meta agent of a search."""
    return MetaAgent(
        gateway=tools.gateway,
        model=tools.model,
        max_tokens=tools.max_tokens,
        temperature=0.8 if tools.temperature is None else tools.temperature,
        reflections=tools.reflections,
        material=tools.material,
    )


@dataclass(slots=True)
class MetaAgent:
    """Asks a model for designs.

    Attributes:
        model: the endpoint's name of the meta model.
        max_tokens: new tokens of one reply; a whole module has to fit.
        reflections: 0 to 2 rounds in which the draft is looked at again.
        material: makes the request for a design out of a brief.
        operator: what the archive notes as the way in which these designs were made.
    """

    gateway: Gateway
    model: str
    max_tokens: int = 4096
    temperature: float | None = 0.8
    reflections: int = 2
    material: Callable[[Brief, Quoter], str] = excerpt
    operator: str = "rewrite"
    name: str = field(default="meta-agent", init=False)
    reads_ideas: bool = field(default=True, init=False)

    async def propose(self, brief: Brief) -> Proposal:
        """Return a design, or a reason why the model gave none."""
        talk = self._talk(brief)
        return await self._converse(brief, talk, list(REFLECTIONS[: self.reflections]))

    async def repair(self, brief: Brief, failed: Proposal, problem: str) -> Proposal:
        """Send a failed design back with the cause, and return the mended one."""
        talk = self._talk(brief)
        talk.say("assistant", failed.raw)
        # A nonce of its own: whoever wrote the failed design has read the one of its brief.
        quoter = Quoter.of(brief.seed, brief.number, failed.raw, problem)
        quoted = quoter.block("problem", problem, PROBLEM_CHARS)
        talk.say("user", prompt("repair", brief.entry).substitute(problem=quoted))
        return await self._converse(brief, talk, [])

    def _talk(self, brief: Brief) -> _Talk:
        """Begin a conversation with the brief; the nonce in it hangs on all that is quoted."""
        guess = Quoter.of(brief.seed, brief.number)
        quoter = Quoter.of(brief.seed, brief.number, self._request(brief, guess))
        talk = _Talk()
        talk.say("system", prompt("system", brief.entry).template)
        talk.say("user", self._request(brief, quoter))
        return talk

    def _request(self, brief: Brief, quoter: Quoter) -> str:
        request = self.material(brief, quoter)
        if not brief.wish:
            return request
        idea = quoter.block("idea", brief.wish, WISH_CHARS)
        return f"{request}\n\n{prompt('idea').substitute(idea=idea)}"

    async def _converse(self, brief: Brief, talk: _Talk, rounds: list[str]) -> Proposal:
        parents = tuple(parent.number for parent in brief.parents)
        try:
            reply = await self._ask(brief, talk)
            for name in rounds:
                talk.say("assistant", reply.text)
                talk.say("user", prompt(name, brief.entry).template)
                reply = await self._ask(brief, talk)
        except RequestRefused as error:
            return Proposal(None, "", parents, talk.usage, talk.dollars, str(error))
        design, reason = read_design(reply.text)
        return Proposal(
            design, self.operator, parents, talk.usage, talk.dollars, reason, reply.text
        )

    async def _ask(self, brief: Brief, talk: _Talk) -> ModelReply:
        request = ModelRequest(
            self.model, tuple(talk.messages), self.max_tokens, self.temperature, SCHEMA
        )
        stream = Stream(f"proposal {brief.number} of {brief.seed}")
        reply = await self.gateway.ask(request, stream, Owner.PROPOSER)
        talk.usage += reply.usage
        talk.dollars += reply.dollars
        return reply


@dataclass(slots=True)
class _Talk:
    messages: list[Message] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    dollars: float = 0.0

    def say(self, role: str, content: str) -> None:
        self.messages.append(Message(role, content))


def read_design(text: str) -> tuple[Design | None, str]:
    """Take a design out of a reply: the three fields as JSON, else the only fenced block of code.

    Returns:
        (design, "") or (None, one line that says what the reply lacks).
    """
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        fenced = _FENCE.findall(text)
        if len(fenced) != 1:
            return None, "the reply is neither JSON with idea, name, code nor one block of code"
        fields = {"code": fenced[0]}
    code = fields.get("code") if isinstance(fields, dict) else None
    if not isinstance(code, str) or not code.strip():
        return None, "the reply holds no code"
    if match := _FENCE.fullmatch(code.strip()):
        code = match.group(1)
    source = clean(code).strip() + "\n"
    idea = clean(str(fields.get("idea") or "")) or idea_of(source)
    name = clean(str(fields.get("name") or ""))[:80] or idea[:40]
    return Design(source, name, idea), ""
