"""Static checks of a design's source, before it costs anything.

They save the price of a doomed evaluation and give a meta agent one line it can act on. They are
no fence: what a design may do is the sandbox's business, whatever the text looks like. The text is
never executed here, and reading it cannot hurt the host either: it may come from anyone.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from metasearch.assets import asset
from metasearch.domains.base import MEMBER, SOLVE

__all__ = [
    "ALLOWED_MODULES",
    "MAX_CHARACTERS",
    "Unreadable",
    "Verdict",
    "asks_model",
    "check",
    "idea_of",
    "kit_names",
    "parse",
    "with_idea",
]

MAX_CHARACTERS = 20_000  # several times the longest published design; a runaway reply is longer
_MAX_BRACKETS = 50  # the parser itself gives up at 200
_MAX_DEPTH = 100  # of the syntax tree: our own visitors recurse, and Python's limit is 1,000 frames
_MAX_INDENT = 40
_MAX_REASON = 180

_STANDARD = (
    "abc ast asyncio base64 bisect calendar cmath collections collections.abc contextlib copy"
    " dataclasses datetime decimal difflib enum fractions functools graphlib hashlib heapq"
    " itertools json math numbers operator random re statistics string textwrap types typing"
    " unicodedata __future__"
)
ALLOWED_MODULES = frozenset(["agentkit", "agentkit.adas", *_STANDARD.split()])
_REASONS = {
    "http": "there is no network in the sandbox; ask the model through `agentkit.Agent`",
    "importlib": "imports are plain statements here",
    "logging": "print a short line instead, it is kept with the trace",
    "openai": "ask the model through `agentkit.Agent`",
    "os": "a design has no files, environment or processes",
    "pathlib": "a design has no files",
    "requests": "there is no network in the sandbox; ask the model through `agentkit.Agent`",
    "socket": "there is no network in the sandbox; ask the model through `agentkit.Agent`",
    "subprocess": "run Python through `await run_code(code)` of agentkit",
    "sys": "a design has nothing to ask of the interpreter",
    "threading": "use `await gather(...)` of agentkit to ask several agents at once",
    "time": "a design has no clock; waiting is not needed",
    "urllib": "there is no network in the sandbox; ask the model through `agentkit.Agent`",
}
_CLASSIC_NAMES = {"Info", "LLMAgentBase"}
_BRACKETS = re.compile(r"[(){}\[\]]")
_CHAINS = re.compile(r"(?:[-+~]\s*){40}|(?:\bnot\s+){40}|(?:\blambda\s*:\s*){40}")


class Unreadable(ValueError):
    """The text is not Python that can be read safely; the message is one line and says why."""


class Verdict(NamedTuple):
    """What `check` found.

    Attributes:
        accepted: whether the design may be tried.
        reason: "" or one line that says what is wrong and how to mend it.
    """

    accepted: bool
    reason: str


def parse(source: str) -> ast.Module:
    """Parse a stranger's source text.

    Args:
        source: any string at all; only its first `MAX_CHARACTERS` could be a design.

    Returns:
        A tree whose depth is small enough for recursive visitors.

    Raises:
        Unreadable: too long, nested too deeply, or no Python.
    """
    _scan(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a stranger's string is not our news
            tree = ast.parse(source)
    except SyntaxError as error:
        raise Unreadable(_line(f"line {error.lineno or 1}: {error.msg}")) from None
    except (RecursionError, MemoryError):
        raise Unreadable("an expression is nested too deeply; split it into steps") from None
    except ValueError as error:  # NUL bytes and lone surrogates
        raise Unreadable(_line(f"not a text that Python reads: {error}")) from None
    if _depth_exceeds(tree, _MAX_DEPTH):
        raise Unreadable("an expression is nested too deeply; split it into steps")
    return tree


def check(source: str, entry: str = SOLVE) -> Verdict:
    """Judge a design's source without running it.

    Args:
        source: the module's text, from anyone.
        entry: what it has to define: `SOLVE` or `MEMBER`.
    """
    try:
        tree = parse(source)
    except Unreadable as error:
        return Verdict(False, str(error))
    for complaint in (*_imports(tree), *_shadowed(tree), *_ENTRIES[entry](tree)):
        return Verdict(False, _line(complaint))
    return Verdict(True, "")


@lru_cache(maxsize=1)
def kit_names() -> frozenset[str]:
    """Return what designs may import from `agentkit`: its `__all__`, read as text."""
    text = (asset("sandbox") / "image" / "agentkit" / "__init__.py").read_text(encoding="utf-8")
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            return frozenset(ast.literal_eval(statement.value))
    raise FileNotFoundError("sandbox/image/agentkit has no __all__; reinstall metasearch")


def asks_model(source: str) -> bool:
    """Return whether a design imports `Agent`, the one way to ask a model; True if unreadable."""
    try:
        tree = parse(source)
    except Unreadable:
        return True
    return any(
        alias.name in ("Agent", "agentkit", "LLMAgentBase")
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    )


def idea_of(source: str) -> str:
    """Return the first line of the module's docstring, "" where there is none or no Python."""
    try:
        text = ast.get_docstring(parse(source)) or ""
    except Unreadable:
        return ""
    return text.strip().partition("\n")[0].strip()


def with_idea(source: str, idea: str) -> str:
    """Return the source with `idea` as its docstring, unchanged where it already has one.

    Args:
        source: a module that parses.
        idea: what the design does; only its words are kept, on one line.

    Raises:
        Unreadable: the source does not parse.
    """
    if ast.get_docstring(parse(source)) is not None:
        return source
    words = " ".join(idea.split()).replace("\\", "/").replace('"', "'")
    return f'"""{words or "A design without a stated idea."}"""\n\n{source.lstrip()}'


