"""Plays what the partner last played, and punishes defectors as an onlooker.

Tit for tat (Axelrod & Hamilton 1981, Science 211) with the third-party punishment of Dasgupta &
Musolesi 2023, arXiv:2301.08278. Written for this project; Apache-2.0.
"""

from agentkit import Action, Player, Request


class Member(Player):
    async def act(self, request: Request) -> Action:
        if request.kind == "choose_partner":
            return self.choose(request)
        if request.kind == "play":
            return self.play(request)
        return self.punish(request)

    def choose(self, request: Request) -> str:
        others: list[str] = list(request.reputations)
        return self.rng.choice(others)

    def play(self, request: Request) -> str:
        return "D" if request.other_last == "D" else "C"

    def punish(self, request: Request) -> str:
        looked_on = request.role == "third"
        return "P" if looked_on and request.victim_action == "D" else "N"
