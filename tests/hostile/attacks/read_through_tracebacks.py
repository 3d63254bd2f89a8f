"""Have lines of a file of the host printed as the source lines of its own traceback.

docker: crashed
wasm: crashed
together: 2
"""

from hostile import FILE


def solve(task):
    try:
        exec(compile("1 / 0", FILE, "exec"))
    except ZeroDivisionError as error:
        raise SyntaxError("look", (FILE, 1, 1, None)) from error
