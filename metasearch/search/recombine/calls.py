"""How many model calls a design can make on one task, read from its source.

An estimate from above for designs whose loops run over constants; a loop whose length cannot be
read counts as five rounds. Retries by the kit are not counted.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence
from functools import lru_cache

from metasearch.search.recombine.text import Unsuitable, text_of

__all__ = ["worst_calls"]

_UNKNOWN = 5  # rounds of a loop whose length the source does not tell
_SAME_LENGTH = {"enumerate", "list", "tuple", "sorted", "reversed", "set", "iter"}
_BUILT_IN = frozenset([*dir(builtins), "gather", "majority", "run_code", "LLMAgentBase", "Info"])
_FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
_Lengths = dict[str, int]


@lru_cache(maxsize=1024)
def worst_calls(source: str, entry: str = "solve") -> int:
    """Return the most model calls that `entry` can make on one task, by estimate.

    Args:
        source: a design that parses.
        entry: a function of it; "solve" stands for "forward" too where there is no `solve`.

    Raises:
        Unsuitable: there is no such function, or it calls itself.
    """
    return _Estimate(text_of(source).tree).function(entry)


class _Estimate:
    """The calls of every function of one module."""

    def __init__(self, tree: ast.Module) -> None:
        self.functions = {node.name: node for node in tree.body if isinstance(node, _FunctionNode)}
        self.classic = "solve" not in self.functions and "forward" in self.functions
        self.numbers: dict[str, int] = {}
        self.lengths: _Lengths = {}
        self.referred: set[str] = set()
        self._known: dict[str, int | None] = {}
        for statement in tree.body:
            if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
                self._constant(statement, statement.value)

    def function(self, name: str) -> int:
        if name == "solve" and self.classic:
            name = "forward"
        if name not in self.functions:
            raise Unsuitable(f"there is no function `{name}`")
        if name not in self._known:
            self._known[name] = None
            self._known[name] = self.block(self.functions[name].body, dict(self.lengths))
        known = self._known[name]
        if known is None:
            raise Unsuitable(f"`{name}` calls itself")
        return known

    def block(self, statements: Sequence[ast.stmt], lengths: _Lengths) -> int:
        """Return the calls of a block; where a branch returns, the rest is its alternative."""
        total = 0
        for position, statement in enumerate(statements):
            if isinstance(statement, ast.If):
                test = self.expression(statement.test, lengths)
                rest = statements[position + 1 :]
                yes, no = statement.body, statement.orelse
                if _leaves(yes) or (no and _leaves(no)):
                    taken = self.block([*yes] if _leaves(yes) else [*yes, *rest], dict(lengths))
                    other = self.block([*no] if no and _leaves(no) else [*no, *rest], lengths)
                    return total + test + max(taken, other)
                total += test + max(self.block(yes, lengths), self.block(no, lengths))
            else:
                total += self.statement(statement, lengths)
        return total

    def statement(self, node: ast.stmt, lengths: _Lengths) -> int:
        if isinstance(node, ast.For | ast.AsyncFor):
            rounds = self.length(node.iter, lengths)
            body = self.block(node.body, lengths) + self.block(node.orelse, lengths)
            return self.expression(node.iter, lengths) + rounds * body
        if isinstance(node, ast.While):
            inner = self.expression(node.test, lengths) + self.block(node.body, lengths)
            return _UNKNOWN * inner
        if isinstance(node, ast.Try):
            handlers = [self.block(one.body, lengths) for one in node.handlers]
            parts = (node.body, node.orelse, node.finalbody)
            return sum(self.block(part, lengths) for part in parts) + max(handlers, default=0)
        if isinstance(node, ast.With | ast.AsyncWith):
            return self.block(node.body, lengths)
        if isinstance(node, _FunctionNode):
            # A function inside a function: counted once where it stands, as if called once.
            return self.block(node.body, dict(lengths))
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, number = node.targets[0].id, self.number(node.value, lengths)
            lengths[name] = self.length(node.value, lengths)
            if number is not None:
                self.numbers.setdefault(name, number)
        return sum(
            self.expression(child, lengths)
            for child in ast.iter_child_nodes(node)
            if isinstance(child, ast.expr)
        )

    def expression(self, node: ast.AST, lengths: _Lengths) -> int:
        if isinstance(node, _Comprehension):
            return self._comprehension(node, lengths)
        if isinstance(node, ast.IfExp):
            test = self.expression(node.test, lengths)
            branches = (self.expression(one, lengths) for one in (node.body, node.orelse))
            return test + max(branches)
        inner = sum(self.expression(child, lengths) for child in ast.iter_child_nodes(node))
        return inner + self._call(node) if isinstance(node, ast.Call) else inner

    def length(self, node: ast.expr, lengths: _Lengths) -> int:
        """Return how many items an expression holds, a guess where that is not written down."""
        if isinstance(node, ast.Await):
            return self.length(node.value, lengths)
        if isinstance(node, ast.Name):
            return lengths.get(node.id, _UNKNOWN)
        if isinstance(node, ast.Subscript):
            return self.length(node.value, lengths)
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return sum(
                self.length(one.value, lengths) if isinstance(one, ast.Starred) else 1
                for one in node.elts
            )
        if isinstance(node, ast.Dict):
            return len(node.keys)
        if isinstance(node, _Comprehension):
            rounds = 1
            for generator in node.generators:
                rounds *= self.length(generator.iter, lengths)
            return rounds
        if isinstance(node, ast.Call):
            return self._call_length(node, lengths)
        return _UNKNOWN

    def number(self, node: ast.expr, lengths: _Lengths) -> int | None:
        """Return the value of an expression of constants, None where it has none."""
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return node.value
        if isinstance(node, ast.Name):
            return self.numbers.get(node.id)
        if isinstance(node, ast.BinOp):
            left, right = self.number(node.left, lengths), self.number(node.right, lengths)
            if left is not None and right is not None:
                if isinstance(node.op, ast.Add):
                    return left + right
                if isinstance(node.op, ast.Sub):
                    return left - right
        if isinstance(node, ast.Call) and _called(node) == "len" and node.args:
            return self.length(node.args[0], lengths)
        return None

    def _constant(self, statement: ast.Assign | ast.AnnAssign, value: ast.expr) -> None:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            if isinstance(target, ast.Name):
                self.lengths[target.id] = self.length(value, self.lengths)
                number = self.number(value, self.lengths)
                if number is not None:
                    self.numbers[target.id] = number
        names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
        self.referred |= names & self.functions.keys()

    def _comprehension(self, node: ast.expr, lengths: _Lengths) -> int:
        assert isinstance(node, _Comprehension)
        total, rounds = 0, 1
        for generator in node.generators:
            total += rounds * self.expression(generator.iter, lengths)
            rounds *= self.length(generator.iter, lengths)
            total += rounds * sum(self.expression(test, lengths) for test in generator.ifs)
        inside = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        return total + rounds * sum(self.expression(part, lengths) for part in inside)

    def _call(self, node: ast.Call) -> int:
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        # A function that is handed over will be called: `tried(chain, task)`.
        handed = sum(
            self.function(one.id)
            for one in given
            if isinstance(one, ast.Name) and one.id in self.functions
        )
        name = _called(node)
        if isinstance(node.func, ast.Attribute):
            return handed + (name == "ask")
        if name in self.functions:
            return handed + self.function(name)
        if self.classic and isinstance(node.func, ast.Name | ast.Subscript):
            return handed + (name not in _BUILT_IN)
        if isinstance(node.func, ast.Subscript) or (not handed and name and name.islower()):
            # It may be any of the functions that a constant lists.
            ways = sorted(self.referred) if name not in _BUILT_IN else []
            return handed + max((self.function(one) for one in ways), default=0)
        return handed

    def _call_length(self, node: ast.Call, lengths: _Lengths) -> int:
        name = _called(node)
        if name == "range":
            numbers = [self.number(one, lengths) for one in node.args]
            known = [one for one in numbers if one is not None]
            return len(range(*known)) if known and len(known) == len(numbers) else _UNKNOWN
        if name == "gather" and (len(node.args) > 1 or not _iterable(node.args)):
            return len(node.args)
        if name in _SAME_LENGTH or name in ("gather", "zip"):
            return self.length(node.args[0], lengths) if node.args else 0
        return _UNKNOWN


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def _iterable(arguments: list[ast.expr]) -> bool:
    return bool(arguments) and isinstance(arguments[0], _Comprehension | ast.Name | ast.Starred)


def _leaves(statements: Sequence[ast.stmt]) -> bool:
    """Return whether a block always ends its function."""
    if not statements:
        return False
    last = statements[-1]
    if isinstance(last, ast.If):
        return _leaves(last.body) and _leaves(last.orelse)
    return isinstance(last, ast.Return | ast.Raise)
