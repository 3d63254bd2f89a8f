"""Cooperates half of the time, whatever happens.

Axelrod 1980, Journal of Conflict Resolution 24. Written for this project; Apache-2.0.
"""

from agentkit import Action, Player, Request

SHARE = 0.5  # of cooperation


class Member(Player):
    async def act(self, request: Request) -> Action:
        del request
        return "C" if self.rng.random() < SHARE else "D"
