"""Two agents chat: each reads its store once, answers its partner, and asks until it knows enough.

The plain chat of Liu et al. 2024, arXiv:2406.14928, without a plan.
"""

from agentkit import Action, Agent, AgentError, Player, Request

LATEST = 10**6
FINAL_TURNS = 1


class Member(Player):
    def __init__(self) -> None:
        self.file: list[str] = []
        self.read_to = 0
        self.chat: list[str] = []

    def take(self, request: Request) -> None:
        """Note what was found and heard."""
        for row in (request.result or {"found": []})["found"]:
            self.file.append(f"{row['from']} to {row['to']}: {row['text']}")
            self.read_to = row["at"] + 1
        self.chat += [f"{one['from']}: {one['text']}" for one in request.inbox]

    async def act(self, request: Request) -> Action:
        self.take(request)
        if self.read_to < request.messages_on_file and request.searches_left:
            return {"query": {"window": [self.read_to, LATEST]}}
        agent = Agent(self.name, f"{self.name}, who is brief and exact", temperature=0.2)
        known = ["Messages on file:\n" + "\n".join(self.file)]
        known.append("Said so far:\n" + "\n".join(self.chat))
        if request.question:
            known.append(f"Your question: {request.question}")
        try:
            if request.question and request.turns_left <= FINAL_TURNS:
                return await self.answer(agent, known)
            fields: dict[str, type] = {"message": str}
            if request.question:
                fields["enough_is_known"] = bool
            reply = await agent.ask(
                *known,
                f"Write to {request['with']}, below 400 characters: answer what you were asked, "
                "then ask for what you lack.",
                fields=fields,
            )
            if request.question and reply.enough_is_known:
                return await self.answer(agent, known)
        except AgentError:
            return ""
        self.chat.append(f"{self.name}: {reply.message}")
        return str(reply.message)

    async def answer(self, agent: Agent, known: list[str]) -> Action:
        fields = {"thinking": str, "answer": str}
        reply = await agent.ask(*known, "Think step by step, then answer.", fields=fields)
        return {"answer": reply.answer}
