"""Repeats what paid well and changes what did not: cooperates after both did the same.

Nowak & Sigmund 1993, Nature 364. Written for this project; Apache-2.0.
"""

from agentkit import Action, Player, Request


class Member(Player):
    async def act(self, request: Request) -> Action:
        same = request.own_history[-1:] == request.other_history[-1:]
        return "C" if same else "D"
