"""A model that has heard all says once a day what to say and whether to strike, until wages rise.

Labour collective action of Concordia, Vezhnevets et al. 2023, arXiv:2312.03664.
"""

from agentkit import Action, Agent, AgentError, Player, Request

ROLE = "a worker who wants the highest income over all days"


class Member(Player):
    async def act(self, request: Request) -> Action:
        first = self.notes.setdefault("wage", request.wage)
        if request.wage > first:
            return "" if request.kind == "speak" else "work"
        if request.kind == "choose":
            return str(self.notes.get("choice", "work"))
        agent = Agent(self.name, f"{self.name}, {ROLE}", temperature=0.3)
        past = "\n".join(str(event) for event in self.events[-6:])
        try:
            reply = await agent.ask(
                past,
                str(request),
                "What do you say to the others, in one short sentence, and do you work or strike?",
                fields={"thinking": str, "text": str, "choice": ("work", "strike")},
            )
        except AgentError:
            self.notes["choice"] = "work"
            return ""
        self.notes["choice"] = reply.choice
        return str(reply.text)
