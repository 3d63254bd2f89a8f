"""Cooperates until the other one has defected once, then never again.

James Friedman; Axelrod 1980, Journal of Conflict Resolution 24.
Written for this project; Apache-2.0.
"""

from agentkit import Action, Player, Request


class Member(Player):
    def __init__(self) -> None:
        self.offended = False

    async def act(self, request: Request) -> Action:
        # Requests show the last turns only; an offence is remembered for good.
        self.offended = self.offended or request.other_history.endswith("D")
        return "D" if self.offended else "C"
