"""Say your favourite and what is closed by rule; a model that has heard all decides where to go.

Pub coordination of Concordia, Vezhnevets et al. 2023, arXiv:2312.03664.
"""

from agentkit import Action, Agent, AgentError, Player, Request

ROLE = "who would rather be with friends than alone at a favourite pub"


class Member(Player):
    async def act(self, request: Request) -> Action:
        if request.kind == "speak":
            warning = f"The {request.closed} is closed. " if request.closed else ""
            return f"{warning}I am going to the {request.favourite}."
        agent = Agent(self.name, f"{self.name}, {ROLE}", temperature=0.3)
        past = "\n".join(str(event) for event in self.events[-4:])
        options = tuple(sorted(request.options))
        try:
            reply = await agent.ask(
                past,
                str(request),
                "Where do the others expect each other? A common pub with many fans is best.",
                fields={"thinking": str, "choice": options},
            )
        except AgentError:
            return None
        return str(reply.choice)
