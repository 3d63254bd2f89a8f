"""A model acts out the kind of people that it stands for, and reckons with how others think.

Prompts 4 and 5 of Pan et al. 2024, arXiv:2407.17789.
"""

from agentkit import Action, Agent, AgentError, Player, Request


class Member(Player):
    async def act(self, request: Request) -> Action:
        agent = Agent(self.name, request.persona, temperature=1.0)
        try:
            reply = await agent.ask(
                request.rule_text,
                f"Winning numbers so far: {list(request.history) or 'none yet'}.",
                "Most of the others are not like you, and learn from round to round. Think step by "
                "step about what they will name, then name your number.",
                fields={"thinking": str, "number": float},
            )
        except AgentError:
            return None
        return float(min(request.high, max(request.low, reply.number)))
