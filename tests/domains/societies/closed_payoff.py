"""Known values of Concordia's payoff games (Vezhnevets et al. 2023, arXiv:2312.03664)."""

from __future__ import annotations

from metasearch.domains.societies.payoff.haggle import gains
from metasearch.domains.societies.payoff.pub import best, payoffs
from metasearch.domains.societies.payoff.strike import incomes, needed

EQUAL = [[float(one != other) for other in range(4)] for one in range(4)]


def checks() -> list[tuple[str, float, float]]:
    """(name, found, expected)."""
    fans = ["A", "A", "A", "B"]
    together = payoffs(["A"] * 4, fans, EQUAL, "")
    apart = payoffs(["A", "B", "C", "D"], ["A"] * 4, EQUAL, "")
    shut = payoffs(["A"] * 4, fans, EQUAL, "A")
    strike = [["strike", "strike", "work", "work"], *[["work"] * 4] * 3]
    return [
        ("pub: all at one, a fan", together[0], 1.5),
        ("pub: all at one, no fan", together[3], 1.0),
        ("pub: alone at the favourite", apart[0], 0.5),
        ("pub: closed", sum(shut), 0.0),
        (
            "pub: optimum is the common one with most fans",
            best(range(4), {}, ("A", "B"), fans, EQUAL, ""),
            5.5,
        ),
        ("strike: strikers of four at .45", float(needed(4, 0.45)), 2.0),
        ("strike: a striker's income", float(incomes(strike, 5, -1, 0.45)[0]), 3 * 10 - 4.0),
        ("strike: a worker's income", float(incomes(strike, 5, -1, 0.45)[2]), 5 + 3 * 10 - 4.0),
        (
            "strike: one of four moves nothing",
            float(incomes([["strike", *["work"] * 3]] * 2, 5, -1, 0.45)[1]),
            8.0,
        ),
        ("haggle: buyer", float(gains(9, 3, 5)[0]), 4.0),
        ("haggle: seller", float(gains(9, 3, 5)[1]), 2.0),
        ("haggle: no deal", float(sum(gains(9, 3, None))), 0.0),
        ("haggle: both", float(sum(gains(9, 3, 7))), 6.0),
    ]
