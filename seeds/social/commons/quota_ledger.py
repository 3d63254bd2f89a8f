"""Share what grows back by a quota, keep a ledger of all catches, answer excess in proportion.

Whoever was above the quota last month is expected to be so again: that much is left out of what the
others share, is named in the talk, and an own excess is paid back. Quota and report after Piatti et
al. 2024, arXiv:2404.16698; ledger and graduated answer after Ostrom 1990, "Governing the Commons".
Written for this project; Apache-2.0.
"""

import re

from agentkit import Action, Event, Player, Request

QUOTA = 0.8  # of what grows back, shared by all; the rest is a reserve
ANSWER = 1.0  # of the others' excess, left out of what the rest shares
REPAID = 1.0  # of an own excess, taken less the month after


def sustainable(stock: int, growth: float) -> int:
    """Return the most units that leave enough to be as many again next month."""
    return max(
        units for units in range(stock + 1) if units == 0 or (stock - units) * growth >= stock
    )


class Member(Player):
    def __init__(self) -> None:
        self.quota = 0  # of the month, each
        self.excess: dict[str, int] = {}  # of others, last month
        self.owed = 0  # of an own excess

    def observe(self, event: Event) -> None:
        super().observe(event)
        if event.kind == "report":
            above = {name: units - self.quota for name, units in event.catches.items()}
            self.owed = max(0, self.owed + above.pop(self.name, 0))
            self.excess = {name: units for name, units in above.items() if units > 0}

    async def act(self, request: Request) -> Action:
        if request.kind == "harvest":
            return self.harvest(request)
        if request.kind == "speak":
            return self.speak(request)
        return ""

    def harvest(self, request: Request) -> int:
        times = re.search(r"(\d+(?:\.\d+)?) times", request.growth_text)
        most = sustainable(request.stock, float(times[1]) if times else 1.0)
        self.quota = int(QUOTA * most) // request.n
        takers = min(len(self.excess), request.n - 1)
        expected = takers * self.quota + ANSWER * sum(self.excess.values())
        share: int = max(0, int(QUOTA * most - expected)) // (request.n - takers)
        return max(0, share - int(REPAID * self.owed))

    def speak(self, request: Request) -> dict[str, Action]:
        if any(line["speaker"] == self.name for line in request.transcript):
            return {"text": "", "end": True, "next": ""}
        above = ", ".join(f"{name} was {units} above it" for name, units in self.excess.items())
        named = max(self.excess, key=lambda name: self.excess[name], default="")
        text = f"The quota was {self.quota} each. {above or 'All kept to it'}."
        if named:
            text += f" {named}, please take that much less, or the rest of us have to."
        return {"text": text, "end": False, "next": named}
