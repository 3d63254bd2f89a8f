"""What the members of `sanction` are told at first, in words and in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from metasearch.domains.societies.sanction.payoffs import Payoffs
from metasearch.types import Json

__all__ = ["HIDDEN_NAMES", "HIDDEN_SURFACES", "NAMES", "SURFACES", "told"]

SURFACES: Final = (
    "{count} traders meet at a market, two at a time. C is an honest deal, D is a cheat.",
    "{count} neighbours help each other in pairs. C is to do one's part, D is to shirk it.",
    "{count} laboratories share data in pairs. C is to share all of it, D is to keep it back.",
)
HIDDEN_SURFACES: Final = (
    "{count} ships exchange cargo at sea, two at a time. C is to hand it over, D is to sail away.",
    "{count} authors review each other in pairs. C is a careful review, D is a careless one.",
    "{count} farms lend each other machines in pairs. C is to bring them back, D is to wreck them.",
)
NAMES: Final = ("Ada", "Ben", "Cai", "Dan", "Eva", "Fay", "Gus", "Hal")
HIDDEN_NAMES: Final = ("Ines", "Jon", "Kim", "Lea", "Max", "Nia", "Ole", "Pia")


def told(constants: Mapping[str, Json], pays: Payoffs, seats: int) -> dict[str, Json]:
    """Return the facts of the event "rules", its `text` among them.

    Args:
        constants: of the scenario; its horizon, noise and newcomers are not told.
        pays: what plays pay.
        seats: number of members.
    """
    names = ("direct", "third", "selection", "reputation")
    switches = {name: constants[name] for name in names}
    sentences = [
        constants["surface"].format(count=seats),
        f"C/C pays each {pays.reward:g}, D/D each {pays.punishment:g}; D against C pays"
        f" {pays.temptation:g} and leaves {pays.sucker:g}. In each round everybody begins one play"
        " with " + ("a partner of choice." if switches["selection"] else "a random partner."),
        _sanctions(switches, pays),
    ]
    if switches["reputation"]:
        play, defect, just, unjust = pays.standing
        sentences.append(
            f"Reputation is public and starts at 0: C {play:+g}, D {defect:+g}, punishing a D"
            f" {just:+g}, punishing a C {unjust:+g}."
        )
    sentences.append("Nobody knows how many rounds there are.")
    text = " ".join(sentence for sentence in sentences if sentence)
    numbers = {name: value for name, value in pays.to_json().items() if name != "standing"}
    return {"text": text, "members": seats, **numbers, **switches}


def _sanctions(switches: Mapping[str, Json], pays: Payoffs) -> str:
    who = []
    if switches["direct"]:
        who.append("each of the two may punish the other")
    if switches["third"]:
        who.append("for each of the two one onlooker, drawn by lot, may punish it")
    if not who:
        return ""
    return (
        f"After a play {', and '.join(who)}: that takes {pays.fine:g} from the punished one and"
        f" gives the punisher {pays.just:+g} if it had played D, {pays.unjust:+g} if it had"
        " played C."
    )
