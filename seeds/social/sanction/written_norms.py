"""Asks the model once what norms to live by, then keeps them as rules: one call a seat.

Norms as text that members adopt, after Axelrod 1986, American Political Science Review 80.
Written for this project; Apache-2.0.
"""

from agentkit import Action, Agent, AgentError, Player, Request

ROLE = "a member of a small society who wants it to flourish and will not be exploited"
QUESTION = (
    "Decide on your norms before you play. Cooperate with partners whose reputation is at least"
    " what number? Cooperate with those who last defected? Whom do you punish?"
)
WHOM = ("nobody", "defectors against me", "defectors against others", "all defectors")


class Member(Player):
    async def act(self, request: Request) -> Action:
        if not self.notes:
            await self.decide()
        if request.kind == "choose_partner":
            return self.choose(request)
        if request.kind == "play":
            return self.play(request)
        return self.punish(request)

    async def decide(self) -> None:
        self.notes.update(least=-3, forgive=True, whom=WHOM[3])
        fields = {"reason": str, "least": int, "forgive": bool, "whom": WHOM}
        try:
            norms = await Agent("legislator", ROLE).ask(self.events[0], QUESTION, fields=fields)
        except AgentError:
            return
        self.notes.update(least=norms.least, forgive=norms.forgive, whom=norms.whom)

    def choose(self, request: Request) -> str:
        known: dict[str, float] = request.reputations
        return max(known, key=lambda one: known[one])

    def play(self, request: Request) -> str:
        if request.rep_other < self.notes["least"]:
            return "D"
        return "C" if self.notes["forgive"] or request.other_last != "D" else "D"

    def punish(self, request: Request) -> str:
        direct = request.role == "direct"
        wanted = WHOM[1] if direct else WHOM[2]
        just = request.victim_action == "D" and self.notes["whom"] in (wanted, WHOM[3])
        return "P" if just else "N"
