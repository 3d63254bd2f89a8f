"""Questions that are sums: in words (shop), as chains, and with products and parentheses."""

from __future__ import annotations

import random
from typing import TypeAlias

from metasearch.domains.starter.draft import Draft
from metasearch.domains.starter.words import GOODS, NAMES

__all__ = ["arith", "chain3", "chain5", "shop"]

_Tree: TypeAlias = "int | tuple[str, _Tree, _Tree]"
_STRENGTH = {"+": 1, "-": 1, "*": 2}
_LARGEST = 999  # of an arith question's result, either sign


def chain3(rng: random.Random, number: int) -> Draft:
    """Three numbers of two digits, added and subtracted."""
    del number
    return _chain(rng, 3)


def chain5(rng: random.Random, number: int) -> Draft:
    """Five numbers of two digits, added and subtracted."""
    del number
    return _chain(rng, 5)


def arith(rng: random.Random, number: int) -> Draft:
    """Three or four terms with at least one product, parentheses where the tree needs them."""
    while True:
        tree = _tree(rng, 3 + number % 2)
        value = _value(tree)
        if "*" in _text(tree) and abs(value) <= _LARGEST:
            return Draft(f"Calculate {_text(tree)}.", value)


def shop(rng: random.Random, number: int) -> Draft:
    """A shopping sum in words, of two steps if `number` is even, else of three."""
    return rng.choice(_TWO_STEPS if number % 2 == 0 else _THREE_STEPS)(rng)


def _chain(rng: random.Random, terms: int) -> Draft:
    signs = ["+", "-", *rng.choices("+-", k=terms - 3)]
    rng.shuffle(signs)
    numbers = [rng.randint(10, 99) for _ in range(terms)]
    text = str(numbers[0])
    total = numbers[0]
    for sign, term in zip(signs, numbers[1:], strict=True):
        text += f" {sign} {term}"
        total += term if sign == "+" else -term
    return Draft(f"What is {text}?", total)


def _tree(rng: random.Random, terms: int) -> _Tree:
    if terms == 1:
        return rng.randint(2, 20)
    left = rng.randint(1, terms - 1)
    return (rng.choice("+-*"), _tree(rng, left), _tree(rng, terms - left))


def _value(tree: _Tree) -> int:
    if isinstance(tree, int):
        return tree
    sign, left, right = tree[0], _value(tree[1]), _value(tree[2])
    if sign == "*":
        return left * right
    return left + right if sign == "+" else left - right


def _text(tree: _Tree) -> str:
    """Write the tree with the fewest parentheses that keep its meaning."""
    if isinstance(tree, int):
        return str(tree)
    sign, left, right = tree
    return f"{_inside(left, sign)} {sign} {_inside(right, sign, right=True)}"


def _inside(tree: _Tree, outer: str, *, right: bool = False) -> str:
    if isinstance(tree, int):
        return str(tree)
    weaker = _STRENGTH[tree[0]] < _STRENGTH[outer]
    regroups = right and outer == "-" and _STRENGTH[tree[0]] == _STRENGTH[outer]
    return f"({_text(tree)})" if weaker or regroups else _text(tree)


def _change(rng: random.Random) -> Draft:
    name, (_, goods) = rng.choice(NAMES), rng.choice(GOODS)
    count, price = rng.randint(3, 9), rng.randint(3, 12)
    paid = count * price + rng.randint(2, 40)
    return Draft(
        f"{name} buys {count} {goods} at {price} dollars each and pays with {paid} dollars."
        " How many dollars come back?",
        paid - count * price,
    )


def _one_more(rng: random.Random) -> Draft:
    name = rng.choice(NAMES)
    (_, goods), (other, _) = rng.sample(GOODS, 2)
    count, price, extra = rng.randint(3, 9), rng.randint(3, 15), rng.randint(5, 40)
    return Draft(
        f"{name} buys {count} {goods} at {price} dollars each and one {other} for {extra} dollars."
        " How many dollars is that in all?",
        count * price + extra,
    )


def _boxes(rng: random.Random) -> Draft:
    name, (_, goods) = rng.choice(NAMES), rng.choice(GOODS)
    size, boxes, price = rng.randint(3, 8), rng.randint(3, 9), rng.randint(4, 15)
    return Draft(
        f"A shop sells {goods} in boxes of {size} at {price} dollars a box. {name} needs"
        f" {size * boxes} {goods}. How many dollars does {name} pay?",
        boxes * price,
    )


def _two_goods(rng: random.Random) -> Draft:
    name = rng.choice(NAMES)
    (_, goods), (_, others) = rng.sample(GOODS, 2)
    count, price = rng.randint(2, 8), rng.randint(3, 12)
    more, cost = rng.randint(2, 8), rng.randint(3, 12)
    left = rng.randint(2, 30)
    return Draft(
        f"{name} has {count * price + more * cost + left} dollars and buys {count} {goods} at"
        f" {price} dollars each and {more} {others} at {cost} dollars each."
        " How many dollars are left?",
        left,
    )


def _coupon(rng: random.Random) -> Draft:
    name, (_, goods) = rng.choice(NAMES), rng.choice(GOODS)
    count, price = rng.randint(3, 9), rng.randint(5, 15)
    off, delivery = rng.randint(2, 9), rng.randint(3, 8)
    return Draft(
        f"{name} orders {count} {goods} at {price} dollars each. A coupon takes {off} dollars off"
        f" the order and delivery costs {delivery} dollars. How many dollars does {name} pay?",
        count * price - off + delivery,
    )


def _stock(rng: random.Random) -> Draft:
    _, goods = rng.choice(GOODS)
    morning, kept, new = rng.randint(4, 19), rng.randint(5, 40), rng.randint(5, 30)
    return Draft(
        f"A shop has {3 * morning + kept} {goods}. It sells {morning} in the morning and twice as"
        f" many in the afternoon. Then {new} more arrive. How many {goods} does it have now?",
        kept + new,
    )


_TWO_STEPS = (_change, _one_more, _boxes)
_THREE_STEPS = (_two_goods, _coupon, _stock)
