"""The archive's tables. What each column means for a reader of the database: archive/README.md.

Nothing is ever deleted but a lease, and the rows of an evaluation that `INFRASTRUCTURE` spoilt.
"""

from __future__ import annotations

import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from metasearch.archive.columns import JsonText, SafeText, UtcTime
from metasearch.types import Json

__all__ = [
    "METADATA",
    "CallRow",
    "DesignRow",
    "EntryRow",
    "EvaluationRow",
    "EventRow",
    "LeaseRow",
    "ParentRow",
    "ReplyRow",
    "Row",
    "SearchRow",
    "SearchTaskRow",
    "TaskRow",
    "TextRow",
    "table",
]


class Row(SQLModel, registry=registry()):
    """Base of all tables; a registry of its own keeps a plug-in's SQLModel tables out."""


METADATA = Row.metadata
METADATA.naming_convention = {  # a constraint without a name cannot be migrated
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class TextRow(Row, table=True):
    """A long text, stored once under the SHA-256 of its UTF-8 bytes."""

    __tablename__ = "text"
    sha: str = Field(primary_key=True, sa_type=Text)
    size: int  # bytes before compression
    data: bytes = Field(sa_type=LargeBinary)  # a zlib stream


class SearchRow(Row, table=True):
    """One configured, resumable run."""

    __tablename__ = "search"
    id: str = Field(primary_key=True, sa_type=Text)
    domain: str = Field(sa_type=SafeText)
    strategy: str = Field(sa_type=SafeText)
    config: Json = Field(sa_type=JsonText, nullable=False)
    seed: int = Field(sa_type=BigInteger)
    status: str = Field(sa_type=Text)
    reason: str = Field(sa_type=SafeText)
    version: str = Field(sa_type=Text)
    created_at: datetime.datetime = Field(sa_type=UtcTime)
    updated_at: datetime.datetime = Field(sa_type=UtcTime)


class LeaseRow(Row, table=True):
    """Which process runs a search; no row: none does."""

    __tablename__ = "lease"
    search_id: str = Field(primary_key=True, foreign_key="search.id", sa_type=Text)
    pid: int = Field(sa_type=BigInteger)
    host: str = Field(sa_type=SafeText)
    token: str = Field(sa_type=Text)  # tells two archives of one process apart
    heartbeat: datetime.datetime = Field(sa_type=UtcTime)


class TaskRow(Row, table=True):
    """One version of one problem: a corrected gold answer is another row with the same id."""

    __tablename__ = "task"
    __table_args__ = (Index(None, "id"),)
    sha: str = Field(primary_key=True, sa_type=Text)
    id: str = Field(sa_type=SafeText)
    prompt: str = Field(sa_type=SafeText)
    gold: Json = Field(sa_type=JsonText, nullable=False)
    answer_type: Json = Field(sa_type=JsonText, nullable=False)
    kind: str = Field(sa_type=SafeText)
    extra: Json = Field(sa_type=JsonText, nullable=False)


class SearchTaskRow(Row, table=True):
    """Which tasks a search uses for what, in which order."""

    __tablename__ = "search_task"
    __table_args__ = (
        UniqueConstraint("search_id", "split", "position"),
        UniqueConstraint("search_id", "task_id", "split"),
    )
    search_id: str = Field(primary_key=True, foreign_key="search.id", sa_type=Text)
    task_id: str = Field(primary_key=True, sa_type=SafeText)
    split: str = Field(sa_type=Text)
    position: int
    task_sha: str = Field(foreign_key="task.sha", sa_type=Text)


class DesignRow(Row, table=True):
    """A design's source; its name and idea are what each proposal said, so they are the entry's."""

    __tablename__ = "design"
    id: str = Field(primary_key=True, sa_type=Text)
    source_sha: str = Field(foreign_key="text.sha", sa_type=Text)
    created_at: datetime.datetime = Field(sa_type=UtcTime)


class EntryRow(Row, table=True):
    """One proposal of a search, failures included."""

    __tablename__ = "entry"
    __table_args__ = (
        UniqueConstraint("search_id", "number"),
        Index(None, "search_id", "design_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    search_id: str = Field(foreign_key="search.id", sa_type=Text)
    number: int
    design_id: str | None = Field(foreign_key="design.id", sa_type=Text)
    name: str = Field(sa_type=SafeText)
    idea: str = Field(sa_type=SafeText)
    status: str = Field(sa_type=Text)
    proposer: str = Field(sa_type=SafeText)
    operator: str = Field(sa_type=SafeText)
    reason: str = Field(sa_type=SafeText)
    raw_sha: str | None = Field(foreign_key="text.sha", sa_type=Text)
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    picodollars: int = Field(sa_type=BigInteger)
    created_at: datetime.datetime = Field(sa_type=UtcTime)


class ParentRow(Row, table=True):
    """Who came from whom; position 0 is the main parent."""

    __tablename__ = "parent"
    __table_args__ = (UniqueConstraint("child_id", "position"), Index(None, "parent_id"))
    child_id: int = Field(primary_key=True, foreign_key="entry.id")
    parent_id: int = Field(primary_key=True, foreign_key="entry.id")
    position: int


class EvaluationRow(Row, table=True):
    """One design on one task, once."""

    __tablename__ = "evaluation"
    __table_args__ = (
        UniqueConstraint("search_id", "design_id", "task_id", "repeat"),
        # Holds all that a summary adds up, so that a leaderboard reads this index and no row.
        Index(
            "ix_evaluation_summary",
            "search_id",
            "entry_id",
            "split",
            "outcome",
            "score",
            "picodollars",
            "prompt_tokens",
            "completion_tokens",
            "seconds",
            "repeat",
        ),
        ForeignKeyConstraint(
            ["search_id", "task_id", "split"],
            ["search_task.search_id", "search_task.task_id", "search_task.split"],
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    search_id: str = Field(sa_type=Text)
    entry_id: int = Field(foreign_key="entry.id")
    design_id: str = Field(foreign_key="design.id", sa_type=Text)
    task_id: str = Field(sa_type=SafeText)
    split: str = Field(sa_type=Text)
    repeat: int
    outcome: str = Field(sa_type=Text)
    score: float
    answer: Json = Field(sa_type=JsonText, nullable=False)
    error: str = Field(sa_type=SafeText)
    stdout_sha: str | None = Field(foreign_key="text.sha", sa_type=Text)
    calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    picodollars: int = Field(sa_type=BigInteger)
    seconds: float
    active_seconds: float
    created_at: datetime.datetime = Field(sa_type=UtcTime)


class ReplyRow(Row, table=True):
    """One answer of a model that was really paid for; a call with the same key never is again."""

    __tablename__ = "reply"
    __table_args__ = (
        # Holds all that `spent` adds up.
        Index(
            "ix_reply_spent",
            "search_id",
            "owner",
            "picodollars",
            "prompt_tokens",
            "cached_tokens",
            "completion_tokens",
        ),
    )
    key: str = Field(primary_key=True, sa_type=Text)
    model: str = Field(sa_type=SafeText)
    request: Json = Field(sa_type=JsonText, nullable=False)  # long texts in it by their sha
    text_sha: str = Field(foreign_key="text.sha", sa_type=Text)
    finish: str = Field(sa_type=Text)
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    picodollars: int = Field(sa_type=BigInteger)
    seconds: float
    scope: str = Field(sa_type=SafeText)
    repeat: int
    occurrence: int
    # NULL: imported from elsewhere, so no search here has paid for it
    search_id: str | None = Field(foreign_key="search.id", sa_type=Text)
    owner: str = Field(sa_type=Text)
    created_at: datetime.datetime = Field(sa_type=UtcTime)


class CallRow(Row, table=True):
    """One line of a trace: of an evaluation, or of a proposal."""

    __tablename__ = "call"
    __table_args__ = (
        CheckConstraint("(evaluation_id IS NULL) <> (entry_id IS NULL)", name="owner"),
        CheckConstraint("(reply_key IS NULL) <> (failed_key IS NULL)", name="reply"),
        Index(None, "evaluation_id", "position"),
        Index(None, "entry_id", "position"),
    )
    id: int | None = Field(default=None, primary_key=True)
    evaluation_id: int | None = Field(foreign_key="evaluation.id")
    entry_id: int | None = Field(foreign_key="entry.id")
    position: int
    agent: str = Field(sa_type=SafeText)
    reply_key: str | None = Field(foreign_key="reply.key", sa_type=Text)
    recorded: bool  # the reply came from the record, so that this call paid nothing
    failed_key: str | None = Field(sa_type=Text)
    failed_model: str | None = Field(sa_type=SafeText)
    request: Json = Field(sa_type=JsonText, nullable=True)  # of a failed call only
    error: str = Field(sa_type=SafeText)


class EventRow(Row, table=True):
    """Something that happened in a search, for a person to read."""

    __tablename__ = "event"
    __table_args__ = (Index(None, "search_id", "id"),)
    id: int | None = Field(default=None, primary_key=True)
    search_id: str = Field(foreign_key="search.id", sa_type=Text)
    at: datetime.datetime = Field(sa_type=UtcTime)
    kind: str = Field(sa_type=Text)
    text: str = Field(sa_type=SafeText)


def table(row: type[Row]) -> Table:
    """Return a model's table, for statements that need no objects."""
    return METADATA.tables[str(row.__tablename__)]
