"""Ask a model, and tell it before each harvest what happened if everybody took more than a share.

The condition "universalization" of Piatti et al. 2024, arXiv:2404.16698, as a part of the member;
at most two calls a month. Written for this project; Apache-2.0.
"""

import re

from agentkit import Action, Agent, AgentError, Player, Request


class Member(Player):
    async def act(self, request: Request) -> Action:
        if request.kind == "reflect":
            return ""
        try:
            return await (self.harvest if request.kind == "harvest" else self.speak)(request)
        except AgentError:
            return None

    def agent(self) -> Agent:
        return Agent(self.name, f"{self.name}. {self.events[0].text}", temperature=0.0)

    async def harvest(self, request: Request) -> int:
        times = re.search(r"(\d+(?:\.\d+)?) times", request.growth_text)
        growth = float(times[1]) if times else 1.0
        share = int(request.stock * (1 - 1 / growth) + 1e-9) // request.n
        line = f"If everybody takes more than {share}, there will be fewer units next month."
        reply = await self.agent().ask(
            self.past(),
            f"There are {request.stock} units now. {request.growth_text} {line}",
            "How many units do you take?",
            fields={"thinking": str, "quantity": int},
        )
        self.notes["line"] = line
        quantity: int = min(request.stock, max(0, reply.quantity))
        return quantity

    async def speak(self, request: Request) -> dict[str, Action]:
        if any(said["speaker"] == self.name for said in request.transcript):
            return {"text": "", "end": True, "next": ""}
        reply = await self.agent().ask(
            self.past(),
            self.notes.get("line", ""),
            "What do you say to the others, in one or two sentences?",
            fields={"text": str},
        )
        return {"text": str(reply.text), "end": False, "next": ""}

    def past(self) -> str:
        """Return the latest reports and utterances."""
        kept = [event for event in self.events if event.kind in ("report", "said")]
        return "\n".join(str(event)[:200] for event in kept[-6:])
