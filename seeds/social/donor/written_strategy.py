"""A model writes a strategy, from those of the survivors where there are any, and keeps to it.

Vallinder & Hughes 2024, arXiv:2412.10270. Economical: with its text the model names three numbers
by which its gifts are reckoned, one call a generation and new seat. Written for this project;
Apache-2.0.
"""

from agentkit import Action, Agent, AgentError, Player, Request

QUESTION = (
    "Write your strategy in one sentence that begins with 'My strategy will be'. Which part of your"
    " units, in percent, do you give to those of whom nothing is known, to those who gave at least"
    " a quarter last time, and to those who gave less?"
)


class Member(Player):
    async def act(self, request: Request) -> Action:
        if request.kind == "strategy":
            return await self.strategy(request)
        unknown, good, low = self.notes.get("percent", (0, 0, 0))
        if not request.trace:
            return float(unknown / 100)
        return float((good if request.trace[0]["fraction"] >= 0.25 else low) / 100)

    async def strategy(self, request: Request) -> str:
        advice = sorted(request.advice, key=lambda one: -one["score"])[:6]
        told = "\n".join(f"- final units {one['score']:.0f}: {one['text']}" for one in advice)
        past = f"Strategies of those who stayed:\n{told}" if told else "You are among the first."
        fields = {"thinking": str, "text": str, "unknown": int, "good": int, "low": int}
        try:
            reply = await Agent("strategist", "a member of a group who wants to end with much").ask(
                self.events[0].text, past, QUESTION, fields=fields
            )
        except AgentError:
            return ""
        numbers = (reply.unknown, reply.good, reply.low)
        self.notes["percent"] = tuple(min(100, max(0, number)) for number in numbers)
        return str(reply.text)
