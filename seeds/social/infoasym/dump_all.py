"""Tell the other half everything on file, hear everything, then work the answer out by rules.

The reference of Liu et al. 2024, arXiv:2406.14928 that is always right and never thrifty.
"""

import re

from agentkit import Action, Player, Request

FACT = re.compile(r'(?:(\w[\w -]*): )?"([^"]+)"(?: (\d{1,2}:\d\d-\d{1,2}:\d\d))?')
SPAN = re.compile(r"(\d{1,2}):(\d\d)\s*(?:-|to|until)\s*(\d{1,2}):(\d\d)")
CHUNK = 450
END = "END"
Fact = tuple[str, str, int, int]  # owner, what, first slot, slot after the last; 0, 0 without times


def span(text: str) -> tuple[int, int]:
    found = SPAN.search(text)
    if not found:
        return 0, 0
    first_hour, first, last_hour, last = map(int, found.groups())
    return first_hour * 2 + first // 30, last_hour * 2 + -(-last // 30)


def clock(slot: int) -> str:
    return f"{slot // 2}:{'30' if slot % 2 else '00'}"


class Member(Player):
    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.untold: list[Fact] = []
        self.read_to = 0
        self.asked: list[str] = []
        self.outbox: list[str] | None = None
        self.partner_done = False

    def learn(self, text: str, owner: str) -> None:
        """Take up the facts of a message."""
        for who, what, when in FACT.findall(text):
            fact = (who or owner, what, *span(when))
            if fact not in self.facts:
                self.facts.append(fact)

    async def act(self, request: Request) -> Action:
        for row in (request.result or {"found": []})["found"]:
            name = re.findall(r'"([^"]+)"', row["text"])
            found = [(row["from"], what, *span(row["text"])) for what in name]
            self.facts += found
            self.untold += found if row["from"] == row["to"] else []
            self.read_to = row["at"] + 1
        heard = [one["text"] for one in request.inbox if one["from"] == request["with"]]
        for one in request.inbox:
            self.learn(one["text"], one["from"])
        if self.read_to < request.messages_on_file and request.searches_left:
            self.notes["heard"] = self.notes.get("heard", []) + heard
            return {"query": {"window": [self.read_to, 10**6]}}
        heard = self.notes.pop("heard", []) + heard
        if request.depth:
            return self.to_friend(request, heard)
        self.partner_done = self.partner_done or any(text.endswith(END) for text in heard)
        return self.to_partner(request)

    def to_friend(self, request: Request, heard: list[str]) -> Action:
        if self.asked and request["with"] == self.asked[-1]:
            return {"answer": ""} if heard else "Tell me all."
        return {"answer": " ".join(self.chunks(self.untold))}

    def to_partner(self, request: Request) -> Action:
        for friend in request.contacts:
            if friend not in self.asked:
                self.asked.append(friend)
                return {"open_session": friend}
        if request.question and (self.partner_done or not request.turns_left):
            return {"answer": self.solve(request.question, request["with"])}
        if self.outbox is None:
            ours = {self.name, *request.contacts}
            self.outbox = self.chunks([fact for fact in self.facts if fact[0] in ours])
        return self.outbox.pop(0) if self.outbox else ""

    def chunks(self, facts: list[Fact]) -> list[str]:
        found = [""]
        for owner, what, start, end in dict.fromkeys(facts):
            when = f" {clock(start)}-{clock(end)}" if end else ""
            line = f'{owner}: "{what}"{when};'
            if len(found[-1]) + len(line) > CHUNK:
                found.append("")
            found[-1] = f"{found[-1]} {line}".strip()
        return [*found[:-1], f"{found[-1]} {END}".strip()]

    def solve(self, question: str, other: str) -> str:
        waking = [fact for fact in self.facts if fact[1] != "Sleep" and fact[3]]
        ours = {self.name, *self.asked}
        if "overlap" in question:
            both = sorted(
                (end, start) for who, _, start, end in waking if who in (self.name, other)
            )
            kept, last = 0, 0
            for end, start in both:
                if start >= last:
                    kept, last = kept + 1, end
            return str(len(both) - kept)
        if "longest" in question:
            most = max((end - start for _, _, start, end in waking), default=0)
            return ", ".join({what for _, what, start, end in waking if end - start == most})
        if "free" in question:
            busy = {slot for _, _, start, end in self.facts for slot in range(start, end)}
            slots = [slot for slot in range(48) if slot not in busy]
            return ", ".join(f"{clock(slot)}-{clock(slot + 1)}" for slot in slots)
        mine = {what for who, what, _, _ in self.facts if who in ours}
        theirs = {what for who, what, _, _ in self.facts if who not in ours}
        found = sorted(theirs & mine if "common" in question else theirs - mine)
        return found[0] if found else ""
