"""Tell what it is worth, offer the midpoint, take any gain.

Haggling of Concordia, Vezhnevets et al. 2023, arXiv:2312.03664.
"""

import re

from agentkit import Action, Player, Request

LEAST_GAIN = 1


class Member(Player):
    async def act(self, request: Request) -> Action:
        if request.kind == "speak":
            return f"{request.value} is what it is worth to me."
        if request.role == "seller":
            return "accept" if request.offer >= request.value + LEAST_GAIN else "reject"
        return self.offer(request)

    def offer(self, request: Request) -> int:
        """Return the midpoint of the own value and what the seller has named last."""
        texts = [line["text"] for line in request.transcript if line["by"] != self.name]
        named = [int(number) for text in texts for number in re.findall(r"\d+", text)]
        asked = named[-1] if named else 0
        price = (
            (request.value + asked) // 2 if named and asked < request.value else request.value // 2
        )
        return int(max(0, min(request.value - LEAST_GAIN, price, max(request.options))))
