"""Always defects.

The floor of Axelrod & Hamilton 1981, Science 211. Written for this project; Apache-2.0.
"""

from agentkit import Action, Player, Request


class Member(Player):
    async def act(self, request: Request) -> Action:
        del request
        return "D"
