"""InfoNav: a plan of the facts needed, known or unknown, steers what is searched, asked and told.

Liu et al. 2024, "iAgents", arXiv:2406.14928: the plan is drafted first; each turn it is brought
up to date with what was heard or found, the partner is answered first, then unknown facts are
asked for, friends too; when all is known, or turns end, the answer is reasoned from the plan.
"""

from agentkit import Action, Agent, AgentError, Player, Reply, Request

LATEST = 10**6
LAST_TURNS = 1
MOST_FRIENDS = 2


class Member(Player):
    def __init__(self) -> None:
        self.file: list[str] = []
        self.read_to = 0
        self.plan = ""
        self.chat: list[str] = []
        self.asked: list[str] = []

    def take(self, request: Request) -> None:
        """Note what was found and heard: the clear memory."""
        for row in (request.result or {"found": []})["found"]:
            self.file.append(f"{row['from']} to {row['to']}: {row['text']}")
            self.read_to = row["at"] + 1
        self.chat += [f"{one['from']}: {one['text']}" for one in request.inbox]

    async def act(self, request: Request) -> Action:
        self.take(request)
        if self.read_to < request.messages_on_file and request.searches_left:
            return {"query": {"window": [self.read_to, LATEST]}}
        agent = Agent(self.name, f"{self.name}, who plans what to find out", temperature=0.2)
        try:
            if request.depth:
                return await self.friendly(agent, request)
            step = await self.navigate(agent, request)
            if request.question and (step.all_known or request.turns_left <= LAST_TURNS):
                return await self.conclude(agent, request)
        except AgentError:
            return ""
        friend = next((name for name in request.contacts if name not in self.asked), "")
        if friend and len(self.asked) < MOST_FRIENDS and friend in step.ask_whom:
            self.asked.append(friend)
            return {"open_session": friend}
        self.chat.append(f"{self.name}: {step.message}")
        return str(step.message)

    def known(self, request: Request) -> list[str]:
        """Return what a prompt starts with."""
        goal = request.question or f"Help {request['with']} with what is asked."
        return [
            "Messages on file:\n" + "\n".join(self.file),
            "Said so far:\n" + "\n".join(self.chat),
            f"Goal: {goal}",
            f"Plan so far:\n{self.plan or 'none yet: list the facts that are needed'}",
        ]

    async def navigate(self, agent: Agent, request: Request) -> Reply:
        """Bring the plan up to date and say what comes next."""
        people = (*request.contacts, request["with"])
        reply = await agent.ask(
            *self.known(request),
            "Rewrite the plan: one needed fact a line, known (with its value) or unknown. Then "
            f"write to {request['with']}, below 300 characters: answer first what you were "
            "asked, tell no more than that, then ask for unknown facts. Name who can best be "
            "asked next.",
            fields={"plan": str, "all_known": bool, "ask_whom": people, "message": str},
        )
        self.plan = reply.plan
        return reply

    async def conclude(self, agent: Agent, request: Request) -> Action:
        """Reason from the plan."""
        reply = await agent.ask(
            *self.known(request),
            "Drop what contradicts itself, reason from the known facts, then answer.",
            fields={"thinking": str, "answer": str},
        )
        return {"answer": reply.answer}

    async def friendly(self, agent: Agent, request: Request) -> Action:
        """Ask a friend once for what the plan lacks, or answer a friend; then go back."""
        mine = request["with"] in self.asked
        if mine and request.inbox:
            return {"answer": ""}
        task = "Ask for the unknown facts." if mine else "Answer with what is asked, no more."
        reply = await agent.ask(
            *self.known(request), task + " Below 300 characters.", fields={"message": str}
        )
        self.chat.append(f"{self.name}: {reply.message}")
        return str(reply.message) if mine else {"answer": reply.message}
