"""Ask for more than it costs, offer a little above what is asked, and insist on a gain of two.

Haggling of Concordia, Vezhnevets et al. 2023, arXiv:2312.03664.
"""

import re

from agentkit import Action, Player, Request

LEAST_GAIN = 2


class Member(Player):
    async def act(self, request: Request) -> Action:
        wanted = LEAST_GAIN if request.role == "seller" else -LEAST_GAIN
        if request.kind == "speak":
            return f"I can do {request.value + wanted}."
        if request.role == "seller":
            return "accept" if request.offer >= request.value + LEAST_GAIN else "reject"
        texts = [line["text"] for line in request.transcript if line["by"] != self.name]
        named = [int(number) for text in texts for number in re.findall(r"\d+", text)]
        price = named[-1] if named else request.value // 2
        return int(max(0, min(request.value - 1, price, max(request.options))))
