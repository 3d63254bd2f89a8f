"""Begins with cooperation, then takes turns with defection.

Axelrod 1984, The Evolution of Cooperation. Written for this project; Apache-2.0.
"""

from agentkit import Action, Player, Request


class Member(Player):
    async def act(self, request: Request) -> Action:
        return "D" if request.own_history.endswith("C") else "C"
