"""A model talks and chooses; it looks for the pub that suits most friends.

Pub coordination of Concordia, Vezhnevets et al. 2023, arXiv:2312.03664.
"""

from agentkit import Action, Agent, AgentError, Player, Request

ROLE = "who would rather be with friends than alone at a favourite pub"


class Member(Player):
    async def act(self, request: Request) -> Action:
        agent = Agent(self.name, f"{self.name}, {ROLE}", temperature=0.3)
        past = "\n".join(str(event) for event in self.events[-8:])
        try:
            if request.kind == "speak":
                reply = await agent.ask(
                    past,
                    str(request),
                    "What do you say, in one short sentence with the name of a pub?",
                    fields={"text": str},
                )
                return str(reply.text)
            options = tuple(str(option) for option in request.options)
            fields = {"thinking": str, "choice": options}
            reply = await agent.ask(past, str(request), "Choose one option.", fields=fields)
        except AgentError:
            return None
        chosen: Action = request.options[options.index(reply.choice)]
        return chosen
