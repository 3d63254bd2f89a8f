"""Cooperates with those in good standing, chooses the best of them, punishes defectors only.

Discrimination by public standing after Nowak & Sigmund 1998, Nature 393; just punishment as in
Dasgupta & Musolesi 2023, arXiv:2301.08278. Written for this project; Apache-2.0.
"""

from agentkit import Action, Player, Request

DEBT = 0  # how far below zero a reputation may be and still be good standing


class Member(Player):
    async def act(self, request: Request) -> Action:
        if request.kind == "choose_partner":
            return self.choose(request)
        if request.kind == "play":
            return self.play(request)
        return self.punish(request)

    def choose(self, request: Request) -> str:
        known: dict[str, float] = request.reputations
        best = max(known.values())
        return self.rng.choice([one for one, standing in known.items() if standing == best])

    def play(self, request: Request) -> str:
        return "C" if request.rep_other >= -DEBT else "D"

    def punish(self, request: Request) -> str:
        return "P" if request.victim_action == "D" else "N"
