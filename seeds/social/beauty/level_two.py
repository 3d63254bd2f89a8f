"""Think two steps ahead of the last winning number, of the midpoint at first.

Levels of reasoning, Nagel 1995; the game of Pan et al. 2024, arXiv:2407.17789.
"""

from agentkit import Action, Player, Request

STEPS = 2


class Member(Player):
    async def act(self, request: Request) -> Action:
        number = (request.low + request.high) / 2
        if request.history:
            number = request.history[-1]
        for _ in range(STEPS):
            number = request.factor * number + request.offset
        return float(min(request.high, max(request.low, number)))
