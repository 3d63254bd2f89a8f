"""Raise what takes for ever to print: chains, groups, notes, names and frames without end.

docker: crashed | timed_out | out_of_memory
wasm: crashed | timed_out | out_of_memory
active: 2
"""


class Notes(list):
    def __iter__(self):
        while True:
            yield "note"


def solve(task):
    error = ValueError("x" * 1_000_000)
    for _ in range(3_000):
        outer = ExceptionGroup("g" * 100, [error, error])
        outer.__cause__ = error
        error = outer
    error.__notes__ = Notes(["n"])
    error.__context__ = error
    raise error
