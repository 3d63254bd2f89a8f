"""Go to your favourite whatever others say.

Pub coordination of Concordia, Vezhnevets et al. 2023, arXiv:2312.03664.
"""

from agentkit import Action, Player, Request


class Member(Player):
    async def act(self, request: Request) -> Action:
        if request.kind == "speak":
            return f"I am going to the {request.favourite}."
        return str(request.favourite)
