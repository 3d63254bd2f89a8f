"""Begins with cooperation, then does as the other one did.

Anatol Rapoport; Axelrod 1980, Journal of Conflict Resolution 24.
Written for this project; Apache-2.0.
"""

from agentkit import Action, Player, Request


class Member(Player):
    async def act(self, request: Request) -> Action:
        last: str = request.other_history[-1:]
        return last or "C"
