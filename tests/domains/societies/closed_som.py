"""Known answers of votes: three agents, four options, wrong answers uniform (MachineSoM)."""

import ast
from itertools import product

from metasearch.search.family import som

Check = tuple[str, float, float]  # name, found, expected

ROWS = {  # accuracy of one: of the majority, no answer, distinct answers
    0.4: (0.352, 0.336, 2.248),
    0.5: (0.5, 0.278, 2.139),
    0.6: (0.648, 0.206, 1.983),
    0.7: (0.784, 0.132, 1.786),
    0.9: (0.972, 0.018, 1.289),
}


def elected():
    """Return the function by which the shipped design decides."""
    [design] = som("som:S4/p0p0p0")
    wanted = [
        node
        for node in ast.parse(design.source).body
        if (isinstance(node, ast.FunctionDef) and node.name == "elected")
        or (isinstance(node, ast.ImportFrom) and node.module == "collections")
    ]
    names = {}
    exec(compile(ast.Module(wanted, []), "design", "exec"), names)
    return names["elected"]


def checks() -> list[Check]:
    decide = elected()
    found: list[Check] = []
    for accuracy, expected in ROWS.items():
        right = nobody = distinct = 0.0
        for answers in product("ABCD", repeat=3):  # A is right
            chance = 1.0
            for answer in answers:
                chance *= accuracy if answer == "A" else (1 - accuracy) / 3
            decided = decide(list(answers))
            right += chance * (decided == "A")
            nobody += chance * (decided is None)
            distinct += chance * len(set(answers))
        names = ("majority", "no answer", "distinct")
        for name, value, known in zip(names, (right, nobody, distinct), expected, strict=True):
            found.append((f"{name} at {accuracy}", round(value, 3), known))
    return found
