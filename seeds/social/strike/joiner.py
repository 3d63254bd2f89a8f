"""Strike only where somebody else calls for it.

Labour collective action of Concordia, Vezhnevets et al. 2023, arXiv:2312.03664.
"""

from agentkit import Action, Player, Request


class Member(Player):
    async def act(self, request: Request) -> Action:
        first = self.notes.setdefault("wage", request.wage)
        others = [line["text"].lower() for line in request.transcript if line["by"] != self.name]
        called = any("strike" in text for text in others) and request.wage == first
        if request.kind == "speak":
            return "I strike again." if called else "Who would join a walk-out?"
        return "strike" if called else "work"
