"""Fit a line through the winning numbers so far and say the next one; level two where too few.

The game of Pan et al. 2024, arXiv:2407.17789.
"""

from agentkit import Action, Player, Request


class Member(Player):
    async def act(self, request: Request) -> Action:
        middle = (request.low + request.high) / 2
        history = list(request.history)
        number = self.next([middle, *history]) if len(history) > 1 else self.ahead(request)
        return float(min(request.high, max(request.low, number)))

    def ahead(self, request: Request) -> float:
        number: float = (
            request.history[-1] if request.history else request.high / 2 + request.low / 2
        )
        for _ in range(2):
            number = request.factor * number + request.offset
        return number

    def next(self, numbers: list[float]) -> float:
        """Return what follows by least squares of each number on the one before."""
        before, after = numbers[:-1], numbers[1:]
        mean_x, mean_y = sum(before) / len(before), sum(after) / len(after)
        spread = sum((x - mean_x) ** 2 for x in before)
        if spread == 0:
            return numbers[-1]
        pairs = zip(before, after, strict=True)
        slope = sum((x - mean_x) * (y - mean_y) for x, y in pairs) / spread
        return mean_y + slope * (numbers[-1] - mean_x)
