"""Defects only after the other one has defected twice in a row.

John Maynard Smith; Axelrod 1984, The Evolution of Cooperation.
Written for this project; Apache-2.0.
"""

from agentkit import Action, Player, Request

PATIENCE = 2  # defections in a row


class Member(Player):
    async def act(self, request: Request) -> Action:
        return "D" if request.other_history.endswith("D" * PATIENCE) else "C"
