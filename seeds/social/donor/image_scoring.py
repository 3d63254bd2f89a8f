"""Give, but nothing to those whose own last gift was low.

Image scoring of Nowak & Sigmund 1998, Nature 393, in the game of Vallinder & Hughes 2024,
arXiv:2412.10270. Written for this project; Apache-2.0.
"""

from agentkit import Action, Player, Request

SHARE = 0.5  # of one's units
LOW = 0.25  # a gift below is a low one


class Member(Player):
    async def act(self, request: Request) -> Action:
        if request.kind == "strategy":
            return f"Give {SHARE:.0%}, but nothing to those whose last gift was below {LOW:.0%}."
        return self.donate(request)

    def donate(self, request: Request) -> float:
        if request.trace and request.trace[0]["fraction"] < LOW:
            return 0.0
        return SHARE
