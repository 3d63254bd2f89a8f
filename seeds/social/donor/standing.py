"""Give, but nothing to those whose last gift was low, unless it went to one who had given little.

Standing after Sugden 1986 and Leimar & Hammerstein 2001, Proceedings of the Royal Society B 268, in
the game of Vallinder & Hughes 2024, arXiv:2412.10270. Written for this project; Apache-2.0.
"""

from agentkit import Action, Player, Request

SHARE = 0.5  # of one's units
LOW = 0.25  # a gift below is a low one


class Member(Player):
    async def act(self, request: Request) -> Action:
        if request.kind == "strategy":
            return (
                f"Give {SHARE:.0%}, but nothing to those whose last gift was below {LOW:.0%},"
                " unless it went to somebody who had given less than that."
            )
        return self.donate(request)

    def donate(self, request: Request) -> float:
        low = [gift["fraction"] < LOW for gift in request.trace]
        justified = len(low) > 1 and low[1]
        return 0.0 if low and low[0] and not justified else SHARE
