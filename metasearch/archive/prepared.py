"""Statements for the hot path: compiled once, run by the driver's own cursor.

SQLAlchemy spends 60 to 120 us on each execution of a statement (measured), several times what the
database needs for a row by its key. These are the same statements, written in the same language and
right for the same databases; only the work that repeats is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql.expression import Executable

__all__ = ["Prepared"]

Process = Callable[[Any], Any]


class Prepared:
    """One statement; every parameter has to be given at each execution.

    Args:
        statement: makes it for a database (what an insert does on conflict differs).
        columns: for an insert, the names that its rows have.
    """

    def __init__(
        self, statement: Callable[[Dialect], Executable], columns: Sequence[str] | None = None
    ) -> None:
        self._statement = statement
        self._columns = columns
        self._compiled: dict[str, _Compiled] = {}

    def fetch(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """Return the rows as plain tuples of what the driver gives."""
        compiled = self._for(connection)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(compiled.sql, compiled.parameters(values))
            return list(cursor.fetchall())
        finally:
            cursor.close()

    def write(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it once for each row."""
        compiled = self._for(connection)
        cursor = connection.connection.cursor()
        try:
            cursor.executemany(compiled.sql, [compiled.parameters(row) for row in rows])
        finally:
            cursor.close()

    def _for(self, connection: Connection) -> _Compiled:
        name = connection.dialect.name
        if name not in self._compiled:
            self._compiled[name] = _Compiled(
                self._statement(connection.dialect), connection.dialect, self._columns
            )
        return self._compiled[name]


class _Compiled:
    def __init__(
        self, statement: Executable, dialect: Dialect, columns: Sequence[str] | None
    ) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=columns)  # type: ignore[attr-defined]
        self.sql = str(compiled)
        self._order: list[str] | None = compiled.positiontup
        self._process: dict[str, Process | None] = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect)
            for name, bind in compiled.binds.items()
        }

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """Return the values as the driver wants them: in order, or by name."""
        process = self._process
        if self._order is None:
            return {
                name: values[name] if do is None else do(values[name])
                for name, do in process.items()
            }
        return [
            values[name] if (do := process[name]) is None else do(values[name])
            for name in self._order
        ]
