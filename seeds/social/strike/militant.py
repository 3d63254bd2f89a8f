"""Call for a strike and strike until wages rise.

Labour collective action of Concordia, Vezhnevets et al. 2023, arXiv:2312.03664.
"""

from agentkit import Action, Player, Request


class Member(Player):
    async def act(self, request: Request) -> Action:
        first = self.notes.setdefault("wage", request.wage)
        if request.kind == "speak":
            return "" if request.wage > first else "Let us strike today!"
        return "work" if request.wage > first else "strike"
