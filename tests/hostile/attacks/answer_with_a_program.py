"""Answer with objects that a careless host would unpickle, compare or call.

threats: 45, 52
docker: wrong_format
wasm: wrong_format
"""


class Bomb:
    def __reduce__(self):
        return (print, ("unpickled",))

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

    def __contains__(self, item):
        return True

    def __float__(self):
        return 42.0

    def __json__(self):
        return "42"


def solve(task):
    return {"answer": Bomb(), "list": [Bomb()]}
