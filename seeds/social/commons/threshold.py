"""Take an equal share of what grows back, reckoned from each request; remind the others of it.

The sustainable share of Piatti et al. 2024, arXiv:2404.16698. Written for this project; Apache-2.0.
"""

import re

from agentkit import Action, Player, Request

PART = 0.8  # of what grows back, shared by all; the rest is a reserve


def sustainable(stock: int, growth: float) -> int:
    """Return the most units that leave enough to be as many again next month."""
    return max(
        units for units in range(stock + 1) if units == 0 or (stock - units) * growth >= stock
    )


class Member(Player):
    async def act(self, request: Request) -> Action:
        if request.kind == "harvest":
            return self.harvest(request)
        if request.kind == "speak":
            return self.speak(request)
        return ""

    def harvest(self, request: Request) -> int:
        times = re.search(r"(\d+(?:\.\d+)?) times", request.growth_text)
        growth = float(times[1]) if times else 1.0
        share: int = int(PART * sustainable(request.stock, growth)) // request.n
        self.notes["share"] = share
        return share

    def speak(self, request: Request) -> dict[str, Action]:
        if any(line["speaker"] == self.name for line in request.transcript):
            return {"text": "", "end": True, "next": ""}
        text = f"I took {self.notes['share']}: an equal part of what grows back. Let us all do so."
        return {"text": text, "end": False, "next": ""}
