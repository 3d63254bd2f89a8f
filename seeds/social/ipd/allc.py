"""Always cooperates.

The sucker of every tournament since Axelrod 1980. Written for this project; Apache-2.0.
"""

from agentkit import Action, Player, Request


class Member(Player):
    async def act(self, request: Request) -> Action:
        del request
        return "C"