def _line(reason: str) -> str:
    """Return the reason on one line of bearable length: parts of it are a stranger's words."""
    text = " ".join(reason.split())
    return text if len(text) <= _MAX_REASON else f"{text[: _MAX_REASON - 3]}..."


def _scan(source: str) -> None:
    """Refuse what no design needs before the parser sees it: its limits differ between versions."""
    if len(source) > MAX_CHARACTERS:
        raise Unreadable(f"{len(source)} characters; keep a design under {MAX_CHARACTERS}")
    depth = 0
    for character in _BRACKETS.findall(source):
        if character in "([{":
            depth += 1
            if depth > _MAX_BRACKETS:  # unbalanced ones in strings count too: nobody writes fifty
                raise Unreadable("brackets are nested too deeply; split the expression into steps")
        else:
            depth = max(0, depth - 1)
    if re.search(rf"^[ \t]{{{_MAX_INDENT * 4},}}\S", source, re.MULTILINE):
        raise Unreadable(f"a line is indented more than {_MAX_INDENT} levels; use functions")
    if _CHAINS.search(source):
        raise Unreadable("a chain of operators is nested too deeply; split it into steps")


def _depth_exceeds(tree: ast.AST, limit: int) -> bool:
    waiting: list[tuple[ast.AST, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > limit:
            return True
        waiting.extend((child, depth + 1) for child in ast.iter_child_nodes(node))
    return False


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module_allowed(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield f"line {node.lineno}: a design is one module, it has no relative imports"
            else:
                yield from _module_allowed(node.module or "", node.lineno)
                yield from _kit_offers(node)
        elif isinstance(node, ast.Name) and node.id == "__import__":
            yield f"line {node.lineno}: imports are plain statements here, not `__import__`"


def _module_allowed(name: str, line: int) -> Iterator[str]:
    if name not in ALLOWED_MODULES:
        why = _REASONS.get(
            name.partition(".")[0], "only agentkit and the plain standard library are"
        )
        yield f"line {line}: `{name}` cannot be imported: {why}"


def _kit_offers(node: ast.ImportFrom) -> Iterator[str]:
    offered = {"agentkit": kit_names(), "agentkit.adas": _CLASSIC_NAMES}.get(node.module or "")
    if offered is None:
        return
    for alias in node.names:
        if alias.name not in offered and alias.name != "*":
            listing = ", ".join(sorted(offered))
            yield f"line {node.lineno}: {node.module} has no `{alias.name}`; it has {listing}"


def _shadowed(tree: ast.Module) -> Iterator[str]:
    """Complain of a module that replaces a part of the kit by its own."""
    taken = kit_names() | _CLASSIC_NAMES | {"agentkit"}
    for statement in tree.body:
        for name in _bound(statement):
            if name in taken:
                yield f"line {statement.lineno}: `{name}` is a name of the kit; choose another"


def _bound(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        module = getattr(statement, "module", None) or ""
        for alias in statement.names:
            origin = module or alias.name
            if origin.partition(".")[0] != "agentkit":
                yield alias.asname or alias.name.partition(".")[0]
    else:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id


def _solves(tree: ast.Module) -> Iterator[str]:
    """Complain unless there is `solve(task)`, or the classic `forward(self, taskInfo)`."""
    found = _functions(tree.body)
    if SOLVE in found:
        yield from _takes(found[SOLVE], 1, "`async def solve(task)`")
    elif "forward" in found:
        yield from _takes(found["forward"], 2, "`def forward(self, taskInfo)`")
    elif MEMBER in _classes(tree):
        yield "this domain asks questions: define `async def solve(task)`, not `class Member`"
    else:
        yield "it does not define `async def solve(task)` at the top level of the module"


def _plays(tree: ast.Module) -> Iterator[str]:
    """Complain unless there is `class Member(Player)` that can act."""
    classes = _classes(tree)
    if MEMBER not in classes:
        instead = ", not `solve`" if SOLVE in _functions(tree.body) else ""
        yield (
            "this domain is played by members: define `class Member(Player)` with"
            f" `async def act(self, request)`{instead}"
        )
        return
    waiting, seen = [MEMBER], set[str]()
    while waiting:  # `act` may be inherited from another class of the module
        name = waiting.pop()
        if name in seen or name not in classes:
            continue
        seen.add(name)
        found = _functions(classes[name].body)
        if "act" in found:
            yield from _takes(found["act"], 2, "`async def act(self, request)`")
            return
        waiting += [ast.unparse(base) for base in classes[name].bases]
    yield "`Member` cannot act: give it `async def act(self, request)`, which returns the action"


_ENTRIES = {SOLVE: _solves, MEMBER: _plays}


def _functions(body: list[ast.stmt]) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    return {
        node.name: node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _classes(tree: ast.Module) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _takes(
    function: ast.FunctionDef | ast.AsyncFunctionDef, count: int, wanted: str
) -> Iterator[str]:
    arguments = function.args
    most = len(arguments.posonlyargs) + len(arguments.args)
    least = most - len(arguments.defaults)
    unnamed = any(default is None for default in arguments.kw_defaults)
    if unnamed or least > count or (most < count and arguments.vararg is None):
        yield f"line {function.lineno}: `{function.name}` is called as {wanted}"
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _own_nodes(function)):
        yield f"line {function.lineno}: `{function.name}` must return its answer, not yield it"


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Walk a function's body without the functions inside it."""
    for child in ast.iter_child_nodes(function):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _own_nodes(child)
