"""Learns from rewards what to play and whom to punish: tabular Q-learning, nothing known before.

Watkins & Dayan 1992, Machine Learning 8; the states are those of Dasgupta & Musolesi 2023,
arXiv:2301.08278: both last actions, the partner's standing, the victim's action. Written for this
project; Apache-2.0.
"""

from agentkit import Action, Event, Player, Request

RATE = 0.3  # of learning
DISCOUNT = 0.9
EXPLORED = 0.5  # share of plays by chance at first
CALMING = 0.8  # factor of that share after each round

State = tuple[object, ...]


class Member(Player):
    def __init__(self) -> None:
        self.worth: dict[State, dict[str, float]] = {}
        self.played: list[tuple[State, str]] = []
        self.chance = EXPLORED
        self.just = self.unjust = 0.0

    def observe(self, event: Event) -> None:
        super().observe(event)
        if event.kind == "rules":
            self.just, self.unjust = event.just, event.unjust
        if event.kind == "round":
            for (state, action), play in zip(self.played, event.plays, strict=False):
                after = ("play", play["other"], play["own"], state[3])
                best = max(self.values(after, "CD").values())
                self.learn(state, action, "CD", play["reward"] + DISCOUNT * best)
            self.played = []
            self.chance *= CALMING

    async def act(self, request: Request) -> Action:
        if request.kind == "choose_partner":
            return self.choose(request)
        if request.kind == "play":
            return self.play(request)
        return self.punish(request)

    def choose(self, request: Request) -> str:
        known: dict[str, float] = request.reputations
        best = max(known.values())
        return self.rng.choice([one for one, standing in known.items() if standing == best])

    def play(self, request: Request) -> str:
        state = ("play", request.other_last, request.own_last, request.rep_other >= 0)
        action = self.decided(state, "CD")
        self.played.append((state, action))
        return action

    def punish(self, request: Request) -> str:
        state = ("punish", request.victim_action)
        action = self.decided(state, "NP")
        won = self.just if request.victim_action == "D" else self.unjust
        self.learn(state, action, "NP", won if action == "P" else 0.0)
        return action

    def values(self, state: State, actions: str) -> dict[str, float]:
        return self.worth.setdefault(state, dict.fromkeys(actions, 0.0))

    def decided(self, state: State, actions: str) -> str:
        if self.rng.random() < self.chance:
            return self.rng.choice(actions)
        values = self.values(state, actions)
        return max(actions, key=lambda action: values[action])

    def learn(self, state: State, action: str, actions: str, target: float) -> None:
        values = self.values(state, actions)
        values[action] += RATE * (target - values[action])
