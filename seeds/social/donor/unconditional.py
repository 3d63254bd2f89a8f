"""Give the same part to everybody, whatever they did.

The baseline of Vallinder & Hughes 2024, arXiv:2412.10270. Written for this project; Apache-2.0.
"""

from agentkit import Action, Player, Request

SHARE = 0.5  # of one's units


class Member(Player):
    async def act(self, request: Request) -> Action:
        if request.kind == "strategy":
            return f"Give {SHARE:.0%} to everybody."
        return SHARE
