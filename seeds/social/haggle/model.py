"""A model sets a limit and a line to say once a deal; rules keep to them.

Haggling of Concordia, Vezhnevets et al. 2023, arXiv:2312.03664.
"""

from agentkit import Action, Agent, AgentError, Player, Request

ROLE = "a trader who gains most by deals that both sides take"


class Member(Player):
    def __init__(self) -> None:
        self.deal = -1
        self.text = ""
        self.limit = 0

    async def act(self, request: Request) -> Action:
        if request.deal != self.deal:
            await self.consider(request)
        if request.kind == "speak":
            return self.text
        if request.role == "seller":
            return "accept" if request.offer >= self.limit else "reject"
        return int(min(max(request.options), max(0, self.limit)))

    async def consider(self, request: Request) -> None:
        """Ask the model once; without it, keep a gain of one."""
        self.deal, self.text = request.deal, ""
        gain = 1 if request.role == "seller" else -1
        self.limit = request.value + gain
        agent = Agent(self.name, f"{self.name}, {ROLE}", temperature=0.3)
        past = "\n".join(str(event) for event in self.events[-6:])
        said = "\n".join(f"{line['by']}: {line['text']}" for line in request.transcript)
        try:
            reply = await agent.ask(
                past,
                f"You are the {request.role}; it is worth {request.value} to you. Said:\n{said}",
                "What do you say, in one short sentence, and what is the worst price you take?",
                fields={"thinking": str, "text": str, "price": int},
            )
        except AgentError:
            return
        self.text = str(reply.text)
        # Whatever the model says, no deal at a loss.
        worst = min if request.role == "buyer" else max
        self.limit = worst(self.limit, int(reply.price))
