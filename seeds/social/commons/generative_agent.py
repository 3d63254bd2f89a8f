"""A generative agent: a stream of memories, the best of which are shown to a model for each act.

Park et al. 2023, arXiv:2304.03442, with the retrieval of Piatti et al. 2024, arXiv:2404.16698:
.5 * .99^rank + 3 * (importance - 1) / 9 + 2 * cosine; memories expire after 63 days. Economical:
importance goes by kind, the cosine is that of words, and the plan after the talk comes with the
utterance: at most two calls a month. Written for this project; Apache-2.0.
"""

import math
import re
from collections import Counter
from typing import NamedTuple

from agentkit import Action, Agent, AgentError, Event, Player, Request

IMPORTANCE = {"plan": 8, "catch": 3, "report": 5, "said": 5, "joined": 6, "universalization": 9}
MONTHS = 2  # kept: 63 days
TOLD = {  # a memory in words
    "catch": "I asked for {wish} units and got {caught}.",
    "report": "The month's report: {catches}.",
    "said": "{speaker} said: {text}",
    "joined": "{who} has joined us.",
    "universalization": "{text}",
}


class Memory(NamedTuple):
    month: int
    importance: int
    text: str


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"[a-z0-9]+", text.casefold()))


def cosine(one: Counter[str], other: Counter[str]) -> float:
    dot = sum(count * other[word] for word, count in one.items())
    norms = [math.sqrt(sum(count**2 for count in each.values())) for each in (one, other)]
    return dot / (norms[0] * norms[1]) if all(norms) else 0.0


class Member(Player):
    def __init__(self) -> None:
        self.stream: list[Memory] = []
        self.month = 0

    def observe(self, event: Event) -> None:
        super().observe(event)
        if event.kind in TOLD:
            self.remember(event.kind, TOLD[event.kind].format(**dict(event)))

    def remember(self, kind: str, text: str) -> None:
        self.stream.append(Memory(self.month, IMPORTANCE[kind], text[:300]))

    def recall(self, query: str, most: int) -> str:
        """Return the memories of the highest scores, oldest first."""
        alive = [one for one in self.stream if one.month >= self.month - MONTHS]
        asked = words(query)
        scores = {
            rank: 0.5 * 0.99**rank
            + 3 * (one.importance - 1) / 9
            + 2 * cosine(asked, words(one.text))
            for rank, one in enumerate(reversed(alive))
        }
        best = sorted(scores, key=lambda rank: -scores[rank])[:most]
        lines = [list(reversed(alive))[rank] for rank in sorted(best, reverse=True)]
        return "\n".join(f"- {line.text}" for line in lines)

    async def act(self, request: Request) -> Action:
        if request.kind == "reflect":
            self.month += 1
            return ""
        try:
            return await (self.harvest if request.kind == "harvest" else self.speak)(request)
        except AgentError:
            return None

    def agent(self) -> Agent:
        rules = self.events[0]
        return Agent(self.name, f"{self.name}. {rules.persona} {rules.text}", temperature=0.0)

    async def harvest(self, request: Request) -> int:
        now = f"Month {self.month + 1}. There are {request.stock} units, and {request.n} of you."
        reply = await self.agent().ask(
            f"What you remember:\n{self.recall(now + ' how many units to take', 10)}",
            now,
            "Think step by step. How many units do you take?",
            fields={"thinking": str, "quantity": int},
        )
        quantity: int = min(request.stock, max(0, reply.quantity))
        return quantity

    async def speak(self, request: Request) -> dict[str, Action]:
        if any(said["speaker"] == self.name for said in request.transcript):
            return {"text": "", "end": True, "next": ""}
        names = tuple(name for name in request.catches if name != self.name)
        talk = "\n".join(f"{said['speaker']}: {said['text']}" for said in request.transcript[-4:])
        reply = await self.agent().ask(
            f"What you remember:\n{self.recall(talk or 'the catches of this month', 5)}",
            f"The talk so far:\n{talk or '(nobody has spoken)'}",
            "What do you say, who is to speak next, and what do you plan to do next month?",
            fields={"text": str, "next": names or ("",), "plan": str},
        )
        self.remember("plan", f"My plan: {reply.plan}")
        return {"text": str(reply.text), "end": False, "next": str(reply.next)}
