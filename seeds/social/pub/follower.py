"""Name your favourite, warn of closed doors, then go where most say that they go.

Pub coordination of Concordia, Vezhnevets et al. 2023, arXiv:2312.03664.
"""

from collections import Counter

from agentkit import Action, Player, Request


class Member(Player):
    async def act(self, request: Request) -> Action:
        pubs = request.get("pubs") or request.options
        lines = request.transcript
        said = " ".join(line["text"].lower() for line in lines if line["by"] != self.name)
        shut = {pub for pub in pubs if f"{pub.lower()} is closed" in said} | {request.closed}
        last = {line["by"]: line["text"].lower() for line in lines}
        votes = Counter(
            pub
            for text in last.values()
            for pub in pubs
            if f"going to the {pub.lower()}" in text and pub not in shut
        )
        fine = [pub for pub in sorted(pubs) if pub not in shut]
        place = request.favourite if request.favourite in fine else fine[0]
        if votes:
            place = max(votes, key=lambda pub: (votes[pub], pub))
        if request.kind == "choose":
            return str(place)
        warning = f"The {request.closed} is closed. " if request.closed else ""
        return f"{warning}I am going to the {place}."
